"""The list of accounts with their figures of a day: its filters, its orders, its columns and its rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.safestring import SafeString
from pydantic import BeforeValidator, PrivateAttr, ValidationError

from accounts.models import Account, AccountQuerySet, AccountTag, Organization, Tag
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from perf.unions import rows_of_each
from snapshots.filters import FEW, FigureFilters
from snapshots.listing_columns import ACCOUNT, FIELDS, LATEST, SORTED_BY, USUAL, Column, columns_of, with_figures
from snapshots.models import CHANGES
from snapshots.sparks import sparks_of

DEFAULT_SORT = "-followers"
COOKIE = f"{settings.COOKIE_PREFIX}grid_columns"
"""Where a browser keeps the columns that its person chose for good."""
CHOICES_MAX = 300  # more organisations or tags than these make no list to choose from
ASKS = {"keep", "reset"}
"""What the form of the columns asks for once, beside the columns."""


def _a_day(raw: Any) -> str:
    """A day that has been, as YYYY-MM-DD; LATEST for anything else."""
    try:
        day = date.fromisoformat(raw)
    except (TypeError, ValueError):
        return LATEST
    return day.isoformat() if day <= clock.today() else LATEST


class Filters(FigureFilters):
    """What the address asks for, in the API's words; active accounts and their latest figures unless told."""

    active: Annotated[bool | None, BeforeValidator(lambda raw: None if raw == "all" else raw)] = True
    day: Annotated[str, BeforeValidator(_a_day)] = LATEST
    sort: str = DEFAULT_SORT
    _refused: bool = PrivateAttr(False)

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """The filters of a query string; what it cannot mean filters nothing."""
        given: dict[str, Any] = {name: query[name] for name in cls.model_fields.keys() & query.keys()}
        given |= {"tag": query.getlist("tag"), "q": query.get("q", "")[:100]}
        try:
            found = cls.model_validate(given)
        except ValidationError as refused:
            refusals = {str(error["loc"][0]) for error in refused.errors()}
            found = cls.model_validate({name: value for name, value in given.items() if name not in refusals})
            found._refused = any(given[name] for name in refusals)
        name = found.sort.removeprefix("-")
        if name not in SORTED_BY or (name in CHANGES and found.day != LATEST):
            found.sort = DEFAULT_SORT
        return found

    @property
    def refused(self) -> bool:
        """Whether something was asked for that means nothing, so that more accounts match than somebody may think."""
        return self._refused

    @property
    def on(self) -> date | None:
        """The day whose figures are listed; None for the latest of each account."""
        return None if self.day == LATEST else date.fromisoformat(self.day)

    @property
    def changed(self) -> bool:
        """Whether other accounts are listed than usual."""
        return bool(self.model_dump(exclude={"sort", "day"}, exclude_defaults=True))

    @property
    def order(self) -> tuple[str, str]:
        """The fields to order by, ending in a unique one; both turn round together."""
        sign = "-" if self.sort.startswith("-") else ""
        return f"{sign}{SORTED_BY[self.sort.removeprefix('-')]}", f"{sign}pk"

    @property
    def figures(self) -> FigureFilters:
        """Whose figures are meant, as answers are kept under: without a day, an order or a usual activity."""
        found = FigureFilters(**{name: getattr(self, name) for name in FigureFilters.model_fields})
        found._today = self._today
        return found

    @property
    def asked(self) -> list[tuple[str, str]]:
        """The filters as pairs of a query string, without what is usual; `of` takes them back."""
        said = self.model_dump(mode="json", exclude_defaults=True, include=set(Filters.model_fields) - {"tag"})
        words = {None: "all", True: "1", False: "0"}
        return [
            *((name, words.get(value, value)) for name, value in said.items()),
            *(("tag", name) for name in self.tag),
        ]

    def rows(self, accounts: AccountQuerySet) -> tuple[QuerySet[Account], int | None]:
        """Those of `accounts` that match, each with its figures of the day (None where unknown); how many, if few.

        Few are named, so that no order is walked to its end in search of them.
        """
        rows, total = self.accounts(accounts), None
        if self.changed and len(ids := list(rows.values_list("pk", flat=True)[: FEW + 1])) <= FEW:
            rows, total = accounts.filter(pk__among=ids), len(ids)
        return with_figures(rows.select_related("organization"), self.day), total


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers. An empty list of organisations or tags: there are too many to choose from, or none."""

    platforms: list[Platform]
    organizations: list[str]
    tags: list[str]

    @classmethod
    def of(cls, filters: Filters) -> Self:
        """The choices beside `filters`: tags are offered that are not chosen already."""
        free = Tag.objects.exclude(key__in=filters.tag)
        found = rows_of_each(
            Organization.objects.order_by("name").values_list("name")[: CHOICES_MAX + 1],
            free.order_by("key").values_list("name")[: CHOICES_MAX + 1],
        )
        organizations, tags = ([name for (name,) in rows] if len(rows) <= CHOICES_MAX else [] for rows in found)
        return cls(list(PLATFORMS.values()), organizations, tags)


class Shown:
    """The columns that a page shows, of those that somebody chose."""

    def __init__(self, names: Collection[str], filters: Filters) -> None:
        self.columns = columns_of(names, filters.day)
        self.names = [column.name for column in self.columns]
        self.filters = filters

    @classmethod
    def of(cls, query: QueryDict, kept: str, filters: Filters) -> Self:
        """Those that the address names, else those that the person has `kept`, else the usual ones."""
        for names in (",".join(query.getlist("columns")), kept):
            if (shown := cls(names.split(","), filters)).columns:
                return shown
        return cls(USUAL, filters)

    @property
    def chosen(self) -> str:
        """The columns as an address names them."""
        return ",".join(self.names)

    @property
    def fields(self) -> list[str]:
        """The columns as a file may hold them, the account's handle first."""
        return [ACCOUNT.name, *(name for name in self.names if name in FIELDS)]

    @property
    def headings(self) -> list[Heading]:
        """What stands above the columns."""
        return [Heading.of(column, self.filters.sort) for column in (ACCOUNT, *self.columns)]

    def rows(self, accounts: Sequence[Any]) -> list[Row]:
        """The rows of a page of accounts with figures."""
        ids = [account.pk for account in accounts]
        day = self.filters.on
        sparks = sparks_of(ids, day or clock.today()) if "trend" in self.names else {}
        tags = AccountTag.objects.names_of(ids) if "tags" in self.names else {}
        return [Row(row, self._cells(row, day), sparks.get(row.pk, []), tags.get(row.pk, [])) for row in accounts]

    def _cells(self, row: Any, day: date | None) -> list[tuple[Column, str]]:
        why = "The platform did not say"
        if row.observed_at is None:
            why = f"No figure of {day.day} {day:%b %Y}" if day else "No figure yet"
        return [(column, column.cell(row, why) if column.cell else SafeString(why)) for column in self.columns]


@dataclass(frozen=True, slots=True)
class Row:
    """An account of the list. Cells that the template writes say here why they would be empty."""

    account: Any
    cells: list[tuple[Column, str]]
    spark: list[int | None]
    tags: list[str]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the list: what a click sorts by, and how the list is sorted by it now."""

    name: str
    label: str
    sort: str
    direction: str
    is_number: bool

    @classmethod
    def of(cls, column: Column, sort: str) -> Self:
        """The heading of `column` in a list that is sorted by `sort`."""
        is_now = sort.removeprefix("-") == column.name
        direction = ("descending" if sort.startswith("-") else "ascending") if is_now else "none"
        turned = column.name if sort.startswith("-") else f"-{column.name}"
        following = turned if is_now else column.first
        return cls(column.name, column.label, following if column.field else "", direction, column.is_number)


def tidied(query: QueryDict) -> str:
    """The query string without empty parameters, and without columns once they are kept for good."""
    dropped = {"columns", *ASKS} if ASKS & query.keys() else set()
    pairs = [(name, value) for name, values in query.lists() for value in values if value and name not in dropped]
    return urlencode(pairs)
