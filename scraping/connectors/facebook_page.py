"""Facebook, read from public pages.

Source: www.facebook.com as visitors see it, UNVERIFIED: linked data on some pages, the description with likes and
followers on others, text beside the name on the rest. No id is taken: the pages' ids are not those of the Graph API.
"""

from __future__ import annotations

import re

from scraping.connectors import facebook
from scraping.connectors.base import Missing, Target, Window
from scraping.connectors.markup import Document
from scraping.connectors.numbers import Count
from scraping.connectors.pages import PageConnector, agreed, in_text, summary
from scraping.connectors.wording import LIKES


class FacebookPage(PageConnector):
    """Followers; the likes of a page that says nothing of followers."""

    platform = "facebook"
    base_url = "https://www.facebook.com"
    sites = ("facebook.com", "m.facebook.com", "web.facebook.com")
    windows = (Window(calls=200, seconds=3600),)
    withheld = re.compile(r"(?:page|content) (?:isn't|isn’t|not) (?:available|found)", re.IGNORECASE)  # noqa: RUF001 - as Facebook writes it

    def at_once(self, target: Target) -> Missing | None:
        return facebook.Facebook().at_once(target)

    def told(self, page: Document) -> Count | Missing | None:
        likes = summary(page.meta.get("og:description", "") or page.meta.get("description", ""), LIKES)
        return super().told(page) or agreed(likes) or agreed(in_text(page.beside_the_name, LIKES))
