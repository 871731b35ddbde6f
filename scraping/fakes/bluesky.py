"""A fake Bluesky AppView: app.bsky.actor.getProfiles. Source: its AT Protocol lexicon and HTTP reference."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from perf import clock
from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

NAME = "bluesky"
HOSTS = ("public.api.bsky.app",)
LIMIT = Limit(calls=3_000, seconds=300, kind="fixed")
MOST_ACTORS = 25
PATH = "/xrpc/app.bsky.actor.getProfiles"
HANDLE = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
DID = re.compile(r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]")
GONE = {"not_found", "missing", "suspended"}  # the AppView leaves all of them out without a word


def answer(call: Call, world: World) -> Reply:
    """Up to 25 profiles, in no promised order; those that cannot be shown are left out."""
    if call.path != PATH or call.method != "GET":
        return _error(501, "MethodNotImplemented", "Method Not Implemented")
    actors = [value for name, value in parse_qsl(call.query) if name == "actors"]
    usage = world.spend(NAME, call, LIMIT)
    if not usage.allowed:
        reply = limited()
        reply.headers["Retry-After"] = str(int(usage.resets_at - clock.now().timestamp()) + 1)
    elif problem := _problem(actors):
        reply = _error(400, "InvalidRequest", problem)
    else:
        profiles = (_profile(actor, world) for actor in reversed(actors))
        reply = Reply({"profiles": [profile for profile in profiles if profile]})
    reply.headers |= _headers(usage)
    reply.asked = (*actors, *(world.name_of(NAME, actor) for actor in actors))
    return reply


def limited() -> Reply:
    """The AppView's answer to one call too many."""
    return _error(429, "RateLimitExceeded", "Rate Limit Exceeded")


def dead() -> Reply:
    """The AppView's answer to a token it does not accept; none is needed."""
    return _error(401, "InvalidToken", "Bad token")


def _error(status: int, error: str, message: str) -> Reply:
    return Reply({"error": error, "message": message}, status)


def _problem(actors: list[str]) -> str:
    """What the lexicon's validation says of the parameters."""
    if not actors:
        return 'Error: Params must have the property "actors"'
    if len(actors) > MOST_ACTORS:
        return f"Error: actors must not have more than {MOST_ACTORS} elements"
    wrong = (n for n, actor in enumerate(actors) if not HANDLE.fullmatch(actor) and not DID.fullmatch(actor))
    return next((f"Error: actors/{n} must be a valid did or a handle" for n in wrong), "")


def _headers(usage: Usage) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(usage.limit),
        "RateLimit-Remaining": str(usage.remaining),
        "RateLimit-Reset": str(int(usage.resets_at) + 1),
        "RateLimit-Policy": f"{LIMIT.calls};w={LIMIT.seconds}",
    }


def _profile(actor: str, world: World) -> dict[str, Any] | None:
    """One profileViewDetailed, or None where there is none to show."""
    by_did = actor.startswith("did:")
    handle = world.name_of(NAME, actor) if by_did else actor
    fault = world.account_fault(NAME, handle)
    if fault in GONE or (fault == "renamed" and not by_did):
        return None
    did = actor if by_did else world.identity(NAME, actor, fault)
    figures, about = world.figures(NAME, did, fault), curves.profile(NAME, handle)
    profile = {
        "did": did,
        "handle": _handle(handle, did, fault),
        "displayName": about.display_name,
        "description": about.bio,
        "avatar": about.image_url,
        "followersCount": figures["followers"],
        "followsCount": figures["following"],
        "postsCount": figures["posts"],
        "indexedAt": f"{about.opened_on}T12:00:00.000Z",
        "createdAt": f"{about.opened_on}T12:00:00.000Z",
        "labels": [],
    }
    if fault == "hidden":
        del profile["followersCount"]  # the lexicon makes it optional
    return profile


def _handle(handle: str, did: str, fault: str) -> str:
    """The handle that a profile shows: another one once the account was renamed or lost it to somebody else."""
    if handle.startswith("did:"):
        return "handle.invalid"
    moved = fault in {"renamed", "reassigned"} and did == curves.external_id(NAME, handle)
    return f"moved-{handle}" if moved else handle
