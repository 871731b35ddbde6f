"""Which cached answers a new or changed figure makes stale."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from accounts.cache import ACCOUNTS
from perf.cache import Family

SUMMARY = Family("summary", timeout=settings.CACHE_TTL_SUMMARY, depends_on=(ACCOUNTS,))
"""Latest figures and totals of all accounts."""

GRID = Family("grid", timeout=settings.CACHE_TTL_GRID, depends_on=(ACCOUNTS,))
"""Lists of figures by account and day."""

HISTORY = Family("history", timeout=settings.CACHE_TTL_HISTORY)
"""All histories; one account's is history_of(platform, handle_key). Another account's edit leaves it warm."""


def history_of(platform: str, handle_key: str) -> Family:
    """The family of one account's history; forgetting it leaves the others warm."""
    return HISTORY.of(f"{platform}:{handle_key}")


def histories_of(accounts: Iterable[tuple[str, str]]) -> Family:
    """The family of one answer about several accounts' (platform, handle_key) histories: stale when any of them is."""
    return Family("histories", HISTORY.timeout, tuple(history_of(*account) for account in accounts))


NOTES = Family("notes", timeout=HISTORY.timeout)
"""Editors' notes, of any day and account: they are few and rarely written."""


def annotations_of(accounts: Iterable[tuple[str, str]]) -> Family:
    """The family of what is told of accounts' days: stale when a note, a handle or any history changes."""
    return Family("annotations", HISTORY.timeout, (ACCOUNTS, NOTES, *(history_of(*account) for account in accounts)))
