"""Followers day by day, of platforms, organisations or all: with gaps, over accounts that come and go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from operator import add, sub
from typing import Any

from django.db.models import Case, QuerySet, Sum, When

from accounts.models import Organization
from accounts.platforms import PLATFORMS
from snapshots.models import DailyTotal, PlatformTotal
from snapshots.periods import ONE_DAY, Period
from snapshots.statements import TALLY
from snapshots.thinning import fewest, thin

SEEN = 0.5  # a day that sees a smaller share of the accounts than the days around it says too little: a gap
AROUND = 7  # days on either side that say how many accounts a full day counts
LINES = 8  # organisations with a line of their own; a chart has as many colours
POINTS = 500  # of a line at most; peaks are kept

Tally = tuple[int, ...]
"""What one day counts; see TALLY and totals.Total."""
FOLLOWERS, ACCOUNTS, GAINED, BASE, COMPARED = range(len(TALLY))
Values = list[int | None]


@dataclass(frozen=True, slots=True)
class Change:
    """What accounts gained over a period since each was last seen, and how many followers they had before it.

    `change` is None when no account was seen twice. An account that is new or gone is neither a gain nor a loss.
    """

    change: int | None = None
    base: int | None = None


NOTHING = Change()


@dataclass(frozen=True, slots=True)
class Line:
    """One platform, one organisation or several: what is counted on each day, and who followed `before` these days."""

    label: str
    days: Mapping[date, Tally]
    before: int = 0
    standing: dict[date, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Add up, day by day, what every account had when it was last seen."""
        ordered = sorted(self.days)
        more = (self.days[day][FOLLOWERS] - self.days[day][BASE] for day in ordered)
        sums = list(accumulate(more, initial=self.before))[1:]
        self.standing.update(zip(ordered, sums, strict=True))

    def values(self, period: Period) -> Values:
        """Followers on each day of `period`, an account that was not seen with what it had last: nobody is a dip.

        None, a gap, where fewer than half of the accounts that could be expected were seen.
        """
        return [self.standing[day] if self._is_seen(day) else None for day in period.dates]

    def traced(self, period: Period, end: date) -> Values:
        """As `values`, but as if the accounts had always been those of `end`.

        One that was added counts with its first figure on the days before: what is left to see is what they gained.
        """
        followers = self.at(end)
        found: dict[date, int | None] = {}
        for day in reversed(Period(period.start, end).dates):
            found[day] = followers if self._is_seen(day) else None
            followers -= self.days[day][GAINED] if day in self.days else 0
        return [found[day] for day in period.dates]

    def at(self, day: date) -> int:
        """What the accounts seen by `day` had when each was last seen."""
        until = max((known for known in self.standing if known <= day), default=None)
        return self.before if until is None else self.standing[until]

    def changed(self, period: Period) -> Change:
        """What was gained over `period`."""
        within = [tally for day, tally in self.days.items() if period.start < day <= period.end]
        if not any(tally[COMPARED] for tally in within):
            return NOTHING
        return Change(sum(tally[GAINED] for tally in within), self.at(period.start))

    def added(self, period: Period) -> dict[date, int]:
        """The days of `period` on which accounts were counted for the first time, and how many."""
        new = {day: tally[ACCOUNTS] - tally[COMPARED] for day, tally in self.days.items()}
        return {day: count for day, count in sorted(new.items()) if count and period.start < day <= period.end}

    def _is_seen(self, day: date) -> bool:
        """Whether at least half as many accounts were seen as on the fullest days around, before and after.

        A roster that grows or shrinks for good makes no gap; the first days have nothing before them to fall short of.
        """
        if day not in self.days:
            return False
        before = [self.days[d][ACCOUNTS] for i in range(1, AROUND + 1) if (d := day - i * ONE_DAY) in self.days]
        after = [self.days[d][ACCOUNTS] for i in range(1, AROUND + 1) if (d := day + i * ONE_DAY) in self.days]
        if not before:
            return True
        expected = min(max(before), max(after)) if after else max(before)
        return self.days[day][ACCOUNTS] >= SEEN * expected


