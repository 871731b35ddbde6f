"""Fake public pages of TikTok, with the data they rehydrate from. Source: the site as visitors see it, unverified."""

from __future__ import annotations

import json
import re
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World

NAME = "tiktok"
HOSTS = ("www.tiktok.com",)
LIMIT = Limit(calls=10, seconds=3600, kind="rolling")
PROFILE = re.compile(r"/@([A-Za-z0-9_.]{1,24})/?")
HTML = {"Content-Type": "text/html; charset=utf-8"}
NO_SUCH_USER, BANNED = 10221, 10225


def answer(call: Call, world: World) -> Reply:
    """One profile page."""
    if not world.spend(NAME, call, LIMIT).allowed:
        return limited()
    asked = PROFILE.fullmatch(call.path)
    if asked is None:
        return Reply("<!DOCTYPE html><title>TikTok</title>", 404, dict(HTML))
    handle = asked[1]
    fault = world.account_fault(NAME, handle)
    reply = dead() if fault == "forbidden" else Reply(_page(_detail(handle, fault, world)), headers=dict(HTML))
    reply.asked = (handle,)
    return reply


def limited() -> Reply:
    """The answer to one page too many."""
    return Reply("<!DOCTYPE html><title>Too many requests</title>", 429, dict(HTML))


def dead() -> Reply:
    """The page that asks whether a visitor is human."""
    return Reply("<!DOCTYPE html><title>Security Verification</title>", 200, dict(HTML))


def _detail(handle: str, fault: str, world: World) -> dict[str, Any]:
    if fault in {"not_found", "renamed", "missing", "suspended"}:
        code = BANNED if fault == "suspended" else NO_SUCH_USER
        return {"userInfo": {}, "statusCode": code, "statusMsg": "user banned" if code == BANNED else "user not found"}
    identity = world.identity(NAME, handle, fault)
    figures, profile = world.figures(NAME, identity, fault), curves.profile(NAME, handle)
    exact = {
        "followerCount": figures["followers"],
        "followingCount": figures["following"],
        "heartCount": figures["likes"],
        "videoCount": figures["videos"],
    }
    if fault == "hidden":
        del exact["followerCount"]
    user = {
        "id": identity,
        "uniqueId": handle.lower(),
        "nickname": profile.display_name,
        "signature": profile.bio,
        "avatarLarger": profile.image_url,
        "verified": True,
    }
    odd = fault in {"nan", "huge_number"}  # a text could not hold these
    texts = {name: number if odd else str(number) for name, number in exact.items()}
    return {"userInfo": {"user": user, "stats": {} if odd else _shown(exact), "statsV2": texts}, "statusCode": 0}


def _shown(exact: dict[str, Any]) -> dict[str, Any]:
    """The counts as the page shows them: large ones rounded down, likes cut to 32 bits."""
    shown = {name: number for name, number in exact.items() if isinstance(number, int)}
    rounded = {name: number // 100_000 * 100_000 if number > 1_000_000 else number for name, number in shown.items()}
    return rounded | {"heartCount": (exact["heartCount"] + 2**31) % 2**32 - 2**31}


def _page(detail: dict[str, Any]) -> str:
    data = json.dumps({"__DEFAULT_SCOPE__": {"webapp.app-context": {}, "webapp.user-detail": detail}})
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}</script>'
    return f'<!DOCTYPE html><html lang="en"><head><title>TikTok</title></head><body>{script}</body></html>'
