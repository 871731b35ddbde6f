"""What is kept of slow and repeated queries: each once, at its worst, without values, and never without end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from perf.findings import catalogue
from perf.findings.catalogue import PLANS_MAX, Catalogue, Run, prune
from perf.models import KnownQuery, QueryPlace, QueryPlan
from perf.statements import statement

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

BOATS = statement("SELECT id FROM boats WHERE captain = 'Nemo' AND berth = %s")


def run(slowest: float = 0.2, times: int = 1, **others: object) -> Run:
    values = {"route": "boats", "place": "views.py:7", "function": "boats", "request": 0.5, "queries": 9}
    return Run(slowest=slowest, times=times, **values | others)


def test_two_processes_keep_one_query_at_its_worst() -> None:
    for slowest, times in ((0.2, 1), (0.9, 30), (0.4, 12)):
        process = Catalogue()
        assert process.note(BOATS, run(slowest, times), f"read ahead what is read {times} times")
        process.flush()
    place = QueryPlace.objects.select_related("query").get()
    assert (place.slowest, place.times, place.advice) == (0.9, 30, "read ahead what is read 30 times")
    assert place.query.shape == "SELECT id FROM boats WHERE captain = ? AND berth = ?"
    assert "Nemo" not in place.query.shape + place.query.template


def test_advice_reaches_a_place_that_another_process_knew_as_slow_alone() -> None:
    for times, mend in ((1, ""), (7, "read ahead")):
        process = Catalogue()
        process.note(BOATS, run(times=times), mend)
        process.flush()
    assert QueryPlace.objects.get().advice == "read ahead"


def test_nothing_is_written_while_nothing_is_new_or_worse(django_assert_num_queries) -> None:
    process = Catalogue()
    process.note(BOATS, run(0.5))
    process.flush()
    process.note(BOATS, run(0.4))
    with django_assert_num_queries(0):
        process.flush()


def test_what_could_not_be_written_is_written_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Catalogue()
    process.note(BOATS, run())

    def refuse(places: object) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(catalogue, "_write", refuse)
        with pytest.raises(OSError, match="away"):
            process.flush()
    process.flush()
    assert QueryPlace.objects.count() == 1


def test_what_was_seen_before_the_tables_were_made_is_written_once_they_are(settings) -> None:
    process = Catalogue()
    process.note(BOATS, run())
    settings.PERF_STORE = "memory"
    process.flush()
    settings.PERF_STORE = "database"
    process.flush()
    assert QueryPlace.objects.count() == 1


def test_a_query_that_runs_on_is_not_forgotten() -> None:
    process = Catalogue()
    process.note(BOATS, run())
    process.flush()
    with clock.shifted(timedelta(days=20)):
        process.note(BOATS, run(0.1))
        process.flush()
    with clock.shifted(timedelta(days=35)):
        prune()
        assert KnownQuery.objects.count() == 1
    with clock.shifted(timedelta(days=51)):
        prune()
    assert (KnownQuery.objects.count(), QueryPlace.objects.count()) == (0, 0)


def test_each_place_where_a_query_runs_on_is_kept_and_one_where_it_does_not_goes() -> None:
    process = Catalogue()
    for line in (1, 2, 3):
        process.note(BOATS, run(place=f"views.py:{line}"))
    process.flush()
    for day in range(1, 33):
        with clock.shifted(timedelta(days=day * 0.99)):
            for line in (1, 2):
                process.note(BOATS, run(0.1, place=f"views.py:{line}"))
            process.flush()
    with clock.shifted(timedelta(days=32)):
        prune()
    assert set(QueryPlace.objects.values_list("place", flat=True)) == {"views.py:1", "views.py:2"}


def test_a_process_sheds_places_beyond_its_limit_and_makes_room_in_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "PLACES_MAX", 2)
    process = Catalogue()
    assert [process.note(BOATS, run(place=f"views.py:{line}")) for line in (1, 2, 3)] == [True, True, False]
    with clock.shifted(timedelta(days=2)):
        process.flush()
        assert process.note(BOATS, run(place="views.py:3"))


def test_the_database_keeps_the_queries_seen_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "ROWS_MAX", 2)
    for days, name in enumerate(("a", "b", "c")):
        KnownQuery.objects.create(digest=name, shape=name, last_at=clock.now() - timedelta(days=days))
    prune()
    assert set(KnownQuery.objects.values_list("pk", flat=True)) == {"a", "b"}


@pytest.mark.parametrize("store", ["database", "memory"])
def test_the_last_plans_of_a_query_are_kept(store: str, settings) -> None:
    settings.PERF_STORE = store
    process = Catalogue()
    process.note(BOATS, run())
    process.flush()
    ((query, places),) = process.found([BOATS.digest]).values()
    for number in range(PLANS_MAX + 2):
        process.keep_plan(QueryPlan(query=query, text=f"Plan {number}", server="PostgreSQL 18"))
    assert [plan.text for plan in process.plans(query)] == [f"Plan {number}" for number in range(11, 1, -1)]
    assert [place.place for place in places] == ["views.py:7"]
    assert KnownQuery.objects.exists() == (store == "database")