def platform_lines(period: Period) -> dict[str, Line]:
    """A line for each platform that `period` or the days around it count, by name, most followers first."""
    rows = _around(PlatformTotal.objects.filter(accounts__gt=0), "platform", period)
    return _by_followers({name: Line(PLATFORMS[name].label, *found) for name, found in rows.items()}, period)


def organization_lines(period: Period, all_of_them: Line) -> dict[int, Line]:
    """A line for each of the largest organisations, by id, and one, under 0, for what `all_of_them` count beside."""
    ids = _largest(period.end)
    names = Organization.objects.in_bulk(ids)
    rows = _around(DailyTotal.objects.filter(organization__in=ids), "organization", period)
    lines = _by_followers({pk: Line(names[pk].name, *found) for pk, found in rows.items()}, period)
    others = _less(all_of_them, lines.values())
    return lines | ({0: others} if any(map(any, others.days.values())) else {})


def _largest(end: date) -> list[int]:
    """The organisations with the most followers on their fullest day of the last ones up to `end`.

    `end` alone says little: it may be half read yet, or a platform may have answered nothing on it.
    """
    totals = DailyTotal.objects.filter(date__range=(end - AROUND * ONE_DAY, end)).order_by()
    sums = totals.values_list("organization", "date").annotate(sum=Sum("followers")).order_by("-sum", "organization")
    enough = sums[: LINES * (AROUND + 1)]  # an organisation is there once a day at most
    return list(dict.fromkeys(pk for pk, _, _ in enough))[:LINES]


def together(lines: Iterable[Line], label: str = "All") -> Line:
    """All `lines` as one."""
    days: defaultdict[date, Tally] = defaultdict(lambda: (0,) * len(TALLY))
    before = 0
    for line in lines:
        before += line.before
        for day, tally in line.days.items():
            days[day] = tuple(map(add, days[day], tally))
    return Line(label, days, before)


def series(lines: Iterable[Line], period: Period, *, traced: bool = False) -> dict[str, Any]:
    """What a chart draws: `dates`, and of each line its `values` and those of the `previous` period, day beside day.

    Long periods are thinned to POINTS days that keep every line's peaks, dips and gaps.
    """
    found: list[tuple[str, Values, Values]] = []
    for line in lines:
        values, before = (line.traced(p, period.end) if traced else line.values(p) for p in (period, period.previous))
        if any(value is not None for value in values):
            found.append((line.label, values, before))
    drawn = [one for _, values, before in found for one in (values, before)]
    kept = thin(drawn, max(POINTS, fewest(len(drawn)))) if drawn else range(len(period.dates))
    dates = period.dates
    return {
        "dates": [dates[at] for at in kept],
        "series": [
            {"label": label, "values": [values[at] for at in kept], "previous": [before[at] for at in kept]}
            for label, values, before in found
        ],
    }


def _around(totals: QuerySet[Any], of: str, period: Period) -> dict[Any, tuple[dict[date, Tally], int]]:
    """What `totals` count of each `of` on the days around `period` and the one before it, and who followed before."""
    first, last = period.previous.start - AROUND * ONE_DAY, period.end + AROUND * ONE_DAY
    day = Case(When(date__gte=first, then="date"))  # all earlier ones are counted as one, of no date
    before: dict[Any, int] = {}
    days: defaultdict[Any, dict[date, Tally]] = defaultdict(dict)
    sums = totals.order_by().filter(date__lte=last).values_list(of, day).annotate(*map(Sum, TALLY))
    for name, known, *tally in sums:
        if known:
            days[name][known] = tuple(tally)
        else:
            before[name] = tally[FOLLOWERS] - tally[BASE]
    return {name: (days[name], before.get(name, 0)) for name in days}


def _by_followers(lines: dict[Any, Line], period: Period) -> dict[Any, Line]:
    return dict(sorted(lines.items(), key=lambda item: (-item[1].at(period.end), item[1].label)))


def _less(line: Line, parts: Iterable[Line]) -> Line:
    """What `line` counts beside its `parts`."""
    rest = together(parts)
    days = {day: tuple(map(sub, tally, rest.days.get(day, (0,) * len(TALLY)))) for day, tally in line.days.items()}
    return Line("Others", days, line.before - rest.before)
