"""Which cached answers an account's change makes stale."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings

from perf.cache import Family

MANY = 50  # more accounts than this in one write: forget every account's details rather than each one's

ACCOUNTS = Family("accounts", timeout=settings.CACHE_TTL_ACCOUNTS)
"""Lists of accounts, and all that shows an account's name, organisation or state."""

EVERY_ACCOUNT = Family("every-account", timeout=settings.CACHE_TTL_ACCOUNTS)
"""What forgets all accounts' details at once, after a bulk write."""

ACCOUNT = Family("account", timeout=settings.CACHE_TTL_ACCOUNTS, depends_on=(EVERY_ACCOUNT,))
"""One account's own details: ACCOUNT.of(str(account_id))."""


def families_of(ids: Collection[int]) -> list[Family]:
    """Everything that a change to the accounts `ids` makes stale in this app; what depends on it follows."""
    if len(ids) > MANY:
        return [ACCOUNTS, EVERY_ACCOUNT]
    return [ACCOUNTS, *(ACCOUNT.of(str(account_id)) for account_id in ids)]
