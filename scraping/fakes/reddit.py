"""A fake Reddit: /api/info for communities, /user/{name}/about for people. Source: Reddit's API documentation.

A person is the handle `u:name`. The cap of 100 names is unverified: this fake drops those beyond it without a word.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from typing import Any

from perf import clock
from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "reddit"
HOSTS = ("oauth.reddit.com",)
LIMIT = Limit(calls=1_000, seconds=600, kind="fixed")
MOST_NAMES = 100
ABOUT = re.compile(r"/user/([A-Za-z0-9_-]+)/about(?:\.json)?")


def answer(call: Call, world: World) -> Reply:
    """Communities in an order of its own, or one person."""
    if not call.token:
        return dead()
    usage = world.spend(NAME, call, LIMIT)
    person = ABOUT.fullmatch(call.path)
    if not usage.allowed:
        reply = limited()
    elif person:
        reply = _about(person[1], world)
    elif call.path == "/api/info":
        reply = _info(call, world)
    else:
        reply = _error(404, "Not Found")
    reply.headers |= _headers(usage)
    return reply


def limited() -> Reply:
    """Reddit's answer to one call too many."""
    return _error(429, "Too Many Requests")


def dead() -> Reply:
    """Reddit's answer to a token that ran out."""
    return _error(401, "Unauthorized")


def _error(status: int, message: str) -> Reply:
    return Reply({"message": message, "error": status}, status)


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "X-Ratelimit-Used": str(usage.used),
        "X-Ratelimit-Remaining": f"{usage.remaining:.1f}",
        "X-Ratelimit-Reset": str(int(usage.resets_at - clock.now().timestamp())),
    }


def _info(call: Call, world: World) -> Reply:
    by_id = "id" in call.params
    asked = call.params.get("id" if by_id else "sr_name", "").split(",")[:MOST_NAMES]
    found = [_community(one, world, by_id=by_id) for one in sorted(asked, key=str.casefold, reverse=True) if one]
    children = [{"kind": "t5", "data": data} for data in found if data]
    listing = {"kind": "Listing", "data": {"after": None, "dist": len(children), "children": children, "before": None}}
    return Reply(listing, asked=(*asked, *(world.name_of(NAME, one) for one in asked)))


def _community(asked: str, world: World, *, by_id: bool) -> dict[str, Any] | None:
    """One community, or None where there is none of this name or fullname."""
    handle = world.name_of(NAME, asked) if by_id else asked
    fault = world.account_fault(NAME, handle)
    if fault in {"not_found", "missing"} or (fault == "renamed" and not by_id):
        return None
    fullname = asked if by_id else world.identity(NAME, handle, fault)
    profile = curves.profile(NAME, handle)
    closed = {"hidden": "private", "suspended": "public"}.get(
        fault, ""
    )  # of what is closed little but its name is told
    data: dict[str, Any] = {
        "name": fullname,
        "id": fullname[3:],
        "subreddit_type": closed or "public",
        "subscribers": None if closed else world.figures(NAME, fullname, fault)["followers"],
        "title": profile.display_name,
        "public_description": profile.bio,
        "icon_img": profile.image_url,
        "created_utc": _seconds(profile),
    }
    if handle != fullname:  # asked for by fullname alone since its start, a fake knows no name
        moved = fault in {"renamed", "reassigned"} and fullname == curves.external_id(NAME, handle)
        data["display_name"] = f"moved_{handle}" if moved else handle
    return data


def _about(name: str, world: World) -> Reply:
    handle = f"u:{name}"
    fault = world.account_fault(NAME, handle)
    if fault in {"not_found", "missing", "renamed"}:
        reply = _error(404, "Not Found")
    elif fault == "suspended":
        reply = Reply({"kind": "t2", "data": {"name": name, "is_suspended": True, "is_blocked": False}})
    else:
        reply = Reply({"kind": "t2", "data": _person(name, handle, fault, world)})
    reply.asked = (handle, name)
    return reply


def _person(name: str, handle: str, fault: str, world: World) -> dict[str, Any]:
    fullname, profile = world.identity(NAME, handle, fault), curves.profile(NAME, handle)
    page = {
        "display_name": f"u_{name}",
        "title": profile.display_name,
        "public_description": profile.bio,
        "subscribers": world.figures(NAME, fullname, fault)["followers"],
    }
    person = {"id": fullname[3:], "name": name, "created_utc": _seconds(profile), "icon_img": profile.image_url}
    return person if fault in {"hidden", "unsupported"} else person | {"subreddit": page}


def _seconds(profile: curves.Profile) -> float:
    return datetime.combine(profile.opened_on, time(12), UTC).timestamp()
