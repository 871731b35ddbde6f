"""A fake Flickr: profile pages that carry `modelExport`, in either of its two shapes.

Source: public pages, unverified.
"""

from __future__ import annotations

import json
import re
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "flickr"
HOSTS = ("www.flickr.com",)
LIMIT = Limit(calls=60, seconds=60, kind="rolling")
PROFILE = re.compile(r"/(?:photos|people)/([^/]+)/?")
HTML = {"Content-Type": "text/html; charset=utf-8"}


def answer(call: Call, world: World) -> Reply:
    """One profile page."""
    if not world.spend(NAME, call, LIMIT).allowed:
        return limited()
    profile = PROFILE.fullmatch(call.path)
    if profile is None:
        return Reply("<!DOCTYPE html><title>Flickr: Page Not Found</title>", 404, dict(HTML))
    handle = world.name_of(NAME, profile[1].replace("%40", "@"))
    reply = _page(handle, world)
    reply.asked = (handle,)
    return reply


def limited() -> Reply:
    """The answer to one page too many."""
    return Reply("<!DOCTYPE html><title>Flickr: Too Many Requests</title>", 429, dict(HTML))


def dead() -> Reply:
    """Pages need no credential; this is what a refused one would see."""
    return Reply("<!DOCTYPE html><title>Sign in</title>", 401, dict(HTML))


def _page(handle: str, world: World) -> Reply:
    fault = world.account_fault(NAME, handle)
    if fault in {"not_found", "renamed", "missing", "suspended"}:
        status = 410 if fault == "suspended" else 404
        return Reply("<!DOCTYPE html><title>Flickr: Page Not Found</title>", status, dict(HTML))
    identity = world.identity(NAME, handle, fault)
    figures = world.figures(NAME, identity, fault)
    contacts: dict[str, Any] = {
        "followerCount": None if fault == "hidden" else figures["followers"],
        "followingCount": 12,
    }
    person = {"id": identity, "photoCount": figures["posts"], "pathAlias": handle}
    if int.from_bytes(identity.encode()[:2]) % 2:  # both shapes occur; an account keeps its own
        contacts, person = {"data": contacts}, {"data": person}
    export = {"main": {"person-contacts-count-models": [contacts], "person-profile-models": [person]}, "legend": []}
    script = f"YUI_config = {{}};\nY.ClientApp.init({{ auth: false, modelExport: {json.dumps(export)}, }});"
    name = curves.profile(NAME, handle).display_name
    page = (
        f"<!DOCTYPE html><html><head><title>{name} | Flickr</title></head><body><script>{script}</script></body></html>"
    )
    return Reply(page, headers=dict(HTML))
