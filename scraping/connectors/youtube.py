"""YouTube: channels by id, 50 a call; a name is looked up once and gives its figures along with the id.

Source: the YouTube Data API v3 reference, channels.list, and its error and quota pages.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from perf import clock
from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Elsewhere,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
PACIFIC = "America/Los_Angeles"  # where YouTube's quota day begins and ends
EXACT_BELOW = 1_000  # documented: subscriber counts are rounded down to three significant digits
PARAMETER = {"id": "id", "handle": "forHandle", "username": "forUsername"}
SPENT = {"quotaExceeded", "dailyLimitExceeded"}
SLOW_DOWN = {"rateLimitExceeded", "userRateLimitExceeded"}
DEAD_KEY = {"keyInvalid", "keyExpired", "API_KEY_INVALID"}


class YouTube(Connector):
    """Subscribers (rounded by YouTube), videos and lifetime views."""

    platform = "youtube"
    base_url = "https://www.googleapis.com"
    batch_size = 50  # ids; a name is asked for alone
    windows = (Window(calls=10_000, seconds=86_400, zone=PACIFIC),)

    def size(self, step: str) -> int:
        return self.batch_size if step == "id" else 1

    def step(self, target: Target) -> str:
        """`/channel/` and learned ids by id, `/user/` by user name, all other forms as a handle first."""
        if target.step:
            return target.step
        if target.external_id or CHANNEL_ID.fullmatch(target.handle):
            return "id"
        return "username" if "/user/" in target.url else "handle"

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and "/channel/" not in target.url:
            return "YouTube finds no channel by this name. Paste the channel's /channel/UC… address instead."
        return ""

    def request(self, batch: Batch, credential: str) -> Request:
        if batch.step == "id":
            asked = ",".join(_channel(target) for target in batch.targets)
        else:
            name = batch.targets[0].handle.removeprefix("@")
            asked = f"@{name}" if batch.step == "handle" else name
        return Request(
            f"{self.base_url}/youtube/v3/channels",
            headers={"X-Goog-Api-Key": credential},  # not in the address, which ends up in logs
            params=(("part", "statistics,snippet"), (PARAMETER[batch.step], asked), ("maxResults", "50")),
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        _check(response, body)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        items = member(body, "items")
        if items is None and isinstance(member(body, "pageInfo"), dict):
            items = []  # documented: no `items` key at all when nothing is found
        if not isinstance(items, list):
            return reading.everyone(batch, Missing.UNPARSABLE)
        if batch.step != "id":
            return reading.per_target(batch, lambda t: _read(items[0]) if items else _not_by_this_name(batch.step, t))
        found: dict[str, Answer] = {str(member(item, "id")): _read(item) for item in items}
        absent = Missing.FROM_BATCH if found else Missing.NOT_FOUND
        return reading.per_target(batch, lambda t: found.get(_channel(t), absent))

    def quota(self, response: Response) -> Quota:
        """YouTube sends no limit headers; only its refusals speak."""
        return Quota(retry_after=reading.retry_after(response.headers))


def _channel(target: Target) -> str:
    return target.external_id or target.handle


def _not_by_this_name(step: str, target: Target) -> Answer:
    """A `/c/` or bare name that is no handle may still be an old user name; an `/@` name is a handle or nothing."""
    if step == "handle" and "/@" not in target.url:
        return Elsewhere("username")
    return Missing.NOT_FOUND


def _check(response: Response, body: Any) -> None:
    """Raise CallFailed by the reason Google gives, which says more than the status."""
    reasons = {str(member(error, "reason")) for error in reading.listed(body, "error", "errors")}
    reasons |= {str(member(detail, "reason")) for detail in reading.listed(body, "error", "details")}
    if reasons & SPENT:
        raise CallFailed(Trouble.RATE_LIMITED, "the day's quota is used up", _to_midnight())
    if reasons & SLOW_DOWN:
        raise CallFailed(Trouble.RATE_LIMITED, "too many calls", reading.retry_after(response.headers))
    if reasons & DEAD_KEY:
        raise CallFailed(Trouble.DEAD_TOKEN, "YouTube does not accept the key")
    reading.check(response)


def _to_midnight() -> float:
    """Seconds until the quota's next day."""
    zone = ZoneInfo(PACIFIC)
    midnight = datetime.combine(clock.today(zone) + timedelta(days=1), time(), zone)
    return max(1.0, (midnight - clock.now()).total_seconds())


def _read(item: Any) -> Reading | Missing:
    statistics, snippet = member(item, "statistics"), member(item, "snippet")
    if member(statistics, "hiddenSubscriberCount") is True:
        return Missing.HIDDEN
    subscribers = whole(member(statistics, "subscriberCount"))
    if subscribers is None:
        return Missing.UNPARSABLE
    return Reading(
        followers=subscribers,
        followers_rounded=subscribers >= EXACT_BELOW,
        videos=whole(member(statistics, "videoCount")),
        total_video_views=whole(member(statistics, "viewCount")),
        external_id=reading.identity(member(item, "id")),
        display_name=reading.text(member(snippet, "title"), 255),
        bio=reading.text(member(snippet, "description")),
        image_url=reading.link(member(snippet, "thumbnails", "default", "url"), 1000),
        opened_on=reading.day(member(snippet, "publishedAt")),
    )
