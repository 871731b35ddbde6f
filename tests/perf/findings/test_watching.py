"""What an ended request or task tells: its slow queries, and those that one line ran again and again."""

# ruff: noqa: S608  # shapes of queries are what this is about
from __future__ import annotations

from pathlib import Path

import pytest

from perf.cache import Family, cached
from perf.findings import watching
from perf.findings.catalogue import CATALOGUE
from perf.flushing import flush
from perf.models import KnownQuery
from perf.places import Place
from perf.reading import counts, crowds, totals, window
from perf.statements import statement
from perf.traces import QueryCall, Trace, traced

pytestmark = pytest.mark.django_db

SQL = "SELECT id FROM boats WHERE captain = %s"
HERE = Place(Path(__file__).name, 7, "boats")
THERE = HERE._replace(line=9)


def ask(place: Place = HERE, seconds: float = 0.001, sql: str = SQL, started: float = 0.0) -> QueryCall:
    return QueryCall(sql, started, seconds, place)


def observe(*queries: QueryCall, began: float = 0.0, what: str = "boats") -> None:
    trace = Trace(what=what, began=began, queries=list(queries), count=len(queries))
    watching.observe(trace, 0.5)


def recorded(name: str) -> dict[str, float]:
    """The most of each series of `name`, by place."""
    flush()
    return {labels.get("place"): one.most for labels, one in totals(name, window("1h")).items()}


def test_a_query_over_the_limit_is_slow_and_one_below_is_not(settings) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.1
    observe(ask(HERE, 0.101), ask(THERE, 0.099))
    assert list(recorded("query.slow")) == [str(HERE)]


@pytest.mark.parametrize(
    ("queries", "times"),
    [
        ([ask()] * 5, {str(HERE): 5}),
        ([ask()] * 4, {}),
        ([ask()] * 4 + [ask(THERE)] * 4, {}),
        ([ask(sql=f"SELECT {column} FROM boats") for column in "abcdef"], {}),
        ([ask(sql=f"SELECT id FROM boats WHERE berth = {number}") for number in range(6)], {str(HERE): 6}),
        ([ask(sql=f'SAVEPOINT "s140_x{number}"') for number in range(6)], {}),
    ],
    ids=["five", "four", "two lines", "other queries of one line", "values in the text", "savepoints"],
)
def test_one_query_of_one_line_is_repeated_from_five_runs_on(queries: list[QueryCall], times: dict[str, float]) -> None:
    observe(*queries)
    assert recorded("query.repeated") == times


def test_runs_at_the_same_time_are_a_crowd_and_runs_one_after_another_are_none(settings) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.1
    for began in (0.0, 0.2, 0.4):
        observe(ask(HERE, 0.5), began=began)
        observe(ask(THERE, 0.15), began=began)
    flush()
    assert {one.get("place"): most for one, most in crowds("query.crowd", window("1h")).items()} == {
        str(HERE): 3,
        str(THERE): 1,
    }


def test_a_slow_query_of_an_answer_that_the_cache_keeps_is_no_crowd_of_its_own(settings, family: Family) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.0
    with traced("boats"):
        cached(family, "today", lambda: str(KnownQuery.objects.filter(pk="a").exists()).encode())
        KnownQuery.objects.filter(pk="a").count()
    kept, own = sorted(recorded("query.slow"))
    assert {one.get("place") for one in crowds("query.crowd", window("1h"))} == {own} != {kept}


def test_a_query_that_no_line_of_the_project_asked_has_no_place(settings) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.1
    observe(ask(Place("", 0, ""), 0.5))
    assert list(recorded("query.slow")) == [""]


def test_places_beyond_the_limit_are_shed_and_counted(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.1
    monkeypatch.setattr("perf.findings.catalogue.PLACES_MAX", 1)
    observe(ask(HERE, 0.5), ask(THERE, 0.5))
    assert list(recorded("query.slow")) == [str(HERE)]
    assert sum(counts(watching.SHED, window("1h")).values()) == 1


def test_advice_comes_with_the_first_repeats_even_where_the_query_was_slow_before(settings) -> None:
    settings.SLOW_QUERY_THRESHOLD = 0.1
    observe(ask(HERE, 0.5))
    observe(*[ask()] * 6)
    flush()
    ((_, places),) = CATALOGUE.found([statement(SQL).digest]).values()
    assert [place.advice for place in places] == ["ask once for all rows before the loop, with filter(captain__in=…)"]
