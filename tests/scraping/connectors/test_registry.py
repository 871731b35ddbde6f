"""Which connector may be used now, and why not."""

from __future__ import annotations

import pytest

from accounts.platforms import PLATFORMS
from scraping.connectors import APIS, EVERY, PAGES, Unavailable, connector_for, credential_for, warning_for
from scraping.connectors.base import Connector, Target
from scraping.limits import Limit


def token(platform: str) -> str:
    """A credential of the form that the platform's API wants."""
    return {"tiktok": "somebody=token"}.get(platform, "123:t")


@pytest.fixture(autouse=True)
def nothing_set(settings):
    settings.PLATFORM_TOKENS = {}
    settings.SCRAPE_PAGE_PLATFORMS = []
    return settings


BOTH = sorted(set(APIS) & set(PAGES))


@pytest.mark.parametrize("platform", BOTH)
def test_platform_with_both_kinds_says_both_ways(platform):
    off = connector_for(platform)
    assert isinstance(off, Unavailable)
    assert off.code == "no_credential"
    assert f"{platform.upper()}_TOKEN" in off.reason
    assert f"add {platform} to SCRAPE_PAGE_PLATFORMS" in off.reason


@pytest.mark.parametrize("platform", [name for name, api in APIS.items() if api.needs_credential])
def test_api_is_preferred_where_its_credential_is_set(platform, settings):
    settings.PLATFORM_TOKENS = {platform: token(platform)}
    settings.SCRAPE_PAGE_PLATFORMS = [platform]
    assert connector_for(platform) is APIS[platform]
    assert warning_for(platform) == ""


@pytest.mark.parametrize("platform", BOTH)
def test_pages_are_read_where_only_they_are_switched_on(platform, settings):
    settings.SCRAPE_PAGE_PLATFORMS = [platform]
    assert connector_for(platform) is PAGES[platform]
    assert f"Remove {platform} from SCRAPE_PAGE_PLATFORMS" in warning_for(platform)


def test_credential_that_cannot_be_right_is_not_passed_over_for_pages(settings):
    settings.PLATFORM_TOKENS = {"instagram": "token-alone"}
    settings.SCRAPE_PAGE_PLATFORMS = ["instagram"]
    assert connector_for("instagram").code == "no_credential"


@pytest.mark.parametrize(
    "text", ["to\nken", "token\r\nX-Evil: 1", "tok\x00en", "t\N{LATIN SMALL LETTER O WITH DIAERESIS}ken"]
)
def test_credential_that_no_header_carries_is_named_and_never_sent(text, settings):
    settings.PLATFORM_TOKENS = {"youtube": text}
    off = connector_for("youtube")
    assert off.code == "no_credential"
    assert off.reason.startswith("YOUTUBE_TOKEN holds")
    assert text not in off.reason


@pytest.mark.parametrize("platform", BOTH)
def test_limits_of_the_two_kinds_never_mix(platform, settings):
    names = []
    for tokens, pages in (({platform: token(platform)}, []), ({}, [platform])):
        settings.PLATFORM_TOKENS, settings.SCRAPE_PAGE_PLATFORMS = tokens, pages
        names.append(Limit.of(platform, credential_for(platform), "", connector_for(platform).windows).name)
    assert names[0] != names[1]


@pytest.mark.parametrize("platform", ["flickr", "truth_social"])
def test_page_is_off_until_it_is_named(platform, settings):
    off = connector_for(platform)
    assert isinstance(off, Unavailable)
    assert (off.code, platform in off.reason) == ("page_off", True)
    assert warning_for(platform) == ""
    settings.SCRAPE_PAGE_PLATFORMS = [platform]
    assert isinstance(connector_for(platform), Connector)


def test_platform_nobody_reads_is_named():
    assert connector_for("myspace") == Unavailable("myspace", "no_connector", "No connector reads this platform.")


@pytest.mark.parametrize("connector", EVERY, ids=lambda one: type(one).__name__)
def test_connector_is_registered_under_a_platform_of_the_registry_with_its_source(connector):
    import sys

    assert connector.platform in PLATFORMS
    assert "Source:" in sys.modules[type(connector).__module__].__doc__ + (
        sys.modules[type(connector).__mro__[1].__module__].__doc__ or ""
    )
    assert connector.windows
    assert connector.base_url.startswith("https://")


@pytest.mark.parametrize("connector", EVERY, ids=lambda one: f"{one.platform}-{one.kind}")
def test_a_claim_holds_enough_accounts_to_fill_one_call(connector):
    """The gatherer claims by `batch_size`: were it less than a call can carry, every call would waste quota."""
    known = Target(1, "somebody", external_id="1")
    assert connector.size(connector.step(known)) <= connector.batch_size
