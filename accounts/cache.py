"""Which cached answers an account's change makes stale."""

from __future__ import annotations

from django.conf import settings

from perf.cache import Family

ACCOUNTS = Family("accounts", timeout=settings.CACHE_TTL_ACCOUNTS)
"""Lists of accounts, and all that shows an account's name, organisation or state."""

ACCOUNT = Family("account", timeout=settings.CACHE_TTL_ACCOUNTS)
"""One account's own details: ACCOUNT.of(str(account_id))."""
