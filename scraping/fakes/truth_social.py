"""A fake Truth Social: account look-up in Mastodon's shape. Source: public client code, unverified."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "truth_social"
HOSTS = ("truthsocial.com",)
LIMIT = Limit(calls=300, seconds=300, kind="fixed")


def answer(call: Call, world: World) -> Reply:
    """One account a call."""
    if call.path != "/api/v1/accounts/lookup":
        return Reply({"error": "Record not found"}, 404)
    name = call.params.get("acct", "")
    usage = world.spend(NAME, call, LIMIT)
    reply = _account(name, world) if usage.allowed else limited()
    reply.headers |= _headers(usage)
    reply.asked = (name,)
    return reply


def limited() -> Reply:
    """The answer to one call too many."""
    return Reply({"error": "Throttled"}, 429)


def dead() -> Reply:
    """The answer to a token it does not know."""
    return Reply({"error": "The access token is invalid"}, 401)


def _account(name: str, world: World) -> Reply:
    fault = world.account_fault(NAME, name)
    if fault in {"not_found", "renamed", "missing"} or not name:
        return Reply({"error": "Record not found"}, 404)
    identity = world.identity(NAME, name, fault)
    figures, profile = world.figures(NAME, identity, fault), curves.profile(NAME, name)
    account: dict[str, Any] = {
        "id": identity,
        "username": name,
        "acct": name,
        "display_name": profile.display_name,
        "created_at": f"{profile.opened_on}T00:00:00.000Z",
        "note": f"<p>{profile.bio}</p>",
        "url": f"https://truthsocial.com/@{name}",
        "avatar": profile.image_url,
        "verified": True,
        "followers_count": -1 if fault == "hidden" else figures["followers"],
        "following_count": figures["following"],
        "statuses_count": figures["posts"],
    }
    if fault == "suspended":
        account |= {"suspended": True, "followers_count": 0, "following_count": 0, "statuses_count": 0}
    return Reply(account)


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(usage.limit),
        "x-ratelimit-remaining": str(usage.remaining),
        "x-ratelimit-reset": datetime.fromtimestamp(usage.resets_at, UTC).isoformat().replace("+00:00", "Z"),
    }
