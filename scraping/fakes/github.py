"""A fake GitHub: users by login and by id, ETags, and two sizes of limit. Source: GitHub's REST API reference."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "github"
HOSTS = ("api.github.com",)
WITH_TOKEN = Limit(calls=5_000, seconds=3_600, kind="fixed")
WITHOUT = Limit(calls=60, seconds=3_600, kind="fixed")
LOGIN, ID = re.compile(r"/users/([A-Za-z0-9-]+)"), re.compile(r"/user/(\d+)")
GONE = {"not_found", "missing", "suspended"}
DOCS = "https://docs.github.com/rest"


def answer(call: Call, world: World) -> Reply:
    """One user; a 304 to the ETag of the same answer is free for those who have a token."""
    if not call.headers.get("user-agent"):
        return _error(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent")
    reply = _user(call.path, world)
    unchanged = "ETag" in reply.headers and call.headers.get("if-none-match") == reply.headers["ETag"]
    cost = 0 if unchanged and call.token else 1
    usage = world.spend(NAME, call, WITH_TOKEN if call.token else WITHOUT, cost=cost)
    if not usage.allowed:
        reply = _error(403, "API rate limit exceeded for user ID 1.")
    elif unchanged:
        reply = Reply("", 304, reply.headers, reply.asked)
    reply.headers |= _headers(usage)
    return reply


def limited() -> Reply:
    """A secondary limit, which no header but Retry-After tells of; the first kind comes from the meter."""
    return _error(429, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")


def dead() -> Reply:
    """GitHub's answer to a token it does not accept."""
    return _error(401, "Bad credentials")


def _error(status: int, message: str) -> Reply:
    return Reply({"message": message, "documentation_url": DOCS, "status": str(status)}, status)


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(usage.limit),
        "X-RateLimit-Remaining": str(usage.remaining),
        "X-RateLimit-Used": str(usage.used),
        "X-RateLimit-Reset": str(int(usage.resets_at) + 1),
        "X-RateLimit-Resource": "core",
    }


def _user(path: str, world: World) -> Reply:
    by_login, by_id = LOGIN.fullmatch(path), ID.fullmatch(path)
    if by_login:
        login = by_login[1]
    elif by_id:
        login = world.name_of(NAME, by_id[1])
    else:
        return _error(404, "Not Found")
    fault = world.account_fault(NAME, login)
    if fault in GONE or (fault == "renamed" and by_login):
        reply = _error(404, "Not Found")
    else:
        number = by_id[1] if by_id else world.identity(NAME, login, fault)
        user = _body(number, login, fault, world)
        digest = hashlib.sha256(json.dumps(user).encode()).hexdigest()
        reply = Reply(user, headers={"ETag": f'W/"{digest}"'})
    reply.asked = (login,)
    return reply


def _body(number: str, login: str, fault: str, world: World) -> dict[str, Any]:
    figures, profile = world.figures(NAME, number, fault), curves.profile(NAME, login)
    user: dict[str, Any] = {
        "id": int(number),
        "type": "Organization",
        "name": profile.display_name,
        "bio": profile.bio,
        "blog": profile.bio_link,
        "avatar_url": profile.image_url,
        "public_repos": 42,
        "followers": None if fault == "hidden" else figures["followers"],
        "following": figures["following"],
        "created_at": f"{profile.opened_on}T12:00:00Z",
    }
    if login != number:  # asked for by id alone since its start, a fake knows no name
        moved = fault in {"renamed", "reassigned"} and number == curves.external_id(NAME, login)
        user["login"] = f"moved-{login}" if moved else login
    return user
