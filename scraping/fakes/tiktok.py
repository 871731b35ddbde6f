"""A fake TikTok API: the account that a token is of. Source: TikTok for Developers, Get User Info.

The token `act.<handle>` is one that the owner of `handle` gave; no other token is known.
"""

from __future__ import annotations

from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "tiktok"
HOSTS = ("open.tiktokapis.com",)
LIMIT = Limit(calls=600, seconds=60, kind="rolling")
TOKEN = "act."
GONE = {"not_found", "missing", "suspended"}  # whose tokens are worth nothing any more


def answer(call: Call, world: World) -> Reply:
    """The one user that the token opens, with the fields asked for."""
    handle = call.token.removeprefix(TOKEN)
    if not call.token.startswith(TOKEN) or not handle:
        return dead()
    usage = world.spend(NAME, call, LIMIT)
    fault = world.account_fault(NAME, handle)
    if not usage.allowed:
        reply = limited()
    elif call.path != "/v2/user/info/" or call.method != "GET":
        reply = _error(404, "invalid_params", "Unsupported path")
    elif fault in GONE:
        reply = dead()
    elif fault == "forbidden":
        reply = _error(401, "scope_not_authorized", "The user did not authorize the scope required")
    else:
        reply = _user(handle, fault, call.params.get("fields", ""), world)
    reply.asked = (handle,)
    return reply


def limited() -> Reply:
    """TikTok's answer to one call too many."""
    return _error(429, "rate_limit_exceeded", "The API rate limit was exceeded. Please try again later.")


def dead() -> Reply:
    """TikTok's answer to a token it does not accept."""
    return _error(401, "access_token_invalid", "The access token is invalid or not found in the request.")


def _error(status: int, code: str, message: str) -> Reply:
    return Reply({"data": {}, "error": {"code": code, "message": message, "log_id": "fake"}}, status)


def _user(handle: str, fault: str, fields: str, world: World) -> Reply:
    identity = world.identity(NAME, handle, fault)
    figures, profile = world.figures(NAME, identity, fault), curves.profile(NAME, handle)
    user: dict[str, Any] = {
        "open_id": f"-000{identity}",
        "union_id": f"union-{identity}",
        "username": f"moved_{handle}" if fault == "renamed" else handle,
        "display_name": profile.display_name,
        "avatar_url": profile.image_url,
        "bio_description": profile.bio,
        "profile_deep_link": f"https://vm.tiktok.com/{identity}/",
        "is_verified": True,
        "follower_count": figures["followers"],
        "following_count": figures["following"],
        "likes_count": figures["likes"],
        "video_count": figures["videos"],
    }
    asked = [field for field in fields.split(",") if field]
    if not asked or not set(asked) <= user.keys():
        return _error(400, "invalid_params", "Fields is required" if not asked else "Invalid fields")
    if fault == "hidden":
        del user["follower_count"]
    found = {name: user[name] for name in asked if name in user}
    return Reply({"data": {"user": found}, "error": {"code": "ok", "message": "", "log_id": "fake"}})
