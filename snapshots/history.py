"""One account's figures day by day, thinned for charts, with its gaps left as gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, NamedTuple, Self

import orjson
from ninja import Field, Schema
from pydantic import field_validator

from accounts.filters import chosen
from accounts.models import Account
from perf import clock
from snapshots import growth
from snapshots.models import COUNTS, Quality, Snapshot, Source
from snapshots.thinning import thin

POINTS, FEWEST_POINTS, MOST_POINTS = 1_000, 10, 5_000
USUAL = ("followers", "engagement")
STORED = {"engagement": "engagements"} | {name: name for name in COUNTS if name != "engagements"}


class Day(NamedTuple):
    """One published day: its figures by stored name, followers of the last earlier day, and the account's birthday."""

    date: dt.date
    figures: dict[str, int | None]
    before: int | None
    first: bool
    opened_on: dt.date | None


DERIVED: dict[str, Callable[[Day], float | None]] = {
    "follower_growth_absolute": lambda d: growth.follower_growth_absolute(d.figures["followers"], d.before),
    "follower_growth_rate": lambda d: growth.follower_growth_rate(d.figures["followers"], d.before, first=d.first),
    "engagement_rate": lambda d: growth.engagement_rate(d.figures["engagements"], d.figures["followers"]),
    "posts_per_day": lambda d: growth.posts_per_day(d.figures["posts"], d.opened_on, d.date),
    "average_views_per_video": lambda d: growth.average_views_per_video(
        d.figures["total_video_views"], d.figures["videos"]
    ),
}


class HistoryFilters(Schema):
    """Which days and figures of the account are wanted."""

    since: dt.date | None = Field(None, alias="from", description="The first day.")
    until: dt.date | None = Field(None, alias="to", description="The last day.")
    days: int | None = Field(None, ge=1, le=36_500, description="Only so many days up to today.")
    metrics: str = Field("", description=f"Instead of {', '.join(USUAL)}: {', '.join([*STORED, *DERIVED])}.")
    points: int = Field(POINTS, ge=FEWEST_POINTS, le=MOST_POINTS, description="At most so many points; peaks are kept.")

    @field_validator("metrics")
    @classmethod
    def _known(cls, raw: str) -> str:
        return ",".join(chosen(raw, STORED | DERIVED))

    @property
    def names(self) -> list[str]:
        """The wanted metrics."""
        return self.metrics.split(",") if self.metrics else list(USUAL)

    def pinned(self) -> Self:
        """The same with `days` said as a first day, so that no cached answer outlives the day it was made on."""
        if not self.days:
            return self
        first = clock.today() - dt.timedelta(days=self.days - 1)
        return self.model_copy(update={"since": max(first, self.since or first), "days": None})

    @property
    def range(self) -> dict[str, dt.date]:
        """The wanted days, pinned, as conditions on `date`."""
        return ({"date__gte": self.since} if self.since else {}) | ({"date__lte": self.until} if self.until else {})


def history_of_account(account: Account, filters: HistoryFilters) -> bytes:
    """JSON: {"platform", "handle", "dates", one list per metric, "marks"}, null where a day has no figure.

    `marks` has stretches [first day, last day] of figures that were not observed, by source, of suspect days, and of
    days whose followers the platform rounded.
    """
    rows = list(
        Snapshot.objects.filter(account=account, quality__in=(Quality.PUBLISHED, Quality.SUSPECT), **filters.range)
        .order_by("date")
        .values("date", "quality", "source", "followers_rounded", *COUNTS)
    )
    published = {row["date"]: row for row in rows if row["quality"] == Quality.PUBLISHED}
    days = _days(account, list(published.values()), filters)
    dates = _every_day(published)
    series = {name: [_figure(days.get(date), name) for date in dates] for name in filters.names}
    kept = thin(series[filters.names[0]], filters.points)
    answer: dict[str, Any] = {
        "platform": account.platform,
        "handle": account.handle,
        "dates": [dates[at] for at in kept],
        **{name: [values[at] for at in kept] for name, values in series.items()},
        "marks": _marks(rows),
    }
    return orjson.dumps(answer)


def _days(account: Account, rows: list[dict[str, Any]], filters: HistoryFilters) -> dict[dt.date, Day]:
    """The published rows by date, each beside the followers of the last day before it that said how many."""
    before = None
    if rows and "date__gte" in filters.range and not DERIVED.keys().isdisjoint(filters.names):
        earlier = Snapshot.objects.published().filter(account=account, followers__isnull=False)
        before = earlier.filter(date__lt=rows[0]["date"]).order_by("-date").values_list("followers", flat=True).first()
    previous = growth.before_each([row["followers"] for row in rows], before)
    return {
        row["date"]: Day(row["date"], row, was, before is None and was is None, account.opened_on)
        for row, was in zip(rows, previous, strict=True)
    }


def _every_day(dates: Iterable[dt.date]) -> list[dt.date]:
    """All days from the first of `dates` to the last."""
    found = sorted(dates)
    return [found[0] + dt.timedelta(days=n) for n in range((found[-1] - found[0]).days + 1)] if found else []


def _figure(day: Day | None, name: str) -> float | None:
    if day is None:
        return None
    return DERIVED[name](day) if name in DERIVED else day.figures[STORED[name]]


def _marks(rows: list[dict[str, Any]]) -> dict[str, list[tuple[dt.date, dt.date]]]:
    """Stretches of days that are not plainly observed: by source, suspect, or with rounded followers."""
    marks: dict[str, list[tuple[dt.date, dt.date]]] = {}
    for mark_of in (_origin, _rounding):
        for mark, group in groupby(rows, key=mark_of):
            stretch = list(group)
            if mark:
                marks.setdefault(mark, []).append((stretch[0]["date"], stretch[-1]["date"]))
    return marks


def _origin(row: dict[str, Any]) -> str:
    mark: str = row["source"] if row["quality"] == Quality.PUBLISHED else row["quality"]
    return "" if mark == Source.OBSERVED else mark


def _rounding(row: dict[str, Any]) -> str:
    return "followers_rounded" if row["quality"] == Quality.PUBLISHED and row["followers_rounded"] else ""
