"""Made-up figures for trying the product at size: curves with gaps, doubts and rounded counts, the same for a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from math import sin, tau
from random import Random
from typing import Any

from django.db import connection, transaction

from accounts.models import Account
from accounts.seeding import put_tags
from perf.clock import today
from perf.copying import fill
from snapshots import statements
from snapshots.models import CHANGES, FIGURES, DailyTotal, Quality, Snapshot, Source, forget_figures
from snapshots.totals import Tallies

Gives = Mapping[str, Sequence[str]]
"""Which figures each platform says."""

COLUMNS = ("account_id", "date", "observed_at", "source", "quality", *FIGURES)
SEEN_AT = time(4, 0, tzinfo=UTC)
MOST_FOLLOWERS = 40_000_000
_SIMULATED, _PUBLISHED, _SUSPECT = Source.SIMULATED.value, Quality.PUBLISHED.value, Quality.SUSPECT.value

# Shares of accounts or of their days.
ADDED_LATER, BLOCKED_BEGINS, BLOCKED_GOES_ON, SUSPECT, PLATFORM_BLOCKED = 0.1, 0.005, 0.6, 0.0005, 0.004
WEEK = [sin(tau * day / 7) for day in range(7)]


@dataclass(slots=True)
class Curve:
    """What an account's days are drawn with."""

    chance: Random
    first: int  # the first day that has a figure
    end: int  # the day after the last one
    size: float
    growth: float  # per day
    phase: int
    engagement: float  # share of followers who react to a day's posts
    still: dict[str, int]  # counts at the first day
    pace: dict[str, float]  # how much they grow a day


@dataclass(slots=True)
class Drawn:
    """The rows of some accounts, without their ids, and what follows from them."""

    rows: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)  # place and the rest of COLUMNS, by day
    days: Counter[int] = field(default_factory=Counter)  # how many days are published, by place
    totals: Tallies = field(default_factory=Tallies)


def store(accounts: Sequence[Account], days: int, seed: int, gives: Gives) -> int:
    """Store new `accounts`, not stored yet, with figures of the `days` up to yesterday; how many rows.

    One transaction, after which latest rows and totals are what recording would have made of these figures.
    """
    drawn = _draw(accounts, days, seed, gives)
    with transaction.atomic():
        stored = Account.objects.bulk_create(accounts, batch_size=500)
        ids = [account.pk for account in stored]
        put_tags(stored, seed)
        forget_figures(ids)
        fill(Snapshot, COLUMNS, [(ids[place], *rest) for place, rest in drawn.rows])
        DailyTotal.objects.add(drawn.totals)
        statements.insert_latest(ids)
        statements.refresh_latest({ids[place]: count for place, count in drawn.days.items()}, CHANGES)
    return len(drawn.rows)


def _draw(accounts: Sequence[Account], days: int, seed: int, gives: Gives) -> Drawn:
    """All rows of `accounts`, day by day as gathering would have written them."""
    dates = [today() - timedelta(days=days - number) for number in range(days)]
    written = [_written(day) for day in dates]
    blocked = {name: _blocked(seed, name, days) for name in {account.platform for account in accounts}}
    by_day: list[list[tuple[int, tuple[Any, ...]]]] = [[] for _ in dates]
    drawn = Drawn()
    for place, account in enumerate(accounts):
        curve = _curve(seed, account, days)
        published: list[tuple[date, int | None]] = []
        for day, quality, figures in _days(curve, gives[account.platform]):
            if day in blocked[account.platform]:
                continue
            by_day[day].append((place, (*written[day], _SIMULATED, quality, *map(figures.get, FIGURES))))
            if quality is _PUBLISHED:
                published.append((dates[day], figures["followers"]))
        drawn.days[place] = len(published)
        drawn.totals.count(account, published)
        drawn.totals.known[account.platform] += bool(published)
    drawn.rows = list(chain.from_iterable(by_day))
    return drawn


def _written(day: date) -> tuple[str, str]:
    """`day` and the moment at which its figures were seen, as this database takes them in bulk."""
    seen = Snapshot._meta.get_field("observed_at").get_db_prep_save(datetime.combine(day, SEEN_AT), connection)
    return day.isoformat(), str(seen)


def _blocked(seed: int, platform: str, days: int) -> set[int]:
    """The days on which the whole platform answered nothing."""
    chance = Random(f"blocked {seed} {platform}")  # noqa: S311  # nothing secret
    return {day for day in range(days) if chance.random() < PLATFORM_BLOCKED}


def _curve(seed: int, account: Account, days: int) -> Curve:
    chance = Random(f"curve {seed} {account.handle_key} {account.platform}")  # noqa: S311  # nothing secret
    size = min(300 / (1 - chance.random()) ** 0.9, MOST_FOLLOWERS)  # Zipf's law over the whole registry
    posts = chance.randint(100, 10_000)
    return Curve(
        chance,
        first=chance.randrange(days) if chance.random() < ADDED_LATER else 0,
        end=days if account.is_active else chance.randint(days // 2, days),
        size=size,
        growth=chance.uniform(-0.0002, 0.0012),
        phase=chance.randrange(7),
        engagement=chance.uniform(0.001, 0.013),
        still={
            "following": chance.randint(20, 900),
            "listed": int(size * 0.003),
            "posts": posts,
            "videos": posts // 12,
            "total_video_views": int(size * 40),
        },
        pace={
            "following": 0.03,
            "listed": 0.03,
            "posts": (rate := chance.uniform(0.2, 4)),
            "videos": rate / 12,
            "total_video_views": size * chance.uniform(0.02, 0.2),
        },
    )


def _days(curve: Curve, said: Sequence[str]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Day, quality and figures of each day that has any; of the counts that grow those that are `said`."""
    random, level, is_blocked = curve.chance.random, curve.size, False
    steady = [(name, curve.still[name], curve.pace[name]) for name in said if name in curve.still]
    for day in range(curve.first, curve.end):
        week = WEEK[(day + curve.phase) % 7]
        level *= 1 + curve.growth + 0.001 * (random() - 0.5)
        is_blocked = random() < (BLOCKED_GOES_ON if is_blocked else BLOCKED_BEGINS)
        if is_blocked:
            continue
        followers, quality = int(level * (1 + 0.0008 * week)), _PUBLISHED
        if random() < SUSPECT:
            followers, quality = 3 * followers + 2_000, _SUSPECT
        reacting = level * curve.engagement * (1 + 0.5 * week)
        likes, comments, shares = int(reacting), int(reacting * 0.06), int(reacting * 0.09)
        figures: dict[str, Any] = {
            "followers": followers,
            "followers_rounded": False,
            "likes": likes,
            "comments": comments,
            "shares": shares,
            "engagements": likes + comments + shares,
        }
        for name, still, pace in steady:
            figures[name] = still + int(day * pace)
        if "followers_rounded" in said:
            figures |= {"followers": _rounded(followers), "followers_rounded": followers >= 1_000}
        yield day, quality, figures


def _rounded(count: int) -> int:
    """`count` with all but its first three digits set to zero, as YouTube gives it."""
    step = int(10 ** max(0, len(str(count)) - 3))
    return count // step * step
