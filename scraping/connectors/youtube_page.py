"""YouTube, read from public channel pages.

Source: www.youtube.com as visitors see it, `ytInitialData` in its present and its older form, UNVERIFIED. Counts are
rounded to three digits there as everywhere on YouTube.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from scraping.connectors import reading
from scraping.connectors.base import Answer, Batch, Missing, Reading, Request, Target, Window
from scraping.connectors.markup import Document
from scraping.connectors.numbers import Count
from scraping.connectors.pages import HEADERS, PageConnector, agreed
from scraping.connectors.reading import listed, member
from scraping.connectors.wording import OTHERS, counted
from scraping.connectors.youtube import CHANNEL_ID, EXACT_BELOW

DATA = re.compile(r"\s*(?:var |window\[[\"'])ytInitialData(?:[\"']\])?\s*=\s*(?=\{)")
GONE = re.compile(r"does not exist|isn['’]t available|not available", re.IGNORECASE)  # noqa: RUF001 - as YouTube writes it
TERMINATED = re.compile(r"terminated|removed because|violat|suspended", re.IGNORECASE)


class YouTubePage(PageConnector):
    """Subscribers (rounded by YouTube) and videos."""

    platform = "youtube"
    base_url = "https://www.youtube.com"
    sites = ("youtube.com", "m.youtube.com", "consent.youtube.com")
    windows = (Window(calls=100, seconds=3600),)
    says_summary = False  # the description is the owner's

    def request(self, batch: Batch, credential: str) -> Request:
        target = batch.targets[0]
        is_known = CHANNEL_ID.fullmatch(target.external_id)
        address = f"{self.base_url}/channel/{target.external_id}" if is_known else self.address(target)
        return Request(address, headers=HEADERS, params=(("hl", "en"),))

    def answer(self, target: Target, page: Document) -> Answer:
        data = _initial(page)
        channel = member(data, "metadata", "channelMetadataRenderer")
        if told := _alert(data):
            return told
        answer = _subscribers(data) or self.followers(target, page)
        if isinstance(answer, Missing):
            return Missing.UNPARSABLE if channel and answer is Missing.BLOCKED else answer
        videos = agreed(one for text in _header_texts(data) if (one := counted(text, ("videos", "video"))))
        return Reading(
            followers=answer.value,
            followers_rounded=answer.rounded or answer.value >= EXACT_BELOW,
            videos=videos.value if isinstance(videos, Count) and not videos.rounded else None,
            external_id=_channel_id(channel),
            display_name=reading.text(member(channel, "title") or page.meta.get("og:title"), 255),
            bio=reading.text(member(channel, "description")),
        )


def _initial(page: Document) -> Any:
    """The page's data, or None."""
    for _, script in page.scripts:
        if begins := DATA.match(script):
            try:
                return orjson.loads(script[begins.end() :].strip().rstrip(";"))
            except orjson.JSONDecodeError:
                return None
    return None


def _channel_id(channel: Any) -> str:
    found = reading.identity(member(channel, "externalId"))
    return found if CHANNEL_ID.fullmatch(found) else ""


def _alert(data: Any) -> Missing | None:
    """What YouTube says in place of a channel."""
    for alert in listed(data, "alerts"):
        text = member(alert, "alertRenderer", "text")
        said = " ".join(filter(None, (_text(text), *(_text(run) for run in listed(text, "runs")))))
        if TERMINATED.search(said):
            return Missing.SUSPENDED
        if GONE.search(said):
            return Missing.NOT_FOUND
    return None


def _header_texts(data: Any) -> Iterator[str]:
    """The texts beside the channel's name, in the present form of the header or the older one."""
    older = member(data, "header", "c4TabbedHeaderRenderer")
    for name in ("subscriberCountText", "videosCountText"):
        text = member(older, name)
        yield _text(text) or "".join(_text(run) for run in listed(text, "runs"))
    content = member(data, "header", "pageHeaderRenderer", "content", "pageHeaderViewModel", "metadata")
    for row in listed(content, "contentMetadataViewModel", "metadataRows"):
        for part in listed(row, "metadataParts"):
            yield _text(member(part, "text"))


def _text(thing: Any) -> str:
    found = next((member(thing, key) for key in ("content", "simpleText", "text") if member(thing, key)), "")
    return found if isinstance(found, str) else ""


def _subscribers(data: Any) -> Count | Missing | None:
    """The subscribers in the header; HIDDEN where it counts the videos and says nothing of subscribers."""
    texts = [text for text in _header_texts(data) if text]
    found = agreed(one for text in texts if (one := counted(text, YouTubePage.words)))
    if found is None and any(counted(text, OTHERS) for text in texts) and not any("ubscriber" in t for t in texts):
        return Missing.HIDDEN
    return found
