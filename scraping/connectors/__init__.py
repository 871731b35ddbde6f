"""The ways in to each platform, one module each; this module knows which of them may be used now."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from scraping.connectors.base import Connector
from scraping.connectors.bluesky import Bluesky
from scraping.connectors.facebook import Facebook
from scraping.connectors.facebook_page import FacebookPage
from scraping.connectors.flickr import Flickr
from scraping.connectors.github import GitHub
from scraping.connectors.instagram import Instagram
from scraping.connectors.instagram_page import InstagramPage
from scraping.connectors.linkedin import LinkedIn
from scraping.connectors.linkedin_page import LinkedInPage
from scraping.connectors.mastodon import Mastodon
from scraping.connectors.reddit import Reddit
from scraping.connectors.threads import Threads
from scraping.connectors.tiktok import TikTok
from scraping.connectors.tiktok_page import TikTokPage
from scraping.connectors.truth_social import TruthSocial
from scraping.connectors.x import X
from scraping.connectors.x_page import XPage
from scraping.connectors.youtube import YouTube
from scraping.connectors.youtube_page import YouTubePage

EVERY: tuple[Connector, ...] = (
    X(),
    XPage(),
    YouTube(),
    YouTubePage(),
    Facebook(),
    FacebookPage(),
    Instagram(),
    InstagramPage(),
    LinkedIn(),
    LinkedInPage(),
    TikTok(),
    TikTokPage(),
    Flickr(),
    TruthSocial(),
    Bluesky(),
    Mastodon(),
    GitHub(),
    Reddit(),
    Threads(),
)
APIS = {connector.platform: connector for connector in EVERY if connector.kind == "api"}
PAGES = {connector.platform: connector for connector in EVERY if connector.kind == "page"}
CONNECTORS: dict[str, Connector] = PAGES | APIS  # the one to prefer
WARNING = "Reads public pages, which the site's terms may forbid. Remove {platform} from SCRAPE_PAGE_PLATFORMS to stop."


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why a platform cannot be scraped now, in a sentence for people that says what would change it."""

    platform: str
    code: str  # "no_connector", "no_credential" or "page_off"
    reason: str


def connector_for(platform: str) -> Connector | Unavailable:
    """The connector of `platform`, or why there is none.

    The API is asked where its credential is set or none is needed; public pages where SCRAPE_PAGE_PLATFORMS names the
    platform and there is no such API. A credential that cannot be right is said, never passed over for pages.
    """
    api, page = APIS.get(platform), PAGES.get(platform)
    if api is None and page is None:
        return Unavailable(platform, "no_connector", "No connector reads this platform.")
    credential = str(settings.PLATFORM_TOKENS.get(platform, ""))
    if api and (credential or not api.needs_credential):
        problem = _unsendable(credential, platform) or (api.credential_problem(credential) if credential else "")
        return Unavailable(platform, "no_credential", problem) if problem else api
    if page and platform in settings.SCRAPE_PAGE_PLATFORMS:
        return page
    return _unavailable(platform, has_api=api is not None, has_page=page is not None)


def _unsendable(credential: str, platform: str) -> str:
    """One sentence where `credential` holds what no header carries, such as the line break of a copied file."""
    if credential.isascii() and credential.isprintable():
        return ""
    return f"{platform.upper()}_TOKEN holds a line break or another character that no header carries: set it anew."


def _unavailable(platform: str, *, has_api: bool, has_page: bool) -> Unavailable:
    token = f"{platform.upper()}_TOKEN"
    named = f"add {platform} to SCRAPE_PAGE_PLATFORMS after reading the site's terms"
    if has_api and has_page:
        return Unavailable(platform, "no_credential", f"Set {token}, or {named}: public pages are read then.")
    if has_api:
        return Unavailable(platform, "no_credential", f"Set {token} to read this platform.")
    return Unavailable(platform, "page_off", f"Reading public pages is off. To switch it on, {named}.")


def credential_for(platform: str) -> str:
    """The credential to call `platform` with, empty when there is none.

    Pages of a platform with an API are read without one, so the two share neither secret nor limit.
    """
    return str(settings.PLATFORM_TOKENS.get(platform, ""))


def warning_for(platform: str) -> str:
    """What to tell people while the public pages of `platform` are read; empty otherwise."""
    connector = connector_for(platform)
    is_page = isinstance(connector, Connector) and connector.kind == "page"
    return WARNING.format(platform=platform) if is_page else ""
