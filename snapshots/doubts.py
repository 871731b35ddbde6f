"""When a number of followers is doubted, and what confirms it: pure rules."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

LEAP = 1_000
"""Followers an account may always gain or lose in a day without being doubted …"""
LEAP_PERCENT = 50
"""… or this share of what it had, whichever is more."""
BATCH_FALL_PERCENT = 20
"""A platform's accounts together falling by more than this in one batch is the platform's doing, not theirs."""
CONFIRMED_WITHIN_PERCENT = 5
CONFIRMED_AFTER = timedelta(minutes=30)
CONFIRMED_BEFORE = timedelta(days=7)
"""A doubted reading older than this confirms nothing any more."""


def is_leap(before: int, after: int, *, days: int) -> bool:
    """Whether going from `before` to `after` followers in `days` (at least 1) is more than accounts do."""
    return abs(after - before) > max(LEAP, before * LEAP_PERCENT / 100) * max(days, 1)


def fell_together(changes: Collection[tuple[int, int]]) -> bool:
    """Whether two or more accounts' (before, after) followers fell by more than a fifth in sum."""
    before, after = sum(b for b, _ in changes), sum(a for _, a in changes)
    return len(changes) > 1 and after * 100 < before * (100 - BATCH_FALL_PERCENT)


def is_close(first: int, second: int) -> bool:
    """Whether `second` is within 5 % of `first`."""
    return abs(second - first) * 100 <= first * CONFIRMED_WITHIN_PERCENT


def confirms(first: int, first_at: datetime, second: int, second_at: datetime) -> bool:
    """Whether a second reading is close to the first one and late enough, but not too late, to be another witness."""
    return is_close(first, second) and CONFIRMED_AFTER <= second_at - first_at <= CONFIRMED_BEFORE
