"""What a change in the registry means for figures: totals move with the account, a deleted one leaves them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import Account
from accounts.signals import accounts_changed
from perf.cache import forget
from snapshots.cache import GRID, SUMMARY, history_of
from snapshots.models import LatestSnapshot, Snapshot, forget_figures, recount

COUNTED_BY = {"platform", "organization", "organization_id", "is_active"}
"""Fields of an account that say in which totals its figures are counted."""


@receiver(accounts_changed)
def move_totals(
    *, ids: Collection[int], fields: Collection[str], old_handles: Mapping[int, tuple[str, str]], **_: Any
) -> None:
    """Count changed accounts where they belong now, and forget the addresses their histories had."""
    forget(SUMMARY, GRID, *(history_of(platform, key) for platform, key in (old_handles or {}).values()))
    if COUNTED_BY & set(fields):
        with transaction.atomic():
            LatestSnapshot.objects.hold(ids)


@receiver(pre_delete, sender=Account)
def leave_totals(*, instance: Account, **_: Any) -> None:
    """Take a deleted account's figures out of the totals; its rows go with it."""
    with transaction.atomic():
        rows = LatestSnapshot.objects.hold([instance.pk])
        forget_figures(rows)
        recount(rows, Snapshot.objects.counted(rows), {})
