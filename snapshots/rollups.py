"""Latest rows and daily totals made anew from the snapshots, for when something wrote past the product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import Count

from accounts.models import Account
from perf.cache import forget
from snapshots import statements
from snapshots.cache import GRID, HISTORY, SUMMARY
from snapshots.models import DailyTotal, LatestSnapshot, PlatformAccounts, PlatformTotal, Snapshot

CHUNK = 5_000
"""Accounts whose latest rows are worked out at a time."""
TABLES = (LatestSnapshot, DailyTotal, PlatformTotal, PlatformAccounts)


@dataclass(frozen=True, slots=True)
class Drift:
    """How many latest rows and totals were wrong, missing or too many."""

    latest: int
    totals: int

    def __bool__(self) -> bool:
        return bool(self.latest or self.totals)


def recompute(*, write: bool = True) -> Drift:
    """Make the tables anew from the snapshots and say how far they were off; without `write` all stays as it was.

    All writers of figures wait meanwhile: seconds per million snapshots.
    """
    with transaction.atomic():
        ids = list(Account.objects.order_by("pk").values_list("pk", flat=True))
        statements.share_accounts(ids)  # before their latest rows, as all writers lock
        list(LatestSnapshot.objects.order_by("account_id").select_for_update().values_list("pk"))
        before = [_contents(model) for model in TABLES]
        _rebuild(ids)
        after = [_contents(model) for model in TABLES]
        if write:
            forget(SUMMARY, GRID, HISTORY)
        else:
            transaction.set_rollback(True)
    latest, *totals = (_differing(*pair) for pair in zip(before, after, strict=True))
    return Drift(latest, sum(totals))


def _rebuild(ids: list[int]) -> None:
    for start in range(0, len(ids), CHUNK):
        rows = LatestSnapshot.objects.hold(ids[start : start + CHUNK])
        published = Snapshot.objects.published().filter(account__among=rows).values_list("account_id")
        days = dict(published.annotate(Count("pk")).order_by())
        for row in rows.values():
            row.days = days.get(row.account_id, 0)
        LatestSnapshot.objects.refresh(rows)
    statements.rebuild_totals()


def _contents(model: type[models.Model]) -> dict[Any, Any]:
    """All rows by what identifies them; a latest row without figures says nothing."""
    if model is LatestSnapshot:
        return {row["account_id"]: row for row in LatestSnapshot.objects.known().values()}
    rows = model._default_manager.values()
    return {(row.get("date"), row["platform"], row.get("organization_id")): row | {"id": None} for row in rows}


def _differing(before: dict[Any, Any], after: dict[Any, Any]) -> int:
    return sum(before.get(key) != after.get(key) for key in before.keys() | after.keys())
