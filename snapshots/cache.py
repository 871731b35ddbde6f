"""Which cached answers a new or changed figure makes stale."""

from __future__ import annotations

from django.conf import settings

from accounts.cache import ACCOUNTS
from perf.cache import Family

SUMMARY = Family("summary", timeout=settings.CACHE_TTL_SUMMARY, depends_on=(ACCOUNTS,))
GRID = Family("grid", timeout=settings.CACHE_TTL_GRID, depends_on=(ACCOUNTS,))
HISTORY = Family("history", timeout=settings.CACHE_TTL_HISTORY, depends_on=(ACCOUNTS,))
"""One account's history: HISTORY.of("platform:handle_key")."""
