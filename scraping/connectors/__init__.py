"""The way in to each platform, one module each; this module knows which of them may be used now."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from scraping.connectors.base import Connector
from scraping.connectors.bluesky import Bluesky
from scraping.connectors.facebook import Facebook
from scraping.connectors.flickr import Flickr
from scraping.connectors.instagram import Instagram
from scraping.connectors.linkedin import LinkedIn
from scraping.connectors.mastodon import Mastodon
from scraping.connectors.truth_social import TruthSocial
from scraping.connectors.x import X
from scraping.connectors.youtube import YouTube

CONNECTORS: dict[str, Connector] = {
    connector.platform: connector
    for connector in (
        X(),
        YouTube(),
        Facebook(),
        Instagram(),
        LinkedIn(),
        Flickr(),
        TruthSocial(),
        Bluesky(),
        Mastodon(),
    )
}


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a platform cannot be scraped now, in a sentence for people."""

    platform: str
    code: str  # "no_connector", "no_credential" or "page_off"
    reason: str


def connector_for(platform: str) -> Connector | Unavailable:
    """The connector of `platform`, or why there is none: no connector, no credential, or its pages are off."""
    connector = CONNECTORS.get(platform)
    if connector is None:
        return Unavailable(platform, "no_connector", "No connector reads this platform.")
    if connector.kind == "page" and platform not in settings.SCRAPE_PAGE_PLATFORMS:
        reason = f"Reading public pages is off. Add {platform} to SCRAPE_PAGE_PLATFORMS after reading the site's terms."
        return Unavailable(platform, "page_off", reason)
    credential = credential_for(platform)
    if connector.needs_credential and not credential:
        return Unavailable(platform, "no_credential", f"Set {platform.upper()}_TOKEN to read this platform.")
    if credential and (problem := connector.credential_problem(credential)):
        return Unavailable(platform, "no_credential", problem)
    return connector


def credential_for(platform: str) -> str:
    """The credential set for `platform`, empty when there is none."""
    return str(settings.PLATFORM_TOKENS.get(platform, ""))
