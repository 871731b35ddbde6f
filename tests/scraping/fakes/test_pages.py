"""The fake public pages, through the page connectors: right figures, and a reason for every fault."""

from __future__ import annotations

import pytest

from perf import clock
from scraping.connectors import PAGES
from scraping.connectors.base import Missing, Reading, Trouble
from scraping.fakes import curves
from scraping.fakes.pages import _three_digits
from tests.scraping.asking import ask, trouble

SITES = ["x", "youtube", "facebook", "linkedin", "instagram", "tiktok"]
SHARED = pytest.mark.parametrize("platform", SITES)


@pytest.fixture(autouse=True)
def pages_alone(fakes, settings):
    """No credential anywhere: pages are all there is."""
    settings.PLATFORM_TOKENS, settings.SCRAPE_PAGE_PLATFORMS = {}, SITES
    return fakes


@SHARED
def test_every_shape_of_page_gives_the_true_figures(platform):
    for handle in ("HHSGov", "nih", "cdc", "fda"):
        answer = ask(platform, handle)[handle]
        truth = curves.figures(platform, handle, clock.today())
        assert (answer.followers, answer.followers_rounded) == (
            truth["followers"], bool(truth.get("followers_rounded", False))
        )  # fmt: skip
        said = {name: getattr(answer, name) for name in ("following", "posts", "likes", "videos")}
        assert {name: number for name, number in said.items() if number is not None}.items() <= truth.items()


@SHARED
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("challenge", {Missing.BLOCKED}),
        ("forbidden", {Missing.BLOCKED}),
        ("dead_token", {Missing.BLOCKED}),
        ("not_found", {Missing.NOT_FOUND}),
        ("hidden", {Missing.UNPARSABLE, Missing.HIDDEN}),
        ("nan", {Missing.UNPARSABLE}),
        ("huge_number", {Missing.UNPARSABLE}),
        ("drift", {Missing.UNPARSABLE}),
        ("truncated", {Missing.UNPARSABLE, Missing.BLOCKED}),
        ("invalid_json", {Missing.UNPARSABLE, Missing.BLOCKED}),
    ],
)
def test_fault_of_a_page_gives_a_reason(pages_alone, platform, kind, expected):
    pages_alone.fault(kind, platform)
    assert ask(platform, "hhsgov")["hhsgov"] in expected


@SHARED
def test_one_page_too_many_is_a_limit_or_a_wall(pages_alone, platform):
    host = PAGES[platform].base_url.removeprefix("https://")
    pages_alone.set(limits={host: {"calls": 1, "seconds": 60, "kind": "fixed"}})
    assert isinstance(ask(platform, "hhsgov")["hhsgov"], Reading)
    if platform == "linkedin":
        assert ask(platform, "hhsgov") == {"hhsgov": Missing.BLOCKED}  # HTTP 999
    else:
        assert trouble(ask, platform, "hhsgov").trouble == Trouble.RATE_LIMITED


@pytest.mark.parametrize("platform", ["facebook", "x", "instagram", "tiktok"])
def test_shortened_count_is_flagged_or_refused(pages_alone, platform):
    pages_alone.fault("rounded", platform, "hhsgov")
    answer = ask(platform, "hhsgov")["hhsgov"]
    if platform == "instagram":
        assert answer == Missing.UNPARSABLE  # its numbers are integers or nothing
    else:
        assert answer.followers_rounded
        truth = curves.figures(platform, "hhsgov", clock.today())["followers"]
        assert 0 <= truth - answer.followers < truth / 10


def test_limits_of_pages_and_api_are_counted_apart(pages_alone, settings):
    ask("x", "a")
    settings.PLATFORM_TOKENS = {"x": "token"}
    ask("x", "a")
    assert {(row["host"], row["window"]["calls"]) for row in pages_alone.served("x")} == {
        ("x.com", 15),
        ("api.x.com", 300),
    }


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (812, "812"),
        (1_230, "1.23K"),
        (25_700, "25.7K"),
        (123_000, "123K"),
        (1_000_000, "1.00M"),
        (2_340_000_000, "2.34B"),
    ],
)
def test_youtube_writes_three_digits(count, text):
    assert _three_digits(count) == text
