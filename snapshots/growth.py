"""Growth and rates, worked out when read: a late or corrected figure can never leave a stale one behind.

Definitions as in the application this one replaces; None wherever a figure they need is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date


def follower_growth_absolute(followers: int | None, before: int | None) -> int | None:
    """Followers gained since the last earlier snapshot, that had `before`."""
    return None if followers is None or before is None else followers - before


def follower_growth_rate(followers: int | None, before: int | None, *, first: bool = False) -> float | None:
    """The gain in per cent of what was there `before`, 4 decimals; 0 for an account's first snapshot."""
    if first and followers is not None:
        return 0.0
    if followers is None or not before:
        return None
    return round(100 * (followers - before) / before, 4)


def engagement_rate(engagements: int | None, followers: int | None) -> float | None:
    """Engagements per hundred followers, 4 decimals."""
    return None if engagements is None or not followers else round(100 * engagements / followers, 4)


def posts_per_day(posts: int | None, opened_on: date | None, on: date) -> float | None:
    """All posts over the account's age in days on the day `on` (at least one), 2 decimals."""
    return (
        None
        if posts is None or opened_on is None or on < opened_on
        else round(posts / max((on - opened_on).days, 1), 2)
    )


def average_views_per_video(total_video_views: int | None, videos: int | None) -> float | None:
    """Lifetime views over videos, 2 decimals."""
    return None if total_video_views is None or not videos else round(total_video_views / videos, 2)


def before_each(followers: Iterable[int | None], before: int | None = None) -> Iterator[int | None]:
    """For each day's followers those of the last earlier day that said how many; `before` is what preceded them."""
    for count in followers:
        yield before
        before = count if count is not None else before
