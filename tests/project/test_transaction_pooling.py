"""What pgbouncer's transaction pooling asks of the product: nothing of a session outlives its transaction."""

from __future__ import annotations

import datetime as dt
import runpy
from typing import Any

import pytest
from django.db import connection

from perf import clock
from perf.cache import cached
from snapshots.cache import SUMMARY
from snapshots.exports.filters import ExportFilters
from snapshots.exports.streams import stream
from snapshots.models import Snapshot
from snapshots.recording import Sighting, record
from snapshots.summary import SummaryFilters, summary_list
from tests import factories

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL has sessions"),
    pytest.mark.django_db(transaction=True),
]
LEFT = {
    "temporary tables": "SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'",
    "prepared statements": "SELECT name FROM pg_prepared_statements",
    "cursors": "SELECT name FROM pg_cursors WHERE name <> ''",
    "channels": "SELECT pg_listening_channels()",
    "advisory locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    # pgbouncer carries these three from session to session by itself
    "settings": """SELECT name FROM pg_settings WHERE source = 'session'
                   AND name NOT IN ('TimeZone', 'client_encoding', 'application_name')""",
}


def left() -> dict[str, list[Any]]:
    """What this session keeps now, by kind."""
    found = {}
    with connection.cursor() as cursor:
        for kind, query in LEFT.items():
            cursor.execute(query)
            if rows := cursor.fetchall():
                found[kind] = rows
    return found


@pytest.fixture
def pooling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database as DB_TRANSACTION_POOLING=1 sets it up."""
    monkeypatch.setenv("DB_TRANSACTION_POOLING", "1")
    read = runpy.run_path("project/settings.py")["DATABASES"]["default"]
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", read["DISABLE_SERVER_SIDE_CURSORS"])


def test_recording_and_exporting_keep_nothing_in_the_session(pooling: None) -> None:
    accounts = [factories.account() for _ in range(3)]
    day, at = dt.date(2026, 11, 20), clock.now()
    for ago in (1, 0):  # the first day and an ordinary new one are written differently
        days = day - dt.timedelta(days=ago)
        record([Sighting(account.pk, days, at, "observed", 1_000) for account in accounts])
        assert left() == {}
    pieces = iter(stream("csv", ExportFilters(), factories.user("viewer")).streaming_content)
    first = next(pieces)  # in the middle of the file another request may get this session
    assert left() == {}
    assert (first + b"".join(pieces)).count(b"\n") == 7


def test_an_answer_of_one_state_keeps_nothing_in_the_session(pooling: None) -> None:
    viewer = factories.user("viewer")
    answer = cached(SUMMARY, "summary", lambda: summary_list(SummaryFilters(), viewer))
    assert (answer.value, answer.state) == (b"[]", "MISS")
    assert left() == {}


def test_without_it_a_long_read_holds_a_cursor_of_the_servers() -> None:
    """What the setting is for, and proof that the look into the session would see one."""
    account = factories.account()
    record([Sighting(account.pk, dt.date(2026, 11, 20), clock.now(), "observed", 1_000)])
    rows = Snapshot.objects.iterator(chunk_size=1)
    next(rows)
    assert list(left()) == ["cursors"]
    rows.close()
