"""Accounts' figures day by day, thinned for charts, with their gaps left as gaps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import orjson
from django.db.models import OuterRef, Subquery
from ninja import Field
from pydantic import field_validator, model_validator

from accounts.filters import chosen
from accounts.models import Account
from accounts.platforms import PLATFORMS
from snapshots import growth
from snapshots.filters import DayFilters
from snapshots.models import COUNTS, Quality, Snapshot, Source
from snapshots.thinning import fewest, thin

MOST_ACCOUNTS = 20  # as many as a chart can tell apart, and as many families as one read should ask after
POINTS, FEWEST_POINTS, MOST_POINTS = 1_000, 10, 5_000
USUAL = ("followers", "engagement")
STORED = {"engagement": "engagements"} | {name: name for name in COUNTS if name != "engagements"}

Row = tuple[Any, ...]
ACCOUNT, DATE, QUALITY, SOURCE, ROUNDED, FIRST_FIGURE = range(6)
"""Where a row holds what READ names; the figures that the wanted metrics take follow."""
READ = ("account_id", "date", "quality", "source", "followers_rounded")
PLAIN = (Quality.PUBLISHED.value, Source.OBSERVED.value, False)  # what there is nothing to say of
ONE_DAY = dt.timedelta(days=1)


class Day(NamedTuple):
    """One published day: its figures by stored name, followers of the last earlier day, and the account's birthday."""

    date: dt.date
    figures: Mapping[str, int | None]
    before: int | None
    opened_on: dt.date | None


DERIVED: dict[str, tuple[tuple[str, ...], Callable[[Day], float | None]]] = {
    "follower_growth_absolute": (
        ("followers",),
        lambda d: growth.follower_growth_absolute(d.figures["followers"], d.before),
    ),
    "follower_growth_rate": (
        ("followers",),
        lambda d: growth.follower_growth_rate(d.figures["followers"], d.before, first=d.before is None),
    ),
    "engagement_rate": (
        ("engagements", "followers"),
        lambda d: growth.engagement_rate(d.figures["engagements"], d.figures["followers"]),
    ),
    "posts_per_day": (("posts",), lambda d: growth.posts_per_day(d.figures["posts"], d.opened_on, d.date)),
    "average_views_per_video": (
        ("total_video_views", "videos"),
        lambda d: growth.average_views_per_video(d.figures["total_video_views"], d.figures["videos"]),
    ),
}
"""What is worked out of a day, and the stored figures that it takes."""
GROWTH = {"follower_growth_absolute", "follower_growth_rate"}


class HistoryFilters(DayFilters):
    """Which days and figures are wanted."""

    metrics: str = Field("", description=f"Instead of {', '.join(USUAL)}: {', '.join([*STORED, *DERIVED])}.")
    points: int = Field(POINTS, ge=FEWEST_POINTS, le=MOST_POINTS, description="At most so many points; peaks are kept.")

    @field_validator("metrics")
    @classmethod
    def _known(cls, raw: str) -> str:
        return ",".join(chosen(raw, STORED | DERIVED))

    @model_validator(mode="after")
    def _enough_points(self) -> Self:
        if self.points < (needed := fewest(self.series)):
            raise ValueError(f"{self.points} points cannot show the peaks of {self.series} series; ask for {needed}")
        return self

    @property
    def names(self) -> list[str]:
        """The wanted metrics."""
        return self.metrics.split(",") if self.metrics else list(USUAL)

    @property
    def series(self) -> int:
        """How many lists of values the answer has."""
        return len(self.names)

    @property
    def figures(self) -> list[str]:
        """The stored figures that the wanted metrics take."""
        takes = [DERIVED[name][0] if name in DERIVED else (STORED[name],) for name in self.names]
        return list(dict.fromkeys(figure for figures in takes for figure in figures))


def history_of_account(account: Account, filters: HistoryFilters) -> bytes:
    """JSON: {"platform", "handle", "rounding", "dates", one list per metric, "marks"}, null where a day has no figure.

    `rounding` is the platform's {"digits", "how"}, null where it does not say how it rounds. `marks` has stretches
    [first day, last day] of figures that were not observed, by source, of suspect days, and of days whose followers the
    platform rounded; none reaches over a day without a figure.
    """
    dates, (found,) = _histories([account], filters)
    return orjson.dumps(_named(account) | {"dates": dates} | found)


def history_of_accounts(accounts: Sequence[Account], filters: HistoryFilters) -> bytes:
    """JSON: {"dates", "accounts": [all else that history_of_account says of each]}.

    The dates are those of all together, from the first that any has to the last; one statement reads them all.
    """
    dates, found = _histories(accounts, filters)
    listed = [_named(account) | one for account, one in zip(accounts, found, strict=True)]
    return orjson.dumps({"dates": dates, "accounts": listed})


def _named(account: Account) -> dict[str, Any]:
    rounding = PLATFORMS[account.platform].rounding
    return {"platform": account.platform, "handle": account.handle, "rounding": rounding}


