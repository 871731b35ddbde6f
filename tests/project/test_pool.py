"""Each setting of the connection pool, held against PostgreSQL's own list of connections."""

from __future__ import annotations

import os
import runpy
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from dj_db_conn_pool.core import pool_container
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from perf.isolation import one_state
from project.errors import database_is_away
from project.pool.base import DatabaseWrapper, PoolExhausted
from tests import processes, services

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connections to keep"),
    pytest.mark.django_db,
]
ALIAS = "a pool of this test"
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
"""The list is the whole server's: other processes of this run ask it of connections to databases of their own."""
COUNT = f"SELECT count(*) {OURS}"
WAITING = f"{COUNT} AND wait_event_type = 'Lock'"
TERMINATE = f"SELECT count(pg_terminate_backend(pid)) {OURS}"


@pytest.fixture
def watcher(db: None) -> Iterator[Any]:
    """A connection past Django, which looks at all the others and may hold a table shut."""
    with closing(psycopg2.connect(address())) as seen:
        yield seen.cursor()


def address(application: str = "watcher") -> str:
    url = services.database_url(str(connection.settings_dict["NAME"]))
    return f"{url}{'&' if '?' in url else '?'}application_name={application}"


def number(watcher: Any, query: str, application: str = ALIAS) -> int:
    watcher.execute("ROLLBACK; " + query, [application])  # a transaction would go on seeing the list of its beginning
    return int(watcher.fetchone()[0])


def terminate(watcher: Any, application: str = ALIAS) -> None:
    """Break every connection of `application` at the server's end."""
    assert number(watcher, TERMINATE, application)
    while number(watcher, COUNT, application):
        time.sleep(0.01)


@pytest.fixture
def request_of(db: None) -> Iterator[Callable[..., DatabaseWrapper]]:
    """What the thread of one more request has: a wrapper of its own around the process's one pool."""

    def make(**options: Any) -> DatabaseWrapper:
        known = connection.settings_dict["OPTIONS"] | {"application_name": ALIAS}
        shared = {"CONN_MAX_AGE": 0, "OPTIONS": known, "POOL_OPTIONS": options}
        made.append(DatabaseWrapper(connection.settings_dict | shared, alias=ALIAS))
        return made[-1]

    made: list[DatabaseWrapper] = []
    yield make
    for wrapper in made:
        wrapper.close()
    pool_container.pop(ALIAS).dispose()


def backend(wrapper: DatabaseWrapper) -> int:
    """One request: which of PostgreSQL's processes answered it."""
    with closing(wrapper), wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


# --- The edges, one at a time ---------------------------------------------------------------------


def test_used_up_pool_says_so_after_its_timeout_as_an_error_of_djangos(request_of: Callable[..., Any]) -> None:
    knobs = {"POOL_SIZE": 1, "MAX_OVERFLOW": 0, "TIMEOUT": 0.2}
    request_of(**knobs).connect()
    started = time.monotonic()
    with pytest.raises(PoolExhausted, match="DB_POOL_TIMEOUT"):
        request_of().connect()
    assert 0.2 <= time.monotonic() - started < 2


@pytest.mark.req("A30", "B64")
def test_connection_beyond_its_age_is_replaced(request_of: Callable[..., Any]) -> None:
    wrapper = request_of(POOL_SIZE=1, RECYCLE=0.3)
    first, again = backend(wrapper), backend(wrapper)
    time.sleep(0.35)
    assert (first == again, first == backend(wrapper)) == (True, False)


@pytest.mark.req("A30", "B63")
def test_broken_connection_is_found_before_use(request_of: Callable[..., Any], watcher: Any) -> None:
    wrapper = request_of(POOL_SIZE=1, PRE_PING=True)
    broken = backend(wrapper)
    terminate(watcher)
    assert backend(wrapper) != broken


