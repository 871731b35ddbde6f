"""The fakes' truth: deterministic, smooth, complete."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from accounts.platforms import PLATFORMS
from scraping.fakes import curves
from snapshots.models import Figures

DAY = date(2026, 11, 22)
HANDLES = ("HHSGov", "a", "MentalHealth.gov", "100066204115008", "us-department-of-health-and-human-services")
FIGURE_NAMES = {field.name for field in Figures._meta.get_fields()}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_year_never_looks_suspect(platform):
    for handle in HANDLES:
        year = [curves.figures(platform, handle, DAY - timedelta(days=n))["followers"] for n in range(400)]
        assert all(abs(a - b) <= 0.02 * max(a, b) + 2 for a, b in pairwise(year))
        assert min(year) > 200
        assert len(set(year)) > 3


@pytest.mark.parametrize("platform", PLATFORMS)
def test_case_of_the_handle_changes_nothing(platform):
    assert curves.figures(platform, "HHSGov", DAY) == curves.figures(platform, "hhsgov", DAY)
    assert curves.external_id(platform, "HHSGov") == curves.external_id(platform, "hhsgov")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_figures_by_id_equal_figures_by_handle(platform):
    identity = curves.external_id(platform, "HHSGov")
    assert curves.figures_by_id(platform, identity, DAY) == curves.figures(platform, "HHSGov", DAY)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_names_are_those_of_a_snapshot(platform):
    assert set(curves.seeded(platform, "HHSGov", DAY)) <= FIGURE_NAMES
    assert {"likes", "comments", "shares", "engagements"} <= set(curves.seeded(platform, "HHSGov", DAY))


def test_running_totals_never_fall():
    for handle in HANDLES:
        year = [curves.figures("youtube", handle, DAY - timedelta(days=n)) for n in range(400, 0, -1)]
        for name in ("videos", "total_video_views"):
            values = [row[name] for row in year]
            assert values == sorted(values)


def test_youtube_rounds_down_to_three_digits_and_says_so():
    assert curves.round_down(1_234_567) == 1_230_000
    assert curves.round_down(999) == 999
    row = curves.figures("youtube", "HHSGov", DAY)
    assert row["followers"] == curves.round_down(row["followers"])
    assert row["followers_rounded"] is (row["followers"] >= 1_000)


def test_an_id_given_as_handle_is_its_own_id():
    assert curves.external_id("linkedin", "10897894") == "10897894"
    assert curves.external_id("facebook", "100066204115008") == "100066204115008"
    assert curves.external_id("youtube", "UCabcdefghijklmnopqrstuv") == "UCabcdefghijklmnopqrstuv"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_ids_of_many_accounts_differ(platform):
    assert len({curves.external_id(platform, f"account{n}") for n in range(20_000)}) == 20_000
