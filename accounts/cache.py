"""Which cached answers an account's change makes stale."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from perf.cache import Family

ACCOUNTS = Family("accounts", timeout=settings.CACHE_TTL_ACCOUNTS)
"""Lists of accounts, and all that shows an account's name, organisation or state."""

ACCOUNT = Family("account", timeout=settings.CACHE_TTL_ACCOUNTS)
"""One account's own details: ACCOUNT.of(str(account_id))."""


def families_of(ids: Iterable[int]) -> list[Family]:
    """Everything that a change to the accounts `ids` makes stale in this app; what depends on it follows."""
    return [ACCOUNTS, *(ACCOUNT.of(str(account_id)) for account_id in ids)]
