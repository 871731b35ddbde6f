"""One state of the database for a block of reads, on both databases."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection, transaction

from perf.isolation import look, one_state
from perf.queries import metered
from tests import services

pytestmark = pytest.mark.django_db(transaction=True)
POSTGRESQL = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one isolation level")


def committed(name: str) -> None:
    """Let another connection make the user `name`."""

    def write() -> None:
        User.objects.create(username=name)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()


def names() -> list[str]:
    return sorted(User.objects.values_list("username", flat=True))


def settings_of_the_session() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        isolation = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE 'default_transaction%'")
        return isolation + cursor.fetchone()


@pytest.mark.both_dbs
def test_a_block_reads_the_state_at_its_first_statement() -> None:
    with one_state():
        committed("before the first")
        assert names() == ["before the first"]
        committed("after the first")
        assert names() == ["before the first"]
    assert names() == ["after the first", "before the first"]


@pytest.mark.both_dbs
def test_a_look_fixes_the_state() -> None:
    with one_state():
        look()
        committed("late")
        assert names() == []


@pytest.mark.both_dbs
def test_an_inner_block_reads_the_state_of_the_outer() -> None:
    with one_state():
        with one_state():
            assert names() == []
        committed("late")
        assert names() == []


@pytest.mark.both_dbs
def test_whoever_writes_is_not_held_up_and_may_write_after_a_block_that_failed() -> None:
    @one_state()
    def fail() -> None:
        names()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with transaction.atomic():
        User.objects.create(username="mine")
    assert names() == ["mine"]


@pytest.mark.both_dbs
def test_an_open_transaction_is_left_as_it_is() -> None:
    with transaction.atomic(), one_state():
        User.objects.create(username="mine")
    assert names() == ["mine"]


def test_a_block_that_asks_nothing_opens_nothing() -> None:
    connection.close()
    with one_state():
        pass
    assert connection.connection is None


@POSTGRESQL
def test_nothing_can_be_written_in_a_block() -> None:
    with pytest.raises(DatabaseError, match="read-only"), one_state():
        User.objects.create(username="mine")
    User.objects.create(username="mine")


@POSTGRESQL
def test_a_block_adds_no_query_and_leaves_nothing_in_the_session() -> None:
    with metered() as meter, one_state():
        assert settings_of_the_session() == ("repeatable read", 0)
    assert meter.count == 2
    assert settings_of_the_session() == ("read committed", 0)
    assert connection.get_autocommit()


@POSTGRESQL
def test_a_connection_that_breaks_in_a_block_is_opened_anew() -> None:
    @one_state()
    def read_on() -> None:
        names()
        with closing(psycopg2.connect(services.database_url(connection.settings_dict["NAME"]))) as other:
            other.cursor().execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        names()

    with pytest.raises(OperationalError):
        read_on()
    assert names() == []
