"""A fake Graph API for Facebook pages and Instagram business discovery: batch calls of 50, limits in percent.

Source: Meta's Graph API reference (batch requests, rate limiting, error codes).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from perf import clock
from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, Usage, World

HOSTS = ("graph.facebook.com",)
LIMIT = Limit(calls=200, seconds=3600, kind="rolling")  # 200 × daily users of the app per rolling hour; one user here
MOST_ENTRIES = 50
VERSION = re.compile(r"/?v\d+\.\d+/")
DISCOVERY = re.compile(r"business_discovery\.username\(([^)]*)\)\{([^}]*)\}")


def answer(call: Call, world: World) -> Reply:
    """One object by GET, or up to 50 by a POST with `batch`; each entry counts as a call."""
    form = {name: values[-1] for name, values in parse_qs(call.body.decode("utf-8", "replace")).items()}
    token = call.token or form.get("access_token", "") or call.params.get("access_token", "")
    if not token:
        return dead()
    if not VERSION.match(call.path):
        return Reply(_error(2500, "Unknown path components"), 400)
    if call.method == "GET":
        return _single(call, token, world)
    try:
        entries = [str(entry["relative_url"]) for entry in json.loads(form.get("batch", ""))]
    except (ValueError, TypeError, KeyError):
        return Reply(_error(100, "Invalid batch"), 400)
    if len(entries) > MOST_ENTRIES:
        return Reply(_error(100, f"Too many requests in batch message. Maximum batch size is {MOST_ENTRIES}"), 400)
    return _batch(entries, call, token, world)


def limited() -> Reply:
    """Meta's answer to an app that asks too much."""
    return Reply(_error(4, "(#4) Application request limit reached"), 400)


def dead() -> Reply:
    """Meta's answer to a token it does not accept."""
    return Reply(_error(190, "Invalid OAuth access token - Cannot parse access token", "OAuthException"), 401)


def platform_of(call: Call) -> str:
    """Which platform a call is for: Instagram's questions name business_discovery."""
    return "instagram" if b"business_discovery" in call.body or "business_discovery" in call.query else "facebook"


def _single(call: Call, token: str, world: World) -> Reply:
    platform = platform_of(call)
    usage = world.spend(platform, call, LIMIT, credential=token)
    if not usage.allowed:
        reply = limited()
    else:
        handle, code, content = _entry(f"{call.path}?{call.query}", world)
        reply = Reply(content, code, asked=(handle,))
    reply.headers |= _usage_headers(usage)
    return reply


def _batch(entries: list[str], call: Call, token: str, world: World) -> Reply:
    platform = platform_of(call)
    found: list[dict[str, Any] | None] = []
    asked: list[str] = []
    for entry in entries:
        usage = world.spend(platform, call, LIMIT, credential=token)
        if not usage.allowed:
            found.append(_wrapped(400, _error(4, "(#4) Application request limit reached")))
            continue
        handle, code, content = _entry(entry, world)
        asked.append(handle)
        found.append(None if content is None else _wrapped(code, content))
    return Reply(found, headers=_usage_headers(usage), asked=tuple(asked))


def _wrapped(code: int, content: Any) -> dict[str, Any]:
    return {"code": code, "body": json.dumps(content)}


def _entry(relative_url: str, world: World) -> tuple[str, int, Any]:
    """(handle, status, content) of one question; content None = ran out of time."""
    parts = urlsplit(VERSION.sub("", relative_url))
    fields = parse_qs(parts.query).get("fields", [""])[-1]
    discovery = DISCOVERY.search(fields)
    if discovery:
        return discovery[1], *_discovered(parts.path, discovery[1], discovery[2].split(","), world)
    return parts.path, *_page(parts.path, fields.split(","), world)


def _discovered(own_id: str, username: str, fields: list[str], world: World) -> tuple[int, Any]:
    fault = world.account_fault("instagram", username)
    if fault == "missing":
        return 200, None
    if fault in {"not_found", "renamed", "suspended", "unsupported"}:
        error = _error(110, "Invalid user id")
        error["error"] |= {"error_subcode": 2207013, "error_user_title": "Cannot find User"}
        return 400, error
    identity = world.identity("instagram", username, fault)
    figures, profile = world.figures("instagram", identity, fault), curves.profile("instagram", username)
    everything = {
        "username": username.lower(),
        "name": profile.display_name,
        "biography": profile.bio,
        "website": profile.bio_link,
        "profile_picture_url": profile.image_url,
        "followers_count": figures["followers"],
        "follows_count": figures["following"],
        "media_count": figures["posts"],
    }
    if fault == "hidden":
        del everything["followers_count"]
    shown = {name: everything[name] for name in fields if name in everything}
    return 200, {"business_discovery": shown | {"id": identity}, "id": own_id}


def _page(name: str, fields: list[str], world: World) -> tuple[int, Any]:
    handle = world.name_of("facebook", name)
    fault = world.account_fault("facebook", handle)
    refused = {
        "missing": (200, None),
        "renamed": (400, _error(21, f"(#21) Page ID {name} was migrated to page ID 1{name[:8]}")),
        "not_found": (404, _error(803, f"(#803) Some of the aliases you requested do not exist: {name}")),
        "suspended": (404, _error(803, f"(#803) Some of the aliases you requested do not exist: {name}")),
        "unsupported": (
            400,
            _error(100, "(#100) Tried accessing nonexisting field (followers_count) on node type (User)"),
        ),
        "forbidden": (403, _error(10, "(#10) This endpoint requires the Page Public Content Access feature")),
    }
    if fault in refused:
        return refused[fault]
    identity = world.identity("facebook", handle, fault)
    figures, profile = world.figures("facebook", identity, fault), curves.profile("facebook", handle)
    everything = {
        "id": identity,
        "name": profile.display_name,
        "username": world.known_as("facebook", identity),  # none for a page the fake knows by id alone
        "about": profile.bio,
        "website": profile.bio_link,
        "link": f"https://www.facebook.com/{handle}",
        "verification_status": "blue_verified",
        "followers_count": figures["followers"],
        "fan_count": curves.round_down(curves.figures_by_id("facebook", identity, curves.EPOCH)["followers"]),
    }
    if fault == "hidden":
        del everything["followers_count"], everything["fan_count"]
    return 200, {field: everything[field] for field in ("id", *fields) if field in everything}


def _error(code: int, message: str, kind: str = "GraphMethodException") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "fbtrace_id": "fake"}}


def _usage_headers(usage: Usage) -> dict[str, str]:
    """Percentages of the hour; with nothing left also the minutes until calls are free again."""
    percent = 100 * usage.used // usage.limit
    used = {"call_count": percent, "total_time": percent // 2, "total_cputime": percent // 3}
    minutes = 0 if usage.allowed else math.ceil((usage.resets_at - clock.now().timestamp()) / 60)
    case = {"type": "pages", **used, "estimated_time_to_regain_access": max(0, minutes)}
    return {"X-App-Usage": json.dumps(used), "X-Business-Use-Case-Usage": json.dumps({"17841400000000000": [case]})}
