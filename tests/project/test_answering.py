"""A PostgreSQL that hangs costs seconds, once; a statement that is merely slow is left alone up to its limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, connections

from project import answering
from project.embedded import free_port
from project.errors import database_is_away
from tests import services

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite is no server"),
    pytest.mark.django_db,
]
LONG = "SELECT pg_sleep(100)"
AWHILE = "SELECT pg_sleep(0.8)"


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Connects as a web process does, with less patience."""
    made = []

    def connect(kind: type = answering.Connection) -> Any:
        url = services.database_url(str(connection.settings_dict["NAME"]))
        made.append(psycopg2.connect(url, connection_factory=kind))
        return made[-1]

    monkeypatch.setattr(answering, "PATIENCE", 0.2)
    monkeypatch.setattr(answering, "PROBE", 1.0)
    monkeypatch.setattr(answering, "_watches", {})
    yield connect
    for one in made:
        one.close()


@pytest.fixture
def silent() -> Iterator[Any]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def hang(one: Any, silent: Any) -> None:
    """Let whoever looks after `one` find its server silent from now on."""
    one.watch._dsn = f"host=127.0.0.1 port={silent.getsockname()[1]} user=nobody"


@pytest.mark.timeout(90)
def test_who_waits_for_a_server_that_hangs_is_let_go_and_nobody_waits_after_him(watched: Any, silent: Any) -> None:
    one = watched()
    hang(one, silent)
    with one.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
        cursor.execute(LONG)
    assert one.watch.hangs
    before = time.monotonic()
    with pytest.raises(psycopg2.OperationalError, match="nobody is made to wait"):
        watched()
    assert time.monotonic() - before < answering.PROBE


def test_work_goes_on_as_soon_as_it_answers_again(watched: Any, silent: Any) -> None:
    one = watched()
    one.watch.hangs = True
    deadline = time.monotonic() + 10
    while one.watch.hangs:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with watched().cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_slow_statement_of_a_server_that_is_there_goes_on(watched: Any) -> None:
    one = watched()
    with one.cursor() as cursor:
        cursor.execute(AWHILE)
        one.commit()
    assert not one.watch.hangs


def test_server_that_is_there_is_not_asked_again_at_once(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, asked = answering.Watch(""), []
    monkeypatch.setattr(watch, "_late", lambda seconds: [watched])
    monkeypatch.setattr(watch, "_answers", lambda: asked.append(1) or True)
    for _ in range(3):
        watch.look()
    assert len(asked) == 1
    time.sleep(answering.PATIENCE)
    watch.look()
    assert len(asked) == 2


def test_look_that_fails_is_taken_again(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watch, answers = answering.Watch(""), iter([ValueError, RuntimeError])

    def look() -> None:
        raise next(answers, SystemExit)  # which ends the thread that would go on for ever

    monkeypatch.setattr(watch, "look", look)
    with pytest.raises(SystemExit):
        watch._watch()


def test_while_it_hangs_no_way_of_asking_waits(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = watched()
    with one.cursor("named") as named, one.cursor() as cursor:
        named.execute("SELECT 1")
        monkeypatch.setattr(one.watch, "look", lambda: None)
        one.watch.hangs = True
        for way in (
            lambda: cursor.execute("SELECT 1"),
            lambda: cursor.executemany("SELECT %s", [(1,)]),
            lambda: cursor.copy_expert("COPY (SELECT 1) TO STDOUT", StringIO()),
            lambda: named.fetchmany(1),
            one.commit,
            one.rollback,
            watched,
        ):
            with pytest.raises(psycopg2.OperationalError, match="nobody is made to wait"):
                way()


def test_who_asks_something_else_meanwhile_still_waits_for_the_first() -> None:
    """A copy out of one connection is fed by questions over another, of the same thread."""
    watch, first = answering.Watch(""), object()
    with watch.waiting(first):  # type: ignore[arg-type]  # it is only kept
        with watch.waiting():
            assert watch._late(-1) == []
        assert watch._late(-1) == [first]
    assert watch._late(-1) == []


def test_server_that_refuses_is_there() -> None:
    assert answering.Watch(f"host=127.0.0.1 port={free_port()} user=nobody")._answers()


@pytest.mark.parametrize("command", ["commit", "named cursor", "copy"])
@pytest.mark.timeout(90)
def test_every_way_of_waiting_is_watched(watched: Any, silent: Any, command: str) -> None:
    one = watched()
    with one.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.sleeping() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN PERFORM pg_sleep(100); RETURN NULL; END $$"
        )
        cursor.execute("CREATE TEMPORARY TABLE slow (id int)")
        cursor.execute(
            "CREATE CONSTRAINT TRIGGER sleeps AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.sleeping()"
        )
    hang(one, silent)
    with pytest.raises(psycopg2.OperationalError):
        WAYS[command](one)


def _commit(one: Any) -> None:
    with one.cursor() as cursor:
        cursor.execute("INSERT INTO slow VALUES (1)")
    one.commit()


def _fetch(one: Any) -> None:
    with one.cursor("named") as cursor:
        cursor.execute("SELECT pg_sleep(100)")
        cursor.fetchmany(1)


def _copy(one: Any) -> None:
    with one.cursor() as cursor:
        cursor.copy_expert("COPY (SELECT pg_sleep(100)) TO STDOUT", StringIO())


WAYS = {"commit": _commit, "named cursor": _fetch, "copy": _copy}


def test_the_server_itself_ends_a_statement_at_its_limit_and_pages_say_503(
    watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = connections.settings["default"]
    monkeypatch.setitem(settings, "OPTIONS", dict(settings["OPTIONS"]))
    monkeypatch.setattr(answering, "_limit", answering._Limit())
    answering.watch(0.3)
    ours = connections.create_connection("default")
    with closing(ours), ours.cursor() as cursor:
        assert isinstance(cursor.cursor, answering.Cursor)
        with pytest.raises(OperationalError) as ended:
            cursor.execute(LONG)
    assert isinstance(ended.value.__cause__, psycopg2.errors.QueryCanceled), "cut loose, not ended by the server"
    assert database_is_away(ended.value)


@pytest.mark.timeout(30)
def test_behind_pgbouncer_a_statement_is_cut_loose_beyond_its_limit(
    watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "_limit", answering._Limit())
    monkeypatch.setattr(answering, "GRACE", 0.1)
    answering._limit.seconds = 0.3
    one = watched()
    with one.cursor() as cursor, pytest.raises(psycopg2.OperationalError):
        cursor.execute(LONG)
    assert not one.watch.hangs


def test_behind_pgbouncer_no_session_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = connections.settings["default"]
    monkeypatch.setitem(settings, "OPTIONS", dict(settings["OPTIONS"]))
    monkeypatch.setitem(settings, "DISABLE_SERVER_SIDE_CURSORS", True)
    monkeypatch.setattr(answering, "_limit", answering._Limit())
    answering.watch(30)
    ours = connections.create_connection("default")
    with closing(ours), ours.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
