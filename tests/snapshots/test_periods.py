from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.http import QueryDict

from snapshots.periods import CHOICES, EARLIEST, LONGEST, Period, kept_fields
from tests.snapshots.worlds import TODAY, a_history, days_ago

pytestmark = pytest.mark.django_db


def between(first: str, last: str) -> Period:
    return Period.of({"from": first, "to": last})


@pytest.mark.parametrize("days", CHOICES)
def test_a_period_ends_at_the_newest_figure_of_an_active_account(days: int) -> None:
    a_history("resting", is_active=False)
    a_history("nih", days=1, ago=2)
    period = Period.of({"days": str(days)})
    assert (period.end, period.start) == (days_ago(2), days_ago(2 + days))
    assert (period.query, period.label, period.note) == (f"days={days}", CHOICES[days], "")


def test_without_figures_it_ends_today() -> None:
    period = Period.of({})
    assert (period.start, period.end, period.choice) == (days_ago(30), TODAY, 30)


def test_the_period_before_is_as_long_and_ends_where_this_one_starts() -> None:
    period = between("2026-09-01", "2026-09-30")
    assert (period.previous.start, period.previous.end) == (date(2026, 8, 3), date(2026, 9, 1))
    assert (period.query, period.label) == ("from=2026-09-01&to=2026-09-30", "1 Sep – 30 Sep 2026")
    assert [period.dates[0], period.dates[-1], len(period.dates)] == [period.start, period.end, 30]


def test_a_period_over_new_year_says_both_years() -> None:
    assert between("2025-12-30", "2026-01-02").label == "30 Dec 2025 – 2 Jan 2026"


@pytest.mark.parametrize(
    ("first", "last", "start", "end", "said"),
    [
        ("2026-09-30", "2026-09-01", "2026-09-01", "2026-09-30", "the other way round"),
        ("2026-09-30", "2026-09-30", "2026-09-29", "2026-09-30", "starts on 29 Sep 2026"),
        ("2026-09-01", "2099-01-01", "2026-09-01", f"{TODAY}", "no figures after"),
        ("2099-01-01", "2099-02-01", f"{days_ago(1)}", f"{TODAY}", "no figures after"),
        ("2001-01-01", "2026-09-01", f"{date(2026, 9, 1) - timedelta(days=LONGEST)}", "2026-09-01", "Five years"),
        ("0001-01-01", "0001-01-02", f"{EARLIEST}", f"{EARLIEST + timedelta(days=1)}", ""),
        ("", "2026-09-30", "2026-08-31", "2026-09-30", ""),
        ("2026-09-30", "", "2026-09-30", f"{TODAY}", ""),
    ],
)
def test_days_that_cannot_be_shown_become_the_nearest_that_can(
    first: str, last: str, start: str, end: str, said: str
) -> None:
    period = between(first, last)
    assert (f"{period.start}", f"{period.end}", period.choice) == (start, end, None)
    assert said in period.note
    assert bool(period.note) is bool(said)


@pytest.mark.parametrize("query", [{"from": "yesterday", "to": "2026-09-30"}, {"to": "30.9.2026"}, {"from": "\u0667"}])
def test_what_is_no_day_is_quoted_and_the_usual_period_shown(query: dict[str, str]) -> None:
    period = Period.of(query)
    assert (period.start, period.end, period.choice) == (days_ago(30), TODAY, 30)
    assert "is no day; the last 30 days are shown" in period.note


@pytest.mark.parametrize("days", ["9" * 5_000, "31", "-7", "\u0667", "x", "30; DROP TABLE"])
def test_a_period_that_is_not_offered_is_quoted_in_short_and_the_usual_one_shown(days: str) -> None:
    period = Period.of({"days": days})
    assert (period.choice, period.start) == (30, days_ago(30))
    assert period.note == f"“{days[:20]}” is none of the periods; the last 30 days are shown."


def test_a_form_for_other_days_keeps_all_else_that_the_address_says() -> None:
    query = QueryDict("days=7&from=x&to=y&page=3&after=z&account=x/nih&account=x/cdc&view=daily")
    assert kept_fields(query) == [("account", "x/nih"), ("account", "x/cdc"), ("view", "daily")]
