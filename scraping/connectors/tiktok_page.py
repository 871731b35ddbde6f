"""TikTok, read from public profile pages.

Source: www.tiktok.com as visitors see it, `__UNIVERSAL_DATA_FOR_REHYDRATION__`, UNVERIFIED. `statsV2` holds exact
counts as texts; `stats` may hold the rounded ones of the page. The ids are the site's, not the API's per-app ones.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from scraping.connectors import reading
from scraping.connectors.base import Answer, Missing, Reading, Target, Window
from scraping.connectors.markup import Document
from scraping.connectors.numbers import count, whole
from scraping.connectors.pages import PageConnector
from scraping.connectors.reading import member

LEGAL = re.compile(r"[A-Za-z0-9_.]{1,24}")
OWN_ID = re.compile(r"[0-9]{1,20}")
SCRIPT = "__UNIVERSAL_DATA_FOR_REHYDRATION__"
NO_SUCH_USER, BANNED = {10202, 10221}, {10225}
EXACT_BELOW = 10_000  # the site writes larger counts with one decimal: 12.3K, 1.2M


class TikTokPage(PageConnector):
    """Followers, following, likes and videos."""

    platform = "tiktok"
    base_url = "https://www.tiktok.com"
    sites = ("tiktok.com",)
    windows = (Window(calls=10, seconds=3600),)

    def at_once(self, target: Target) -> Missing | None:
        return None if LEGAL.fullmatch(target.handle.removeprefix("@")) else Missing.NOT_FOUND

    def answer(self, target: Target, page: Document) -> Answer:
        script = next((text for name, text in page.scripts if name == SCRIPT), "")
        if not script:
            return Missing.BLOCKED
        try:
            detail = member(orjson.loads(script), "__DEFAULT_SCOPE__", "webapp.user-detail")
        except orjson.JSONDecodeError:
            return Missing.UNPARSABLE
        code = member(detail, "statusCode")
        if code in NO_SUCH_USER:
            return Missing.NOT_FOUND
        return Missing.SUSPENDED if code in BANNED else _read(target, member(detail, "userInfo"))


def _read(target: Target, found: Any) -> Answer:
    user, exact, shown = member(found, "user"), member(found, "statsV2"), member(found, "stats")
    followers = count(member(exact, "followerCount"))
    is_rounded = followers is not None and followers.rounded
    if followers is None:
        followers = count(member(shown, "followerCount"))
        is_rounded = followers is not None and (followers.rounded or _looks_rounded(followers.value))
    if followers is None or str(member(user, "uniqueId")).casefold() != target.handle.removeprefix("@").casefold():
        return Missing.UNPARSABLE

    def figure(name: str) -> int | None:
        stated = whole(member(exact, name))
        return whole(member(shown, name)) if stated is None else stated

    likes = figure("heartCount")
    return Reading(
        followers=followers.value,
        followers_rounded=is_rounded,
        following=figure("followingCount"),
        likes=figure("heart") if likes is None else likes,
        videos=figure("videoCount"),
        external_id=reading.own_id(member(user, "id"), target, OWN_ID),
        handle=reading.text(member(user, "uniqueId"), 255),
        display_name=reading.text(member(user, "nickname"), 255),
        bio=reading.text(member(user, "signature")),
        bio_link=reading.link(member(user, "bioLink", "link")),
        image_url=reading.link(member(user, "avatarLarger"), 1000),
        verified="verified" if member(user, "verified") is True else "",
        opened_on=_day(member(user, "createTime")),
    )


def _looks_rounded(value: int) -> bool:
    """Whether a number may be a shortened one written out: large, with zeros where one decimal leaves them."""
    return value >= EXACT_BELOW and value % 100 == 0


def _day(raw: Any) -> Any:
    seconds = whole(raw)
    return datetime.fromtimestamp(seconds, UTC).date() if seconds and seconds < 2**32 else None
