"""Which connector may be used now, and why not."""

from __future__ import annotations

import pytest

from accounts.platforms import PLATFORMS
from scraping.connectors import CONNECTORS, Unavailable, connector_for
from scraping.connectors.base import Connector, Target


@pytest.fixture(autouse=True)
def nothing_set(settings):
    settings.PLATFORM_TOKENS = {}
    settings.SCRAPE_PAGE_PLATFORMS = []
    return settings


@pytest.mark.parametrize("platform", ["x", "youtube", "facebook", "instagram", "linkedin"])
def test_api_without_its_credential_says_which_to_set(platform, settings):
    assert connector_for(platform) == Unavailable(
        platform, "no_credential", f"Set {platform.upper()}_TOKEN to read this platform."
    )
    settings.PLATFORM_TOKENS = {platform: "123:t"}
    assert isinstance(connector_for(platform), Connector)


@pytest.mark.parametrize("platform", ["flickr", "truth_social"])
def test_page_is_off_until_it_is_named(platform, settings):
    off = connector_for(platform)
    assert isinstance(off, Unavailable)
    assert (off.code, platform in off.reason) == ("page_off", True)
    settings.SCRAPE_PAGE_PLATFORMS = [platform]
    assert isinstance(connector_for(platform), Connector)


def test_platform_nobody_reads_is_named():
    assert connector_for("myspace") == Unavailable("myspace", "no_connector", "No connector reads this platform.")


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_connector_is_registered_under_a_platform_of_the_registry_with_its_source(connector):
    import sys

    assert connector.platform in PLATFORMS
    assert "Source:" in sys.modules[type(connector).__module__].__doc__ + (
        sys.modules[type(connector).__mro__[1].__module__].__doc__ or ""
    )
    assert connector.windows
    assert connector.base_url.startswith("https://")


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)
def test_a_claim_holds_enough_accounts_to_fill_one_call(connector):
    """The gatherer claims by `batch_size`: were it less than a call can carry, every call would waste quota."""
    known = Target(1, "somebody", external_id="1")
    assert connector.size(connector.step(known)) <= connector.batch_size
