"""A fake X: GET /2/users/by and /2/users. Source: the X API v2 OpenAPI description."""

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
LEGAL_ID = re.compile(r"[0-9]{1,19}")
OWN_ID = re.compile(r"[0-9]{18}")  # the form of every id that the fake gives
BY = {"/2/users/by": ("usernames", LEGAL), "/2/users": ("ids", LEGAL_ID)}
PROBLEMS = "https://api.twitter.com/2/problems"


def answer(call: Call, world: World) -> Reply:
    """Users in the order asked, those without one in `errors`."""
    if call.path not in BY or call.method != "GET":
        return Reply({"title": "Not Found", "status": 404, "type": "about:blank"}, 404)
    if not call.token:
        return dead()
    parameter, legal = BY[call.path]
    values = call.params.get(parameter, "").split(",")
    usage = world.spend(NAME, call, LIMIT)
    illegal = [value for value in values if not legal.fullmatch(value)]
    if not usage.allowed:
        reply = limited()
    elif world.is_broke(NAME):
        reply = budget_spent(None)
    elif illegal or len(values) > MOST_USERS:
        reply = _invalid(parameter, illegal[:1] or [call.params.get(parameter, "")], legal)
    else:
        reply = _users(parameter, values, world, with_metrics="public_metrics" in call.params.get("user.fields", ""))
    reply.headers |= _headers(usage)
    reply.asked = tuple(values)
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


def _invalid(parameter: str, values: list[str], legal: re.Pattern[str]) -> Reply:
    message = f"The `{parameter}` query parameter value [{values[0][:200]}] does not match ^{legal.pattern}$"
    error = {"parameters": {parameter: [value[:200] for value in values]}, "message": message}
    body = {"errors": [error], "title": "Invalid Request", "type": f"{PROBLEMS}/invalid-request"}
    return Reply(body | {"detail": "One or more parameters to your request was invalid."}, 400)


def _users(parameter: str, values: list[str], world: World, *, with_metrics: bool) -> Reply:
    body: dict[str, Any] = {}
    for value in values:
        name = value if parameter == "usernames" else world.name_of(NAME, value)
        fault = world.account_fault(NAME, name)
        if _is_absent(parameter, value, fault):
            body.setdefault("errors", []).append(_absent(parameter, value, suspended=fault == "suspended"))
        elif fault != "missing":
            identity = world.identity(NAME, name, fault) if parameter == "usernames" else value
            body.setdefault("data", []).append(_user(identity, fault, world, with_metrics=with_metrics))
    return Reply(body)


def _is_absent(parameter: str, value: str, fault: str) -> bool:
    """Whether nobody is found: a renamed user only under the id, one whose name somebody else took under the name."""
    if parameter == "usernames":
        return fault in {"not_found", "renamed", "suspended"}
    return fault in {"not_found", "reassigned", "suspended"} or not OWN_ID.fullmatch(value)


def _absent(parameter: str, value: str, *, suspended: bool) -> dict[str, str]:
    missing = f"Could not find user with {parameter}: [{value}]."
    return {
        "value": value,
        "detail": f"User has been suspended: [{value}]." if suspended else missing,
        "title": "Forbidden" if suspended else "Not Found Error",
        "resource_type": "user",
        "parameter": parameter,
        "resource_id": value,
        "type": f"{PROBLEMS}/resource-not-found",
    }


def _user(identity: str, fault: str, world: World, *, with_metrics: bool) -> dict[str, Any]:
    world.bill(NAME, identity)
    name = world.known_as(NAME, identity)
    profile = curves.profile(NAME, name or identity)
    user: dict[str, Any] = {"id": identity, "name": profile.display_name}
    if name:  # nobody is called what the fake does not know; a made-up name would rename the account
        user["username"] = f"{name[:11]}_new" if fault == "renamed" else name
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
