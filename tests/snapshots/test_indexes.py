from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet

from accounts.models import Account, Organization
from perf import clock
from snapshots.models import LatestSnapshot, Snapshot
from snapshots.rollups import recompute
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TODAY = clock.today()
# SQLite keeps a constraint's own name to itself and shows that of the index it made for it.
NAMED_IN_PLANS = {"postgresql": "ix_fact_snapshot_account_date", "sqlite": "sqlite_autoindex_snapshots_snapshot_1"}


@pytest.fixture
def filled() -> list[int]:
    """Enough rows for an index to be worth its while: 60 accounts of 60 days, statistics up to date."""
    accounts = [factories.account(handle=f"h{n}", organization=factories.organization("Office")) for n in range(60)]
    Snapshot.objects.bulk_create(
        Snapshot(
            account=account,
            date=TODAY - dt.timedelta(days=ago),
            observed_at=clock.now(),
            source="observed",
            followers=ago,
        )
        for account in accounts
        for ago in range(60)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return [account.pk for account in accounts]


def indexes(model: Any) -> dict[str, list[str]]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return {name: made["columns"] for name, made in found.items() if made["index"] or made["unique"]}


def plan(rows: QuerySet[Any, Any]) -> str:
    return str(rows.explain())


@pytest.mark.req("A19", "A20", "A21")
def test_snapshots_have_their_indexes_once() -> None:
    found = indexes(Snapshot)
    assert found["ix_fact_snapshot_account_date"] == ["account_id", "date"]
    assert found["ix_fact_snapshot_date"] == ["date", "account_id"]
    leading = [columns for name, columns in found.items() if "to_judge" not in name]
    assert len({tuple(columns) for columns in leading}) == len(leading)


@pytest.mark.req("A21")
def test_history_is_read_through_the_index(filled: list[int]) -> None:
    rows = Snapshot.objects.filter(account_id=filled[7], quality__in=["published", "suspect"]).order_by("date")
    assert NAMED_IN_PLANS[connection.vendor] in plan(rows)


@pytest.mark.req("A20")
def test_latest_date_is_read_from_the_end_of_the_index(filled: list[int]) -> None:
    found = plan(Snapshot.objects.order_by("-date").values_list("date")[:1])
    assert "ix_fact_snapshot_date" in found
    assert "Backward" in found or "COVERING INDEX" in found


def test_grid_order_is_the_indexs_own(filled: list[int]) -> None:
    rows = Snapshot.objects.published().order_by("-date", "-account_id")
    found = plan(rows.values_list("account__handle", "date", "followers")[:50])
    assert "ix_fact_snapshot_date" in found
    assert "Sort" not in found
    assert "TEMP B-TREE" not in found


def test_latest_rows_sort_by_followers_through_an_index() -> None:
    assert indexes(LatestSnapshot)["ix_latest_followers"] == ["followers", "account_id"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.req("A22")
def test_indexes_come_and_go_on_a_filled_table() -> None:
    owner = Organization.objects.create(name="Office")
    account = Account.objects.create(platform="x", handle="a", organization=owner)
    factories.snapshot(account)
    try:
        migrate("0001_initial")
        assert "ix_fact_snapshot_account_date" not in indexes(Snapshot)
        assert Snapshot.objects.count() == 1
    finally:
        migrate_fully()
    assert {"ix_fact_snapshot_account_date", "ix_fact_snapshot_date", "ix_latest_followers"} <= (
        indexes(Snapshot).keys() | indexes(LatestSnapshot).keys()
    )
    assert Snapshot.objects.get().account_id == account.pk
    assert not recompute(write=False)  # the totals that were filled on the way


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("snapshots", name)])


def migrate_fully() -> None:
    """Leave the tables to the next test as they belong."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
