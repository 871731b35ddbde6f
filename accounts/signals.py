"""What the registry tells the apps above it, and the one function every write tells it through."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django.dispatch import Signal

from accounts.cache import families_of
from perf.cache import forget

accounts_changed = Signal()
"""Sent by every write to accounts, in its transaction.

Arguments: ids (list of account ids), fields (set of changed field names; {"created"} or {"deleted"} instead where
rows come or go, {"organization_name"} where only the organisation's name changed), old_handles (dict id → (platform,
old handle_key)), old_organizations (dict id → the organisation's id before a move or a deletion).
"deleted" is sent just before the rows go, so that receivers can still read them.
"""


def announce(
    ids: Collection[int],
    fields: Collection[str],
    *,
    old_handles: Mapping[int, tuple[str, str]] | None = None,
    old_organizations: Mapping[int, int] | None = None,
) -> None:
    """Forget what the change makes stale and send `accounts_changed`; call it inside the writing transaction."""
    if not ids:
        return
    forget(*families_of(ids))
    accounts_changed.send(
        sender=None,
        ids=list(ids),
        fields=set(fields),
        old_handles=dict(old_handles or {}),
        old_organizations=dict(old_organizations or {}),
    )