def test_without_pre_ping_the_next_request_pays_for_it(request_of: Callable[..., Any], watcher: Any) -> None:
    wrapper = request_of(POOL_SIZE=1, PRE_PING=False)
    backend(wrapper)
    terminate(watcher)
    with pytest.raises((OperationalError, InterfaceError)) as raised:
        backend(wrapper)
    assert database_is_away(raised.value)


@pytest.mark.req("A30", "B63")
def test_so_it_is_without_the_pool(watcher: Any) -> None:
    wrapper = connection.copy("alone")
    wrapper.settings_dict["OPTIONS"] = connection.settings_dict["OPTIONS"] | {"application_name": ALIAS}
    wrapper.connect()
    terminate(watcher)
    wrapper.close_if_unusable_or_obsolete()  # what the beginning of the next request does
    assert backend(wrapper)


@pytest.mark.req("B64", "B65", "B66", "B67")
def test_unset_they_are_what_the_requirements_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_POOL", "1")
    known = {"POOL_SIZE": 10, "MAX_OVERFLOW": 20, "TIMEOUT": 30, "RECYCLE": 300, "PRE_PING": True}
    assert as_read()["POOL_OPTIONS"] == known


def as_read() -> dict[str, Any]:
    """The database as the settings make it of the environment now."""
    read: dict[str, Any] = runpy.run_path(str(settings.BASE_DIR / "project" / "settings.py"))["DATABASES"]["default"]
    return read


@pytest.mark.req("A27", "A28", "A29", "A30")
def test_settings_of_the_environment_reach_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"SIZE": 3, "MAX_OVERFLOW": 4, "TIMEOUT": 0.5, "RECYCLE": 60, "PRE_PING": False}
    monkeypatch.setenv("DB_POOL", "1")
    for name, value in values.items():
        monkeypatch.setenv(f"DB_POOL_{name}", str(value))
    read = as_read()
    known = {name.removeprefix("POOL_"): value for name, value in read["POOL_OPTIONS"].items()}
    assert (read["ENGINE"], known) == ("project.pool", values)


# --- Other processes, other databases ---------------------------------------------------------------


def test_forked_child_takes_no_connection_of_its_parents(request_of: Callable[..., Any]) -> None:
    """Celery's prefork children: two processes on one socket would read each other's answers."""
    ours = backend(request_of(POOL_SIZE=1))
    read, write = os.pipe()
    if not os.fork():
        try:
            os.write(write, str(backend(request_of())).encode())
        finally:
            os._exit(0)
    os.wait()
    theirs = int(os.read(read, 20) or 0)
    assert theirs not in {0, ours}
    assert backend(request_of()) == ours


def test_a_read_of_one_state_goes_back_to_the_pool_as_it_came(
    request_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = request_of(POOL_SIZE=1)
    monkeypatch.setattr("perf.isolation.transaction.get_connection", lambda: wrapper)
    isolation = "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    for block, expected in ((one_state(), ("repeatable read", "on")), (nullcontext(), ("read committed", "off"))):
        with closing(wrapper), block, wrapper.cursor() as cursor:
            cursor.execute(isolation)
            assert cursor.fetchone() == expected


def test_test_database_never_meets_the_pool_of_the_real_one(request_of: Callable[..., Any]) -> None:
    wrapper = request_of(POOL_SIZE=1)
    wrapper.settings_dict["TEST"] = {**wrapper.settings_dict["TEST"], "NAME": f"{wrapper.settings_dict['NAME']}_pool"}
    backend(wrapper)
    name = wrapper.creation._create_test_db(verbosity=0, autoclobber=True)
    try:
        wrapper.settings_dict["NAME"] = name
        with closing(wrapper), wrapper.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            assert cursor.fetchone() == (name,)
    finally:
        wrapper.creation._destroy_test_db(name, verbosity=0)


# --- The real server --------------------------------------------------------------------------------

SERVER = "the pooled server"


@pytest.fixture(scope="module")
def pooled(django_db_setup: None) -> Iterator[Any]:
    """The web server with a pool of one connection, and one more in a burst, for which requests wait half a second."""
    knobs = {"DB_POOL_SIZE": "1", "DB_POOL_MAX_OVERFLOW": "1", "DB_POOL_TIMEOUT": "0.5"}
    process = processes.start_server(
        DATABASE_URL=address(SERVER.replace(" ", "%20")), DB_POOL="1", GRANIAN_BLOCKING_THREADS="8", **knobs
    )
    yield process
    process.stop()


@dataclass
class Answer:
    """What one request got, and after how many seconds."""

    path: str
    status: int
    headers: Any
    body: str
    seconds: float


def ask(url: str, path: str) -> Answer:
    """Ask with a session's cookie, so that a middleware needs the database before any view does."""
    started = time.monotonic()
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=20)) as line:
        line.request("GET", path, headers={"Cookie": "session=nobodys0nobodys0nobodys0nobodys0"})
        got = line.getresponse()
        status, headers, body = got.status, got.headers, got.read()
    return Answer(path, status, headers, body.decode(), time.monotonic() - started)


