"""The fake platforms for every test of gathering: one server for the session, clean for each test."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from scraping.fakes import server


class Fakes:
    """The running fake platforms: their address, what they served, and faults on demand."""

    def __init__(self, url: str) -> None:
        self.url = url

    def served(self, platform: str | None = None) -> list[dict[str, Any]]:
        """One row per platform, host and credential, as GET /_fake/served gives it."""
        with urllib.request.urlopen(f"{self.url}/_fake/served?times=1", timeout=5) as answer:  # noqa: S310 - loopback
            rows = json.load(answer)["served"]
        return [row for row in rows if platform in (None, row["platform"])]

    def most_at_once(self) -> int:
        """The most calls that were in flight at one time since the reset."""
        with urllib.request.urlopen(f"{self.url}/_fake/served", timeout=5) as answer:  # noqa: S310 - loopback
            return int(json.load(answer)["most_at_once"])

    def set(self, **settings: Any) -> None:
        """POST /_fake/faults with `settings` (reset, latency, faults)."""
        body = json.dumps(settings).encode()
        urllib.request.urlopen(f"{self.url}/_fake/faults", data=body, timeout=5).close()  # noqa: S310 - loopback

    def fault(self, kind: str, platform: str, handle: str = "", **more: Any) -> None:
        """Let `platform` fail in one way, for one handle or all."""
        self.set(faults=[{"kind": kind, "platform": platform, "handle": handle, **more}])


@pytest.fixture(scope="session")
def fakes_url() -> Iterator[str]:
    """The address of the session's fake platforms."""
    url, stop = server.start()
    yield url
    stop()


@pytest.fixture
def fakes(fakes_url: str, settings: Any) -> Fakes:
    """Fake platforms without faults or counts, with a credential for every platform; connectors reach them."""
    settings.FAKE_PLATFORMS_URL = fakes_url
    settings.PLATFORM_TOKENS = {
        "x": "x-token",
        "youtube": "youtube-key",
        "facebook": "facebook-token",
        "instagram": "17841400000000001:instagram-token",
        "linkedin": "linkedin-token",
        "github": "github-token",
        "reddit": "reddit-token",
        "threads": "threads-token",
        "tiktok": "account=act.account",
    }
    settings.SCRAPE_PAGE_PLATFORMS = ["flickr", "truth_social"]
    running = Fakes(fakes_url)
    running.set(reset=True)
    return running


@pytest.fixture
def gathering_world(db: None, fakes: Any, settings: Any) -> None:
    """What a worker's turn takes: database, platforms, and a budget where calls cost money."""
    settings.X_MONTHLY_BUDGET_USD = 1_000.0
