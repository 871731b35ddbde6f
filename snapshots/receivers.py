"""What a change in the registry means for figures: totals move with the account, a deleted one leaves them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from accounts.signals import accounts_changed, figures_asked
from perf.cache import forget
from snapshots import statements
from snapshots.cache import history_of
from snapshots.models import LatestSnapshot, Note, Snapshot, forget_figures
from snapshots.totals import recount

COUNTED_BY = {"platform", "organization", "organization_id", "is_active"}
"""Fields of an account that say in which totals its figures are counted."""


@receiver(accounts_changed)
def follow_accounts(
    *, ids: Collection[int], fields: Collection[str], old_handles: Mapping[int, tuple[str, str]], **_: Any
) -> None:
    """Count changed accounts where they belong now, deleted ones no more, and forget what shows them.

    A new one gets its latest row at once: pages count accounts by these.
    """
    forget_figures(ids)
    forget(*(history_of(platform, key) for platform, key in old_handles.values()))
    if "created" in fields:
        statements.insert_latest(list(ids))
    elif "deleted" in fields:
        _leave_totals(ids)
    elif COUNTED_BY & set(fields):
        with transaction.atomic():
            LatestSnapshot.objects.hold(ids)


@receiver(figures_asked)
def tell_figures(*, ids: Collection[int], **_: Any) -> set[int]:
    """Those of the accounts `ids` that have a figure of any day, published or not, or an editor's note."""
    models = (Snapshot, Note)
    rows = (model._base_manager.filter(account__among=ids).order_by().values_list("account_id") for model in models)
    return {account for found in rows for (account,) in found.distinct()}


def _leave_totals(ids: Collection[int]) -> None:
    """Take the figures of accounts that are about to be deleted out of the totals; their rows go with them."""
    with transaction.atomic():
        rows = LatestSnapshot.objects.hold(ids)
        recount(rows, Snapshot.objects.published_followers(rows), {})
