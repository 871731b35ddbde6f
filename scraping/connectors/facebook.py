"""Facebook: pages by name or id, 50 in one Graph batch, each counted.

Source: Meta's Graph API reference, Page; whether an app may read pages of others is its owner's agreement with Meta
(Page Public Content Access), UNVERIFIED here.
"""

from __future__ import annotations

import re
from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import Answer, Batch, Missing, Reading, Request, Target
from scraping.connectors.graph import GraphConnector
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

LEGAL = re.compile(r"[\w.\-]{1,100}", re.ASCII)
FIELDS = "id,name,username,followers_count,fan_count,about,website,verification_status"
VERIFIED = {"blue_verified": "blue", "gray_verified": "org", "not_verified": "none"}
RENAMED, NO_SUCH_NAME, BAD_PARAMETER = 21, 803, 100
NO_SUCH_OBJECT = 33  # subcode of 100


class Facebook(GraphConnector):
    """Followers of pages; the likes of a page where it says nothing of followers."""

    platform = "facebook"

    def at_once(self, target: Target) -> Missing | None:
        """What cannot be a page's name or id would be another Graph path."""
        return None if LEGAL.fullmatch(target.handle) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        return {
            Missing.RENAMED: "Facebook has moved this page to another id; paste its present address.",
            Missing.UNSUPPORTED_PROFILE: "This is a person's profile; Facebook counts followers of pages only.",
            Missing.BLOCKED: "The credential may not read this page; its app needs Page Public Content Access.",
        }.get(answer, "")

    def request(self, batch: Batch, credential: str) -> Request:
        return self.batch_request([f"{t.external_id or t.handle}?fields={FIELDS}" for t in batch.targets], credential)

    def entry(self, target: Target, content: Any) -> Answer:
        followers = whole(member(content, "followers_count"))
        if followers is None:
            followers = whole(member(content, "fan_count"))
        if followers is None:
            return Missing.UNPARSABLE
        return Reading(
            followers=followers,
            external_id=reading.identity(member(content, "id")),
            handle=reading.text(member(content, "username"), 255),
            display_name=reading.text(member(content, "name"), 255),
            bio=reading.text(member(content, "about")),
            bio_link=reading.link(member(content, "website")),
            verified=VERIFIED.get(str(member(content, "verification_status")), ""),
        )

    def refusal(self, code: int, subcode: object, message: str) -> Missing:
        if code == RENAMED:
            return Missing.RENAMED
        if code == NO_SUCH_NAME or (code == BAD_PARAMETER and subcode == NO_SUCH_OBJECT):
            return Missing.NOT_FOUND
        if code == BAD_PARAMETER and "nonexisting field" in message:
            return Missing.UNSUPPORTED_PROFILE
        return Missing.BLOCKED
