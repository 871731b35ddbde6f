"""LinkedIn, read from public pages of organisations.

Source: www.linkedin.com as visitors see it, UNVERIFIED: the count stands in og:description ("HHS | 219,145 followers on
LinkedIn."), not in the linked data. A refusal is HTTP 999. No id is taken: pages name many organisations' ids.
"""

from __future__ import annotations

from scraping.connectors import linkedin
from scraping.connectors.base import Missing, Target, Window
from scraping.connectors.pages import PageConnector


class LinkedInPage(PageConnector):
    """Followers of company, showcase and school pages."""

    platform = "linkedin"
    base_url = "https://www.linkedin.com"
    sites = ("linkedin.com",)
    windows = (Window(calls=5, seconds=3600),)
    ending = "LinkedIn"

    def at_once(self, target: Target) -> Missing | None:
        return linkedin.LinkedIn().at_once(target)

    def advice(self, target: Target, answer: Missing) -> str:
        return linkedin.LinkedIn().advice(target, answer) if answer is Missing.UNSUPPORTED_PROFILE else ""
