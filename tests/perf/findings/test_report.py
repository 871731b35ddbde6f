"""The sentences: what happened, on which line, what to do; and nothing where nothing is to be mended."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from billiard.exceptions import WorkerLostError
from celery import signals, states
from django.db import connection, transaction
from django.test import Client

from perf import clock, recording
from perf.budgets import budgets
from perf.cache import Family, cached, forget
from perf.crowds import Span
from perf.findings import findings
from perf.findings.sources import line_of_route
from perf.findings.watching import observe
from perf.flushing import flush
from perf.places import Place
from perf.reading import window
from perf.traces import QueryCall, Trace
from tests.perf import tasks_of_a_test as tasks
from tests.perf import urls

pytestmark = pytest.mark.django_db


def told(kind: str) -> list[str]:
    flush()
    return [one.sentence for one in findings(window("1h")) if one.kind == kind]


def requests(route: str, count: int, *, status: str = "200", seconds: float = 0.01, queries: int = 3) -> None:
    for _ in range(count):
        recording.requested(("GET", route, status, seconds, 0.0, 0.0, queries, 100, None))


def test_nothing_recorded_is_nothing_to_mend(db: None) -> None:
    flush()
    assert [one for one in findings(window("1h")) if one.kind != "index"] == []


@pytest.mark.req("A101")
def test_a_route_and_a_platform_that_fail_too_often_are_told_with_their_rate() -> None:
    requests("snapshots:overview", 97)
    requests("snapshots:overview", 3, status="500")
    requests("workitems:dashboard", 300)
    requests("workitems:dashboard", 2, status="500")
    for number in range(40):
        recording.record("outgoing", 0.2, platform="flickr", outcome="ok" if number % 4 else "blocked")
        recording.record("outgoing", 0.2, platform="bluesky", outcome="ok")
    assert told("errors") == [
        "flickr failed 10 of 40 times, 25 %: its outcomes show whether it refuses, is slow or has changed.",
        f"snapshots:overview failed 3 of 100 times, 3.0 % ({line_of_route('snapshots:overview')}): "
        "Django saw no error, so the view or what stands before it answered so; the log says why.",
    ]
    assert line_of_route("snapshots:overview").startswith("snapshots/overview_views.py:")


@pytest.mark.req("A101")
def test_a_task_that_fails_or_is_killed_is_told_and_one_that_is_tried_again_is_not() -> None:
    for _ in range(2):
        tasks.fails.apply()
    for state, task in ((None, tasks.fails), *[(states.RETRY, tasks.tries_again)] * 3):
        task.push_request(is_eager=True)
        signals.task_prerun.send(sender=task, task=task)
        signals.task_postrun.send(sender=task, task=task, state=state)
        task.pop_request()
    (sentence,) = told("errors")
    assert re.fullmatch(
        r"fails failed 3 of 3 times, 100 % \(tests/perf/tasks_of_a_test.py:\d+\): "
        r"ZeroDivisionError was raised there 2 times; the log holds it whole\.",
        sentence,
    )


@pytest.mark.req("A101")
def test_runs_that_died_are_told_though_none_of_them_came_to_an_end() -> None:
    for number in range(12):
        signals.task_failure.send(sender=tasks.works, task_id=f"died-{number}", exception=WorkerLostError())
    assert told("errors") == [
        "works failed 12 of 12 times, 100 %: WorkerLostError was raised 12 times; the log holds it whole."
    ]


@pytest.mark.req("A101")
@pytest.mark.urls("tests.perf.urls")
def test_errors_of_a_view_are_told_with_the_line_that_raised_them(client: Client) -> None:
    client.raise_request_exception = False
    for _ in range(4):
        assert client.get("/failing").status_code == 500
    (sentence,) = told("errors")
    lines = Path(urls.__file__).read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "raise LookupError" in text)
    assert sentence == (
        f"tests.perf.urls.failing failed 4 of 4 times, 100 % (tests/perf/urls.py:{line}): "
        "LookupError was raised there 4 times; the log holds it whole."
    )


def test_a_route_over_its_budget_is_told_with_both_figures() -> None:
    budget = budgets()["snapshots:overview"]
    requests("snapshots:overview", 30, seconds=budget.p95 / 1000 * 3, queries=budget.queries + 40)
    (sentence,) = told("budget")
    assert sentence.startswith("snapshots:overview takes ")
    assert f"its budget is {budget.queries}" in sentence
    assert line_of_route("snapshots:overview") in sentence


def test_a_route_within_its_budget_and_one_hardly_asked_are_not_told() -> None:
    requests("snapshots:overview", 30)
    requests("api:grid", 3, seconds=9.0)
    assert told("budget") == []


@pytest.mark.parametrize("figure", ["queries", "seconds"])
def test_a_route_that_keeps_its_budget_to_the_last_bit_is_not_told(figure: str) -> None:
    """Quantiles are off by up to 2 %."""
    budget = budgets()["snapshots:overview"]
    most = {"queries": budget.queries, "seconds": budget.p95 / 1000}
    requests("snapshots:overview", 100, **{figure: most[figure]})
    requests("snapshots:overview", 1, **{figure: most[figure] * 3})
    assert told("budget") == []


@pytest.mark.parametrize(
    ("hits", "cost", "why"),
    [
        (10, 0.3, "only 10 % of 100 reads found it: fewer keys, a longer life, or no cache."),
        (90, 0.0002, "it takes 0.2 ms to compute, about what looking it up costs: compute it each time."),
    ],
)
def test_a_family_that_is_not_worth_caching_is_told_why(hits: int, cost: float, why: str) -> None:
    recording.count("cache", hits, family="tides", outcome="hits")
    recording.count("cache", 100 - hits, family="tides", outcome="misses")
    for _ in range(100 - hits):
        recording.record("cache.computed", cost, family="tides", place="views.py:7", reason="")
    assert told("cache") == [f"tides is not worth caching (views.py:7): {why}"]


def test_a_family_that_serves_is_not_told() -> None:
    recording.count("cache", 90, family="tides", outcome="hits")
    recording.count("cache", 10, family="tides", outcome="misses")
    recording.record("cache.computed", 0.3, family="tides", place="views.py:7", reason="")
    assert told("cache") == []


def read_at_once(family: Family, readers: int) -> None:
    """So many threads who ask for the same answer, which nobody finishes before all have begun."""
    gate = threading.Barrier(readers)

    def compute() -> bytes:
        gate.wait(timeout=10)
        return b"High water at noon"

    def read() -> None:
        cached(family, "today", compute)
        connection.close()

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


@pytest.mark.django_db(transaction=True)
def test_readers_who_compute_at_once_beside_an_open_writer_are_a_stampede(family: Family) -> None:
    with transaction.atomic():
        forget(family)
        read_at_once(family, 4)
    (sentence,) = told("stampede")
    assert sentence.startswith(
        f"{family.subject} is computed by 4 readers at once (tests/perf/findings/test_report.py:"
    )
    assert "shorten that transaction" in sentence


@pytest.mark.parametrize(
    ("reason", "others", "mend"),
    [
        ("waited", 2, "it takes longer than readers wait"),
        ("part", 3, "it is a part of other answers"),
        ("unreachable", 3, "the cache's server did not answer"),
        ("", 3, "it takes longer than its lock lasts"),
    ],
)
def test_a_stampede_of_several_processes_is_told_with_its_cause(reason: str, others: int, mend: str) -> None:
    """Who waited knows of one who had not ended: with that one there are three."""
    now = clock.now().timestamp()
    for process in range(others):
        recording.ran(
            "cache.crowd", Span(7, now - 1 + process / 10, now), family="tides", place="v.py:7", reason=reason
        )
        flush()
    (sentence,) = told("stampede")
    assert sentence.startswith(f"tides is computed by 3 readers at once (v.py:7): {mend}")


@pytest.mark.django_db(transaction=True)
def test_a_single_flight_is_no_stampede(family: Family) -> None:
    read_at_once(family, 1)
    assert told("stampede") == []


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("BEGIN IMMEDIATE", "another transaction was writing; shorten those that write"),
        ("COMMIT", "it has no plan; look at what else ran on the database then"),
        ("SELECT height FROM tides", "its plan says why"),
        ("SELECT height FROM tides WHERE name LIKE %s", "LIKE within a text reads every row; an index of trigrams"),
    ],
)
def test_a_slow_statement_is_told_to_have_a_plan_only_where_it_has_one(sql: str, why: str) -> None:
    call = QueryCall(sql, 0.0, 0.5, Place("tides.py", 7, "tides"))
    for _ in range(3):
        observe(Trace(what="tides", queries=[call], count=1), 0.6)
    (sentence,) = told("slow")
    assert f"(tides.py:7): {why}" in sentence


@pytest.mark.parametrize(("seconds", "runs", "findings"), [(0.18, 1, 0), (0.18, 2, 0), (0.18, 3, 1), (1.2, 1, 1)])
def test_a_query_is_told_when_it_was_slow_often_or_very(seconds: float, runs: int, findings: int) -> None:
    call = QueryCall("SELECT height FROM tides", 0.0, seconds, Place("tides.py", 7, "tides"))
    for _ in range(runs):
        observe(Trace(what="tides", queries=[call], count=1), seconds)
    assert len(told("slow")) == findings
