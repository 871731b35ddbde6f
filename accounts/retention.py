"""How long accounts and their changes are kept; what can be undone no more is dropped where the next one begins."""

from __future__ import annotations

from collections.abc import Iterator

from perf.expiring import Expired

KEPT = {
    "accounts.Account": "for good: its figures are",
    "accounts.Organization": "for good: its accounts are",
    "accounts.FormerHandle": "for good: old addresses lead on",
    "accounts.Tag": "what people wrote",
    "accounts.AccountTag": "with its account",
    "accounts.RosterImport": "imports for good, undone within 24 hours; lines and what was only checked: 24 hours",
    "accounts.RosterChange": "with its import",
    "accounts.BulkEdit": "a day, until the next edit; undone within 10 minutes, the audit log keeps who did what",
    "accounts.BulkEditPart": "with its edit",
}


def expired() -> Iterator[Expired]:
    """Nothing."""
    yield from ()
