"""Instagram: business discovery of professional accounts, 50 in one Graph batch, each counted.

Source: Meta's Instagram Platform reference, IG User business_discovery. The credential is
"<own Instagram user id>:<access token>", because the question is asked through an account of one's own.
"""

from __future__ import annotations

import re
from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import Answer, Batch, Missing, Reading, Request, Target
from scraping.connectors.graph import GraphConnector
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

LEGAL = re.compile(r"[A-Za-z0-9_.]{1,30}")
CREDENTIAL = re.compile(r"[0-9]+:\S+")
FIELDS = "username,name,followers_count,follows_count,media_count,biography,website,profile_picture_url"
OWN_ID = re.compile(r"[0-9]{15,20}")  # those of public pages are shorter, and another kind
NO_SUCH_USER, NO_SUCH_PROFESSIONAL = 110, 2207013  # code and subcode; missing and personal accounts alike


class Instagram(GraphConnector):
    """Followers, following and media of professional accounts."""

    platform = "instagram"

    def at_once(self, target: Target) -> Missing | None:
        """A name Instagram's grammar forbids does not exist, and would break the field syntax it is put into."""
        return None if LEGAL.fullmatch(_name(target)) else Missing.NOT_FOUND

    def credential_problem(self, credential: str) -> str:
        return "" if CREDENTIAL.fullmatch(credential) else "Write INSTAGRAM_TOKEN as <own Instagram user id>:<token>."

    def advice(self, target: Target, answer: Missing) -> str:
        if answer != Missing.NOT_FOUND:
            return ""
        if self.at_once(target):
            return "Instagram names have 1 to 30 letters, digits, dots or underscores; correct the handle."
        return "Instagram shows neither missing nor personal accounts; check the name, or ask its owner to switch it."

    def request(self, batch: Batch, credential: str) -> Request:
        own_id, _, token = credential.partition(":")
        asked = [f"{own_id}?fields=business_discovery.username({_name(t)}){{{FIELDS}}}" for t in batch.targets]
        return self.batch_request(asked, token)

    def entry(self, target: Target, content: Any) -> Answer:
        found = member(content, "business_discovery")
        followers = whole(member(found, "followers_count"))
        if followers is None or str(member(found, "username")).casefold() != _name(target).casefold():
            return Missing.UNPARSABLE
        return Reading(
            followers=followers,
            following=whole(member(found, "follows_count")),
            posts=whole(member(found, "media_count")),
            external_id=reading.own_id(member(found, "id"), target, OWN_ID),
            handle=reading.text(member(found, "username"), 255),
            display_name=reading.text(member(found, "name"), 255),
            bio=reading.text(member(found, "biography")),
            bio_link=reading.link(member(found, "website")),
            image_url=reading.link(member(found, "profile_picture_url"), 1000),
        )

    def refusal(self, code: int, subcode: object, message: str) -> Missing:
        is_unknown = code == NO_SUCH_USER or subcode == NO_SUCH_PROFESSIONAL
        return Missing.NOT_FOUND if is_unknown else Missing.BLOCKED


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")
