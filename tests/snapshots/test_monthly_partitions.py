"""The table of figures by month, made as docs/operations.md says: the product works on it as on the plain one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Index, Q

from benchmarks.partitions import psql
from perf.operations import AddConstraintOnline, AddIndexOnline
from snapshots.grid import GridFilters, grid_page
from snapshots.history import HistoryFilters, history_of_account
from snapshots.judging import Ticket, judge_waiting
from snapshots.models import JudgedFigure, LatestSnapshot, Snapshot
from snapshots.rollups import recompute
from tests import factories
from tests.snapshots.worlds import TODAY, a_history, days_ago, see

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no partitions")
NEXT_MONTH = (TODAY.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def partitions() -> dict[str, int]:
    """How many rows each has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('snapshots_snapshot') WHERE isleaf")
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608  # its own names
            found[name] = cursor.fetchone()[0]
    return found


def operated(operation: Any) -> None:
    """Run a migration's operation there and back."""
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("snapshots", after)
    for way, states in (
        (operation.database_forwards, (before, after)),
        (operation.database_backwards, (after, before)),
    ):
        with connection.schema_editor(atomic=False) as editor:
            way("snapshots", editor, *states)


def test_figures_are_recorded_read_judged_and_migrated_by_months_as_before(restored: None) -> None:
    account = a_history("cdcgov", days=40, ago=1)
    judged = a_history("nasa", days=2, ago=1)
    reader, answers = factories.user("admin"), []
    rows = Snapshot.objects.count()

    def asked() -> tuple[bytes, bytes]:
        return grid_page(GridFilters(), reader), history_of_account(account, HistoryFilters())

    answers.append(asked())
    psql("monthly-partitions.sql")
    psql("coming-months.sql")
    psql("coming-months.sql")  # nothing is left to make
    answers.append(asked())

    assert answers[0] == answers[1]
    assert partitions().pop("snapshots_snapshot_until") == rows
    assert len(partitions()) == 13

    see(account, 5_000)  # a new day, and the same again
    see(account, 5_010)
    see(judged, 90_000)  # doubted: an editor looks
    waiting = Snapshot.objects.get(account=judged, date=TODAY)
    assert judge_waiting([Ticket.of(waiting)], accept=True, by=reader).changed == 1
    factories.snapshot(account, NEXT_MONTH, followers=5_100)
    assert LatestSnapshot.objects.get(account=account).followers == 5_100
    assert not recompute(write=False)
    found = partitions()
    assert found[f"snapshots_snapshot_{NEXT_MONTH:%Y_%m}"] == 1
    assert sum(found.values()) == rows + 3
    with pytest.raises(DatabaseError, match="no partition"):
        factories.snapshot(account, days_ago(-500))

    operated(AddIndexOnline("snapshot", Index(fields=["posts"], name="ix_of_a_later_version")))
    later = CheckConstraint(condition=Q(posts__gte=0) | Q(posts=None), name="of_a_later_version")
    operated(AddConstraintOnline("snapshot", later))
    judged.delete()
    assert not JudgedFigure.objects.exists()
    assert not recompute(write=False)


@pytest.mark.drill
def test_a_month_goes_at_once_and_the_totals_can_be_made_anew(restored: None) -> None:
    psql("monthly-partitions.sql")
    psql("coming-months.sql")
    account = a_history("cdcgov", days=3)
    factories.snapshot(account, NEXT_MONTH, followers=5_100)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE snapshots_snapshot DETACH PARTITION snapshots_snapshot_until CONCURRENTLY")
        cursor.execute("DROP TABLE snapshots_snapshot_until")
    assert recompute()
    latest = LatestSnapshot.objects.get(account=account)
    assert (latest.days, latest.date) == (1, NEXT_MONTH)
