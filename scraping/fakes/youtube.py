"""A fake YouTube: GET /youtube/v3/channels with its daily units. Source: the YouTube Data API v3 reference."""

from __future__ import annotations

from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "youtube"
HOSTS = ("www.googleapis.com", "youtube.googleapis.com")
LIMIT = Limit(calls=10_000, seconds=86_400, kind="day", zone="America/Los_Angeles")
MOST_IDS = 50
# Names from the time of /user/ addresses that are nobody's @handle; every other name answers as either.
USERNAMES_ONLY = frozenset(
    ["usgovhhs", "recoverymonth", "odphp", "officeminorityhealth", "womenshealthgov", "healthcaregov"]
)


def answer(call: Call, world: World) -> Reply:
    """Channels by id, handle or old user name; every call costs a unit, invalid ones too."""
    if call.path != "/youtube/v3/channels" or call.method != "GET":
        return _error(404, "notFound", "Not Found")
    key = call.headers.get("x-goog-api-key") or call.params.get("key", "")
    if not key:
        return dead()
    if not world.spend(NAME, call, LIMIT, credential=key).allowed:
        return quota_exceeded()
    filters = {name: value for name, value in call.params.items() if name in {"id", "forHandle", "forUsername"}}
    if len(filters) != 1:
        return _error(
            400, "missingRequiredParameter" if not filters else "incompatibleParameters", "No filter selected."
        )
    ((name, value),) = filters.items()
    asked = value.split(",") if name == "id" else [value.removeprefix("@")]
    if name == "id" and len(asked) > MOST_IDS:
        return _error(400, "invalidValue", "The request specifies more than 50 ids.")
    found = _by_ids(asked, call, world) if name == "id" else _by_name(name, asked[0], call, world)
    reply = Reply({"kind": "youtube#channelListResponse", "etag": "fake", "pageInfo": _page(len(found))})
    if found:  # no `items` key at all when nothing is found
        reply.data["items"] = found
    reply.asked = tuple(asked) + tuple(world.name_of(NAME, identity) for identity in asked)
    return reply


def limited() -> Reply:
    """YouTube's answer to calls that come too fast."""
    return _error(403, "rateLimitExceeded", "Rate limit exceeded")


def quota_exceeded(_: object = None) -> Reply:
    """YouTube's answer when the day's units are gone."""
    return _error(403, "quotaExceeded", "The request cannot be completed because you have exceeded your quota.")


budget_spent = quota_exceeded


def dead() -> Reply:
    """YouTube's answer to a key it does not know."""
    reply = _error(400, "badRequest", "API key not valid. Please pass a valid API key.")
    reply.data["error"]["details"] = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    ]
    return reply


def _error(code: int, reason: str, message: str) -> Reply:
    errors = [{"message": message, "domain": "youtube.quota", "reason": reason}]
    return Reply({"error": {"code": code, "message": message, "errors": errors}}, code)


def _page(count: int) -> dict[str, int]:
    return {"totalResults": count, "resultsPerPage": 5}


def _by_ids(ids: list[str], call: Call, world: World) -> list[dict[str, Any]]:
    found = []
    for identity in ids:
        handle = world.name_of(NAME, identity)
        fault = world.account_fault(NAME, handle)
        if fault not in {"not_found", "missing", "suspended"}:
            # A handle that was renamed or given to somebody else leaves the channel of this id as it was.
            found.append(_channel(identity, handle, fault if fault != "reassigned" else "", call, world))
    return found


def _by_name(kind: str, name: str, call: Call, world: World) -> list[dict[str, Any]]:
    fault = world.account_fault(NAME, name)
    if fault in {"not_found", "missing", "renamed", "suspended"}:
        return []
    if kind == "forHandle" and name.casefold() in USERNAMES_ONLY:
        return []
    return [_channel(world.identity(NAME, name, fault), name, fault, call, world)]


def _channel(identity: str, handle: str, fault: str, call: Call, world: World) -> dict[str, Any]:
    channel: dict[str, Any] = {"kind": "youtube#channel", "etag": "fake", "id": identity}
    parts = call.params.get("part", "").split(",")
    if "statistics" in parts:
        figures = world.figures(NAME, identity, fault)
        channel["statistics"] = {
            "viewCount": str(figures["total_video_views"]),
            "subscriberCount": str(figures["followers"]),
            "hiddenSubscriberCount": False,
            "videoCount": str(figures["videos"]),
        }
        if fault == "hidden":
            channel["statistics"]["hiddenSubscriberCount"] = True
            del channel["statistics"]["subscriberCount"]
    if "snippet" in parts:
        profile = curves.profile(NAME, handle)
        channel["snippet"] = {
            "title": profile.display_name,
            "description": profile.bio,
            "customUrl": f"@{handle.casefold()}",
            "publishedAt": f"{profile.opened_on}T12:00:00Z",
            "thumbnails": {"default": {"url": profile.image_url, "width": 88, "height": 88}},
        }
    return channel
