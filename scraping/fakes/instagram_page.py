"""A fake of the endpoint behind Instagram's public pages. Source: public client code, unverified."""

from __future__ import annotations

from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "instagram"
HOSTS = ("www.instagram.com",)
LIMIT = Limit(calls=10, seconds=3600, kind="rolling")
PATH = "/api/v1/users/web_profile_info/"


def answer(call: Call, world: World) -> Reply:
    """One profile, for callers that say which app they are."""
    if call.path != PATH:
        return Reply("<!DOCTYPE html><title>Login • Instagram</title>", 200, {"Content-Type": "text/html"})
    if not call.headers.get("x-ig-app-id", "").isdigit():
        return Reply({"message": "useragent mismatch", "status": "fail"}, 400)
    if not world.spend(NAME, call, LIMIT).allowed:
        return limited()
    name = call.params.get("username", "")
    reply = _profile(name, world)
    reply.asked = (name,)
    return reply


def limited() -> Reply:
    """Instagram's answer to a visitor who asks too much; not a word of a limit in its status."""
    message = "Please wait a few minutes before you try again."
    return Reply({"message": message, "require_login": True, "status": "fail"}, 401)


def dead() -> Reply:
    """Instagram's answer to visitors who shall sign in."""
    return Reply({"message": "", "require_login": True, "status": "fail"}, 401)


def _profile(name: str, world: World) -> Reply:
    fault = world.account_fault(NAME, name)
    if fault in {"not_found", "renamed", "suspended"}:
        return Reply("<!DOCTYPE html><title>Page not found • Instagram</title>", 404, {"Content-Type": "text/html"})
    if fault == "missing":
        return Reply({"data": {"user": None}, "status": "ok"})
    if fault == "forbidden":
        return dead()
    identity = world.identity(NAME, name, fault)
    figures, profile = world.figures(NAME, identity, fault), curves.profile(NAME, name)
    user: dict[str, Any] = {
        "id": identity[-11:],  # the site's own id, of another kind than business discovery's
        "username": name.lower(),
        "full_name": profile.display_name,
        "biography": profile.bio,
        "external_url": profile.bio_link,
        "profile_pic_url": profile.image_url,
        "is_verified": True,
        "is_private": False,
        "edge_followed_by": {"count": None if fault == "hidden" else figures["followers"]},
        "edge_follow": {"count": figures["following"]},
        "edge_owner_to_timeline_media": {"count": figures["posts"], "edges": []},
    }
    return Reply({"data": {"user": user}, "status": "ok"})
