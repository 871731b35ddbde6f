"""The coverage report as a file."""

from __future__ import annotations

import datetime as dt
from typing import Any

import orjson
import pytest
from django.test import Client

from perf import clock
from tests import factories
from tests.snapshots.exports.conftest import Day

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TODAY = clock.today()
YESTERDAY = TODAY - dt.timedelta(days=1)


def text(client: Client, query: str) -> str:
    answer: Any = client.get(f"/api/coverage.{query}")
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def test_each_day_says_expected_observed_and_missing(viewer: Client, a_day: Day) -> None:
    a_day("a")
    a_day("a", ago=1)
    a_day("b", ago=1)
    factories.account("youtube", "c")
    factories.account("x", "gone", is_active=False)
    assert text(viewer, f"csv?from={YESTERDAY}&active=true").splitlines() == [
        "date,platform,expected,observed,missing,coverage",
        f"{TODAY},x,2,1,1,50.0",
        f"{TODAY},youtube,1,0,1,0.0",
        f"{YESTERDAY},x,2,2,0,100.0",
        f"{YESTERDAY},youtube,1,0,1,0.0",
    ]


def test_who_is_missing_is_listed_with_why(viewer: Client, a_day: Day) -> None:
    a_day("a")
    a_day("b", ago=1)
    a_day("b", quality="suspect")
    [row] = orjson.loads(text(viewer, "json?part=missing"))["data"]
    assert (row["handle"], row["organization"], row["last_date"]) == ("b", "CDC", YESTERDAY.isoformat())
    assert (row["reason"], row["why"]) == ("suspect", "An unlikely figure waits for a second look.")


@pytest.mark.parametrize(
    "query",
    [
        "csv?core=true",
        "csv?active=false",
        "csv?from=2026-02-01&to=2026-01-01",
        "csv?from=2020-01-01&to=2026-01-01",
        "csv?part=x",
    ],
)
def test_a_report_that_cannot_be_made_is_refused(viewer: Client, query: str) -> None:
    assert viewer.get(f"/api/coverage.{query}").status_code == 400


@pytest.mark.parametrize("query", ["to=0001-01-05", "from=0001-01-01&to=0001-01-05", "from=9999-12-31"])
def test_the_ends_of_the_calendar_are_days_like_others(viewer: Client, a_day: Day, query: str) -> None:
    a_day("a")
    days = text(viewer, f"csv?{query}").splitlines()[1:]
    assert [day.split(",")[0] for day in days] == [f"0001-01-0{day}" for day in (5, 4, 3, 2, 1) if "to=" in query]
