"""Watching the database."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from perf.conf import DEFAULTS
from perf.queries import Profile, metered, normalised, profiled, watch, watch_connection


def run(sql: str, *params: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def slow_lines(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "perf.queries"]


@pytest.fixture
def fake_seconds(monkeypatch):
    """Sets how long every query takes by the watch's stopwatch."""

    def take(seconds: float) -> None:
        ticks = iter(range(1000))
        monkeypatch.setattr("perf.queries.perf_counter", lambda: next(ticks) * seconds)

    return take


@pytest.mark.req("A98")
@pytest.mark.req("B6", "B23")
@pytest.mark.both_dbs
def test_a_slow_query_is_logged_once_without_its_parameters(db, caplog, fake_seconds):
    fake_seconds(0.15)
    run("SELECT id FROM auth_user WHERE username = %s AND email = 'private@x.org' AND id = 4711", "secret name")
    (line,) = slow_lines(caplog)
    assert caplog.records[-1].levelno == logging.WARNING
    assert "0.150 s" in line
    assert "SELECT id FROM auth_user WHERE username = ? AND email = ? AND id = ?" in line
    assert not any(secret in line for secret in ("secret", "private", "4711"))


@pytest.mark.req("B23")
def test_a_fast_query_is_not_logged(db, caplog, fake_seconds, settings):
    assert settings.SLOW_QUERY_THRESHOLD == DEFAULTS["SLOW_QUERY_THRESHOLD"] == 0.1
    fake_seconds(0.09)
    run("SELECT 1")
    assert slow_lines(caplog) == []


def test_a_failing_slow_query_is_logged_too(db, caplog, fake_seconds):
    fake_seconds(0.2)
    with pytest.raises(Exception, match="no_such_table"):
        run("SELECT 1 FROM no_such_table")
    assert len(slow_lines(caplog)) == 1


@pytest.mark.parametrize(
    ("sql", "plain"),
    [
        ("SELECT  *\n FROM t WHERE a = %s", "SELECT * FROM t WHERE a = ?"),
        ("a IN (%s, %s, %s)", "a IN (…)"),
        ("VALUES (%s, %s), (%s, %s)", "VALUES (…)"),
        ("a = 'it''s' AND b = 1.5 AND t2.c = 10", "a = ? AND b = ? AND t2.c = ?"),
    ],
)
def test_equal_queries_read_alike(sql, plain):
    assert normalised(sql) == plain


def test_a_meter_counts_its_own_queries_and_inner_ones(db):
    with metered() as outer:
        run("SELECT 1")
        with metered() as inner:
            run("SELECT 1")
            run("SELECT 1")
    assert (outer.count, inner.count) == (3, 2)
    assert outer.seconds >= inner.seconds > 0


def test_a_meter_counts_where_nothing_is_monitored(db, settings):
    """Which `manage.py benchmark` relies on; afterwards the connection is left alone as it was."""
    settings.ENABLE_MONITORING = False
    connection.execute_wrappers.remove(watch)
    try:
        with metered() as outer, metered() as inner:
            run("SELECT 1")
        assert (outer.count, inner.count) == (1, 1)
        assert watch not in connection.execute_wrappers
    finally:
        connection.execute_wrappers.append(watch)


def test_a_connection_is_watched_once(db):
    watch_connection(connection)
    assert connection.execute_wrappers.count(watch) == 1


@pytest.mark.req("B57")
def test_without_monitoring_a_connection_is_left_alone(settings):
    fresh = SimpleNamespace(execute_wrappers=[])
    settings.ENABLE_MONITORING = False
    watch_connection(fresh)
    assert fresh.execute_wrappers == []
    settings.ENABLE_MONITORING = True
    watch_connection(fresh)
    assert fresh.execute_wrappers == [watch]


@pytest.mark.req("B22")
def test_profiling_names_repeated_queries(db, settings, caplog):
    settings.PROFILE_QUERIES = True
    with profiled("GET /list") as profile:
        for number in range(6):
            list(Group.objects.filter(pk=number))
        list(Group.objects.all())
    assert profile.count == 7
    (line,) = slow_lines(caplog)
    assert line.startswith("GET /list: the same query 6 times")


@pytest.mark.req("B22")
def test_without_the_setting_no_wrapper_is_installed(db, settings):
    settings.PROFILE_QUERIES = False
    before = list(connection.execute_wrappers)
    with profiled("GET /list") as profile, CaptureQueriesContext(connection):
        assert profile is None
        assert connection.execute_wrappers == before
    settings.PROFILE_QUERIES = True
    with profiled("GET /list") as profile:
        assert isinstance(profile, Profile)
        assert profile in connection.execute_wrappers
    assert connection.execute_wrappers == before


@pytest.mark.django_db(transaction=True)
def test_a_connection_opened_while_profiling_stays_watched(settings):
    settings.PROFILE_QUERIES = True
    connection.close()
    connection.execute_wrappers.clear()
    with profiled("GET /list") as profile:
        Group.objects.count()
    assert (profile.count, connection.execute_wrappers) == (1, [watch])


@pytest.mark.req("B22")
@pytest.mark.urls("tests.perf.urls")
def test_a_request_that_repeats_itself_is_named_in_development_only(client, db, settings, caplog):
    settings.PROFILE_QUERIES = False
    client.get("/asking")
    assert slow_lines(caplog) == []
    settings.PROFILE_QUERIES = True
    client.get("/asking")
    assert "GET /asking: the same query 6 times" in slow_lines(caplog)[0]
    assert "secret name" not in caplog.text
