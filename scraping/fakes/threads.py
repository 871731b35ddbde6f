"""A fake Threads: profile_lookup, in either of its two shapes. Source: Meta's Threads API, Profile Discovery."""

from __future__ import annotations

from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "threads"
HOSTS = ("graph.threads.com", "graph.threads.net")
LIMIT = Limit(calls=1_000, seconds=86_400, kind="rolling")
FEWEST_FOLLOWERS = 100
NOT_SHOWN = {"not_found", "missing", "suspended", "renamed", "unsupported"}  # one answer for all of them


def answer(call: Call, world: World) -> Reply:
    """One profile a call."""
    token = call.token or call.params.get("access_token", "")
    if not token:
        return dead()
    if call.path != "/v1.0/profile_lookup" or call.method != "GET":
        return _error(404, 2500, "Unknown path components")
    name = call.params.get("username", "")
    usage = world.spend(NAME, call, LIMIT, credential=token)
    reply = _profile(name, world) if usage.allowed else limited()
    reply.asked = (name,)
    return reply


def limited() -> Reply:
    """Meta's answer to an app that asks too much."""
    return _error(400, 4, "(#4) Application request limit reached")


def dead() -> Reply:
    """Meta's answer to a token it does not accept."""
    return _error(401, 190, "Invalid OAuth access token - Cannot parse access token")


def _error(status: int, code: int, message: str) -> Reply:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "fake"}
    return Reply({"error": error}, status)


def _profile(name: str, world: World) -> Reply:
    fault = world.account_fault(NAME, name)
    if fault == "forbidden":
        return _error(403, 10, "(#10) Application does not have permission for this action")
    identity = world.identity(NAME, name, fault)
    followers = world.figures(NAME, identity, fault)["followers"]
    if fault in NOT_SHOWN or not name or (isinstance(followers, int) and followers < FEWEST_FOLLOWERS):
        return _error(400, 24, "The requested resource does not exist")
    about = curves.profile(NAME, name)
    profile: dict[str, Any] = {
        "username": name,
        "name": about.display_name,
        "biography": about.bio,
        "profile_picture_url": about.image_url,
        "is_verified": True,
        "follower_count": followers,
        "likes_count": 7,  # of the last week
        "views_count": 700,
    }
    if fault == "hidden":
        del profile["follower_count"]
    wrapped = int(identity) % 2  # both shapes occur; an account keeps its own
    return Reply({"data": [profile]} if wrapped else profile)
