"""How long accounts and their changes are kept: for good, because they can be undone and are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from perf.expiring import Expired

KEPT = {
    "accounts.Account": "for good: its figures are",
    "accounts.Organization": "for good: its accounts are",
    "accounts.FormerHandle": "for good: old addresses lead on",
    "accounts.Tag": "what people wrote",
    "accounts.AccountTag": "with its account",
    "accounts.RosterImport": "for good: an import can be undone",
    "accounts.RosterChange": "with its import",
    "accounts.BulkEdit": "for good: an edit can be undone",
    "accounts.BulkEditPart": "with its edit",
}


def expired() -> Iterator[Expired]:
    """Nothing."""
    yield from ()