def _histories(accounts: Sequence[Account], filters: HistoryFilters) -> tuple[list[dt.date], list[dict[str, Any]]]:
    """The dates to draw, and for each account a list of values per metric and its marks."""
    rows = _read([account.pk for account in accounts], filters)
    published = {pk: [row for row in found if row[QUALITY] == Quality.PUBLISHED] for pk, found in rows.items()}
    dates = _every_day([row[DATE] for days in published.values() if days for row in (days[0], days[-1])])
    before = _followers_before(rows, filters)
    found = [_metrics(one, published[one.pk], dates, filters, before.get(one.pk)) for one in accounts]
    kept = thin([values for metrics in found for values in metrics.values()], filters.points)
    if len(kept) < len(dates):
        dates = [dates[at] for at in kept]
        found = [{name: [values[at] for at in kept] for name, values in metrics.items()} for metrics in found]
    return dates, [
        {**metrics, "marks": _marks(rows[account.pk])} for account, metrics in zip(accounts, found, strict=True)
    ]


def _read(ids: list[int], filters: HistoryFilters) -> dict[int, list[Row]]:
    """The published and suspect rows of each account in the order of their days, by one statement."""
    wanted: dict[str, Any] = {"account": ids[0]} if len(ids) == 1 else {"account__among": ids}
    found = (
        Snapshot.objects.filter(**wanted, quality__in=(Quality.PUBLISHED, Quality.SUSPECT), **filters.on("date"))
        .order_by("date")
        .values_list(*READ, *filters.figures)
    )
    rows: dict[int, list[Row]] = {pk: [] for pk in ids}
    for row in found:
        rows[row[ACCOUNT]].append(row)
    return rows


def _followers_before(ids: Iterable[int], filters: HistoryFilters) -> dict[int, int | None]:
    """The followers of each account's last day before the wanted ones, where growth is asked for."""
    if filters.since is None or GROWTH.isdisjoint(filters.names):
        return {}
    earlier = Snapshot.objects.published().filter(followers__isnull=False, date__lt=filters.since)
    last = earlier.filter(account=OuterRef("pk")).order_by("-date").values("followers")[:1]
    return dict(Account.objects.filter(pk__among=ids).annotate(last=Subquery(last)).values_list("pk", "last"))


def _every_day(dates: Sequence[dt.date]) -> list[dt.date]:
    """All days from the first of `dates` to the last."""
    if not dates:
        return []
    return [dt.date.fromordinal(day) for day in range(min(dates).toordinal(), max(dates).toordinal() + 1)]


def _metrics(
    account: Account, rows: Sequence[Row], dates: Iterable[dt.date], filters: HistoryFilters, before: int | None
) -> dict[str, list[float | None]]:
    """What each wanted metric of `account` is on each of `dates`, from its published rows."""
    places = {figure: FIRST_FIGURE + n for n, figure in enumerate(filters.figures)}
    by_date = {row[DATE]: row for row in rows}
    told = [by_date.get(date) for date in dates]
    days: dict[dt.date, Day] = {}
    if not DERIVED.keys().isdisjoint(filters.names):
        days = {day.date: day for day in _days(account, rows, places, before)}
    made: dict[str, list[float | None]] = {}
    for name in filters.names:
        if name in DERIVED:
            work_out = DERIVED[name][1]
            made[name] = [work_out(days[row[DATE]]) if row else None for row in told]
        else:
            place = places[STORED[name]]
            made[name] = [row[place] if row else None for row in told]
    return made


def _days(account: Account, rows: Sequence[Row], places: Mapping[str, int], before: int | None) -> Iterator[Day]:
    """What is worked out from: each published day beside the followers of the last day before it that said how many."""
    counted = places.get("followers")
    previous = growth.before_each([row[counted] if counted else None for row in rows], before)
    for row, was in zip(rows, previous, strict=True):
        figures = {figure: row[place] for figure, place in places.items()}
        yield Day(row[DATE], figures, was, account.opened_on)


def _marks(rows: Iterable[Row]) -> dict[str, list[list[dt.date]]]:
    """Stretches of days in a row that are not plainly observed: by source, suspect, or with rounded followers."""
    marks: dict[str, list[list[dt.date]]] = {}
    for row in rows:
        if row[QUALITY:FIRST_FIGURE] == PLAIN:
            continue
        for mark in _marks_of(row):
            stretches = marks.setdefault(mark, [])
            if stretches and stretches[-1][1] == row[DATE] - ONE_DAY:
                stretches[-1][1] = row[DATE]
            else:
                stretches.append([row[DATE], row[DATE]])
    return marks


def _marks_of(row: Row) -> Iterator[str]:
    if row[QUALITY] != Quality.PUBLISHED:
        yield row[QUALITY]
        return
    if row[SOURCE] != Source.OBSERVED:
        yield row[SOURCE]
    if row[ROUNDED]:
        yield "followers_rounded"
