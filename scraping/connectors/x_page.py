"""X, read from public profile pages.

Source: x.com as visitors see it, its ProfilePage markup (`FollowAction` counts followers, `SubscribeAction` those
followed, `WriteAction` posts), UNVERIFIED. Most visitors get an empty shell, which is `blocked`.
"""

from __future__ import annotations

import re
from dataclasses import replace

from scraping.connectors import reading, x
from scraping.connectors.base import Answer, Missing, Reading, Target, Window
from scraping.connectors.markup import Document
from scraping.connectors.pages import PageConnector, is_named, name_of, statistic


class XPage(PageConnector):
    """Followers, following and posts."""

    platform = "x"
    base_url = "https://x.com"
    sites = ("www.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com")
    windows = (Window(calls=15, seconds=900),)
    says_summary = False  # the description is the owner's

    def at_once(self, target: Target) -> Missing | None:
        return x.X().at_once(target)

    def advice(self, target: Target, answer: Missing) -> str:
        return x.X().advice(target, answer)

    def identity(self, target: Target, person: object) -> str:
        found = reading.identity(reading.member(person, "identifier"))
        return found if re.fullmatch(r"[0-9]+", found) else ""

    def answer(self, target: Target, page: Document) -> Answer:
        found = super().answer(target, page)
        person = self.subject(target, page)
        if not isinstance(found, Reading) or person is None:
            return found
        if name_of(person) and not is_named(person, target.handle.removeprefix("@")):
            return Missing.UNPARSABLE  # somebody else's page
        following, posts = statistic(person, "subscribeaction"), statistic(person, "writeaction")
        return replace(
            found,
            following=following[0].value if following else None,
            posts=posts[0].value if posts else None,
            bio=reading.text(person.get("description")),
        )
