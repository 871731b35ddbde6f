"""What the registry tells the apps above it, and the one function every write tells it through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

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


figures_asked = Signal()
"""Asks the apps above which of the accounts `ids` have figures or notes; each receiver answers with a set of ids."""

_leaving: ContextVar[frozenset[int]] = ContextVar("accounts_leaving", default=frozenset())


def with_figures(ids: Collection[int]) -> set[int]:
    """Those of the accounts `ids` that any app above has figures of, or notes on."""
    answers: list[tuple[object, set[int]]] = figures_asked.send(sender=None, ids=ids)  # type: ignore[assignment]  # Django's stubs say str
    return {account_id for _, found in answers for account_id in found}


@contextmanager
def announced_as_leaving(ids: Collection[int]) -> Iterator[None]:
    """While this lasts, the deletion of the accounts `ids` has been announced and is not announced one by one."""
    token = _leaving.set(frozenset(ids))
    try:
        yield
    finally:
        _leaving.reset(token)


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


def announce_leaving(account_id: int, organization_id: int) -> None:
    """Announce that one account is about to be deleted, unless that was said of it together with others."""
    if account_id not in _leaving.get():
        announce([account_id], {"deleted"}, old_organizations={account_id: organization_id})
