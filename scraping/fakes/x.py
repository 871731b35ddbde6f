"""A fake X: GET /2/users/by. Source: the X API v2 OpenAPI description."""

from __future__ import annotations

import re
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "x"
HOSTS = ("api.x.com",)
LIMIT = Limit(calls=300, seconds=900, kind="fixed")
MOST_USERS = 100
LEGAL = re.compile(r"[A-Za-z0-9_]{1,15}")
PROBLEMS = "https://api.twitter.com/2/problems"


def answer(call: Call, world: World) -> Reply:
    """Users in the order asked, those without one in `errors`."""
    if call.path != "/2/users/by" or call.method != "GET":
        return Reply({"title": "Not Found", "status": 404, "type": "about:blank"}, 404)
    if not call.token:
        return dead()
    names = call.params.get("usernames", "").split(",")
    usage = world.spend(NAME, call, LIMIT)
    if not usage.allowed:
        reply = limited()
    elif len(names) > MOST_USERS or not all(LEGAL.fullmatch(name) for name in names):
        reply = _invalid(call.params.get("usernames", ""))
    else:
        reply = _users(names, world, with_metrics="public_metrics" in call.params.get("user.fields", ""))
    reply.headers |= _headers(usage)
    reply.asked = tuple(names)
    return reply


def limited() -> Reply:
    """X's answer to one call too many."""
    return Reply(
        {"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}, 429
    )


def dead() -> Reply:
    """X's answer to a token it does not know."""
    return Reply({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)


def budget_spent(value: object) -> Reply:
    """X's answer when the money is gone: 402, or 429 with `usage-capped` when asked for."""
    if value == "usage-capped":
        kind = f"{PROBLEMS}/usage-capped"
        return Reply({"title": "UsageCapExceeded", "detail": "Usage cap exceeded", "type": kind, "status": 429}, 429)
    detail = "Your enrolled account does not have any credits to fulfill this request."
    return Reply({"title": "CreditsDepleted", "detail": detail, "type": f"{PROBLEMS}/credits", "status": 402}, 402)


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(usage.limit),
        "x-rate-limit-remaining": str(usage.remaining),
        "x-rate-limit-reset": str(int(usage.resets_at) + 1),
    }


def _invalid(raw: str) -> Reply:
    message = f"The `usernames` query parameter value [{raw[:200]}] does not match ^[A-Za-z0-9_]{{1,15}}$"
    error = {"parameters": {"usernames": [raw[:200]]}, "message": message}
    body = {"errors": [error], "title": "Invalid Request", "type": f"{PROBLEMS}/invalid-request"}
    return Reply(body | {"detail": "One or more parameters to your request was invalid."}, 400)


def _users(names: list[str], world: World, *, with_metrics: bool) -> Reply:
    body: dict[str, Any] = {}
    for name in names:
        fault = world.account_fault(NAME, name)
        if fault in {"not_found", "renamed", "suspended"}:
            body.setdefault("errors", []).append(_absent(name, suspended=fault == "suspended"))
        elif fault != "missing":
            body.setdefault("data", []).append(_user(name, fault, world, with_metrics=with_metrics))
    return Reply(body)


def _absent(name: str, *, suspended: bool) -> dict[str, str]:
    detail = f"User has been suspended: [{name}]." if suspended else f"Could not find user with usernames: [{name}]."
    return {
        "value": name,
        "detail": detail,
        "title": "Forbidden" if suspended else "Not Found Error",
        "resource_type": "user",
        "parameter": "usernames",
        "resource_id": name,
        "type": f"{PROBLEMS}/resource-not-found",
    }


def _user(name: str, fault: str, world: World, *, with_metrics: bool) -> dict[str, Any]:
    identity = world.identity(NAME, name, fault)
    world.bill(NAME, identity)
    profile = curves.profile(NAME, name)
    user: dict[str, Any] = {"id": identity, "name": profile.display_name, "username": name}
    if with_metrics:
        figures = world.figures(NAME, identity, fault)
        user |= {
            "description": profile.bio,
            "url": profile.bio_link,
            "profile_image_url": profile.image_url,
            "verified_type": "government",
            "created_at": f"{profile.opened_on}T12:00:00.000Z",
            "public_metrics": {
                "followers_count": figures["followers"],
                "following_count": figures["following"],
                "tweet_count": figures["posts"],
                "listed_count": figures["listed"],
                "like_count": 0,
            },
        }
    if fault == "hidden":
        del user["public_metrics"]
    return user