@dataclass
class Burst:
    """Six requests at once while the table of sessions is shut: who was served, who refused, on which connections."""

    served: list[Answer]
    refused: list[Answer]
    during: int
    kept: int


@pytest.fixture(scope="module")
def burst(pooled: Any) -> Burst:
    with closing(psycopg2.connect(address())) as seen, ThreadPoolExecutor(6) as people:
        watcher, shut = seen.cursor(), psycopg2.connect(address())
        shut.cursor().execute("LOCK TABLE django_session")
        asking = [people.submit(ask, pooled.url, path) for path in ("/accounts/", "/api/summary") * 3]
        deadline = time.monotonic() + 10
        while sum(each.done() for each in asking) < 4 and time.monotonic() < deadline:
            time.sleep(0.02)
        during = number(watcher, WAITING, SERVER)
        most = number(watcher, COUNT, SERVER)
        shut.close()
        answers = [each.result() for each in asking]
        assert during == most
        return Burst(
            served=[each for each in answers if each.status != 503],
            refused=[each for each in answers if each.status == 503],
            during=most,
            kept=_settled(watcher),
        )


def _settled(watcher: Any) -> int:
    """How many connections are left when the burst is over: PostgreSQL takes a moment to see one go."""
    deadline = time.monotonic() + 5
    while (left := number(watcher, COUNT, SERVER)) > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


@pytest.mark.req("A27", "A28", "B65", "B66")
def test_burst_is_served_by_size_and_overflow_and_no_connection_more(burst: Burst) -> None:
    assert (burst.during, len(burst.served)) == (2, 2)
    assert {answer.status for answer in burst.served} <= {302, 401}


@pytest.mark.req("A27", "B65")
def test_size_is_what_stays_open_after_the_burst(burst: Burst) -> None:
    assert burst.kept == 1


@pytest.mark.req("A28", "A29", "B67")
def test_those_beyond_wait_as_long_as_the_timeout_says(burst: Burst) -> None:
    assert len(burst.refused) == 4
    assert all(0.5 <= answer.seconds < 10 for answer in burst.refused)


@pytest.mark.req("A29", "B67")
@pytest.mark.parametrize(("path", "form"), [("/accounts/", "text/html"), ("/api/summary", "application/json")])
def test_used_up_pool_answers_503_and_when_to_come_back(burst: Burst, path: str, form: str) -> None:
    refused = [answer for answer in burst.refused if answer.path == path]
    assert refused
    for answer in refused:
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Content-Type"].startswith(form)
        assert "not answering" in answer.body


@pytest.mark.req("B63")
def test_server_whose_connections_all_broke_answers_the_next_request(pooled: Any, burst: Burst, watcher: Any) -> None:
    terminate(watcher, SERVER)
    assert ask(pooled.url, "/accounts/").status == 302  # to the sign-in page
