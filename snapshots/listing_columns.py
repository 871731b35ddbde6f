"""The columns of the list of accounts: what they are called, where they are found and how a cell is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import CharField, DateField, DateTimeField, ExpressionWrapper, F, Field, FilteredRelation, Q

from accounts.models import AccountQuerySet
from perf.templatetags.figures import ago, change, day, full
from snapshots.figures import Quality, Source
from snapshots.grid import PLACES
from snapshots.models import CHANGES

Cell = Callable[[Any, str], str]
"""Writes the cell of an account with its figures; the text says why there is no figure."""

LATEST = "latest"
MAY_LACK: dict[str, Callable[[], Field[Any, Any]]] = {
    "date": lambda: DateField(null=True),
    "observed_at": lambda: DateTimeField(null=True),
    "source": lambda: CharField(null=True),  # not a column: what a join finds or does not
}
"""What every figure of a day has, so that only the join finds it missing: the order has to be told."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `field` is what an account is annotated with or has; "" where it cannot be sorted by or exported."""

    name: str
    label: str
    field: str
    cell: Cell | None = None  # None: the template writes it
    is_number: bool = False
    is_sum: bool = False  # the totals row adds it up

    @property
    def is_change(self) -> bool:
        """Whether it says how followers changed, which is kept of the latest figures alone."""
        return self.name in CHANGES

    @property
    def first(self) -> str:
        """The order that a first click on the heading asks for: figures and days downwards, words upwards."""
        falls = self.is_number or self.name in ("date", "observed_at")
        return f"-{self.name}" if falls else self.name


def _count(name: str) -> Cell:
    return lambda row, why: full(getattr(row, name), why)


def _change(name: str) -> Cell:
    span = "a day" if CHANGES[name] == 1 else f"{CHANGES[name]} days"
    return lambda row, why: change(getattr(row, name), f"No figure {span} before" if row.observed_at else why)


def _text(name: str) -> Cell:
    return lambda row, why: getattr(row, name) or ""


def _source(row: Any, why: str) -> str:
    return str(Source(row.source).label) if row.source else full(None, why)


def _day(row: Any, why: str) -> str:
    return day(row.date) or full(None, why)


def _counted(name: str, label: str) -> Column:
    return Column(name, label, name, _count(name), is_number=True, is_sum=True)


def _changed(name: str) -> Column:
    label = "1 day" if CHANGES[name] == 1 else f"{CHANGES[name]} days"
    return Column(name, label, name, _change(name), is_number=True, is_sum=True)


ACCOUNT = Column("handle", "Account", "handle_key")
"""Every row begins with it."""
KNOWN = {
    column.name: column
    for column in (
        Column("platform", "Platform", "platform", lambda row, why: row.get_platform_display()),
        Column("display_name", "Name", "display_name", _text("display_name")),
        Column("org", "Organisation", "organization__name", lambda row, why: row.organization.name),
        Column("date", "Date", "date", _day),
        Column("followers", "Followers", "followers", is_number=True, is_sum=True),
        Column("trend", "Trend", ""),
        *map(_changed, CHANGES),
        _counted("engagement", "Engagement"),
        _counted("posts", "Posts"),
        _counted("likes", "Likes"),
        _counted("comments", "Comments"),
        _counted("shares", "Shares"),
        _counted("following", "Following"),
        _counted("listed", "Listed"),
        _counted("videos", "Videos"),
        _counted("stories", "Stories"),
        _counted("live_streams", "Live streams"),
        _counted("video_views", "Video views"),
        _counted("total_video_views", "Views in all"),
        Column("observed_at", "Observed", "observed_at", lambda row, why: ago(row.observed_at, "no figure yet")),
        Column("source", "Source", "source", _source),
        Column("core", "Core", "is_core", lambda row, why: "core" if row.is_core else ""),
        Column("active", "Active", "is_active"),
        Column("tags", "Tags", ""),
    )
}
"""All that may be chosen, in the order in which they stand."""
USUAL = (
    "platform", "org", "date", "followers", "trend", "change_7", "engagement", "posts", "likes", "comments", "shares",
    "active", "tags",
)  # fmt: skip  # reads best as a list of names
FIGURES = tuple(name for name, column in KNOWN.items() if column.field and not PLACES[name].startswith("account__"))
SUMMED = tuple(name for name, column in KNOWN.items() if column.is_sum)
SORTED_BY = {column.name: column.field for column in (ACCOUNT, *KNOWN.values()) if column.field}
"""The names are those that the grid sorts by."""
FIELDS = SORTED_BY | {"handle": "handle", "tags": "tag_names", "rounded": "rounded"}
"""Where an account `with_figures` has what a file may hold."""


def columns_of(names: Iterable[str], day: str) -> list[Column]:
    """The columns called `names`, those of a single `day` or LATEST; changes are known of the latest figures alone."""
    wanted = set(names) - (set() if day == LATEST else CHANGES.keys())
    return [column for name, column in KNOWN.items() if name in wanted]


def with_figures(accounts: AccountQuerySet, day: str) -> Any:
    """`accounts`, each with its figures of `day` (LATEST or YYYY-MM-DD) under FIGURES and `rounded`; None for none."""
    prefix = LATEST
    if day != LATEST:
        prefix = "of_day"
        published = Q(snapshots__date=date.fromisoformat(day), snapshots__quality=Quality.PUBLISHED)
        accounts = accounts.annotate(of_day=FilteredRelation("snapshots", condition=published))
    names = [name for name in (*FIGURES, "rounded") if day == LATEST or name not in CHANGES]
    return accounts.annotate(**{name: _found(name, f"{prefix}__{PLACES[name]}") for name in names})


def _found(name: str, path: str) -> Any:
    if name not in MAY_LACK or path == f"{LATEST}__date":  # which is NULL in its own table, and has an index
        return F(path)
    return ExpressionWrapper(F(path), output_field=MAY_LACK[name]())
