"""The list of accounts with their latest figures: its filters, its orders and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

from django.db.models import F, QuerySet
from django.http import QueryDict
from pydantic import BeforeValidator, ValidationError

from accounts.models import Account, AccountQuerySet, Organization, Tag
from accounts.platforms import PLATFORMS, Platform
from snapshots.filters import FEW, FigureFilters
from snapshots.models import CHANGES

LATEST = ("followers", *CHANGES, "followers_rounded", "observed_at", "source")
FIGURES = ("followers", *CHANGES, "observed_at")
SORTED_BY = {"handle": "handle_key", "org": "organization__name", **{name: name for name in FIGURES}}
"""The names are those that the grid sorts by."""
DEFAULT_SORT = "-followers"
CHOICES_MAX = 300  # more organisations or tags than these make no list to choose from


class Filters(FigureFilters):
    """What the address asks for, in the API's words; active accounts unless told."""

    active: Annotated[bool | None, BeforeValidator(lambda raw: None if raw == "all" else raw)] = True
    sort: str = DEFAULT_SORT

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """The filters of a query string; what it cannot mean filters nothing."""
        given: dict[str, Any] = {name: query[name] for name in cls.model_fields.keys() & query.keys()}
        given |= {"tag": query.getlist("tag"), "q": query.get("q", "")[:100]}
        if given.get("sort", "").removeprefix("-") not in SORTED_BY:
            given.pop("sort", None)
        try:
            return cls.model_validate(given)
        except ValidationError as refused:
            refusals = {error["loc"][0] for error in refused.errors()}
            return cls.model_validate({name: value for name, value in given.items() if name not in refusals})

    @property
    def changed(self) -> bool:
        """Whether other accounts are listed than usual."""
        return bool(self.model_dump(exclude={"sort"}, exclude_defaults=True))

    @property
    def order(self) -> tuple[str, str]:
        """The fields to order by, ending in a unique one; both turn round together."""
        sign = "-" if self.sort.startswith("-") else ""
        return f"{sign}{SORTED_BY[self.sort.removeprefix('-')]}", f"{sign}pk"

    def rows(self, accounts: AccountQuerySet) -> tuple[QuerySet[Account], int | None]:
        """Those of `accounts` that match, each with its latest figures (None where there are none); how many, if few.

        Few are named, so that no order is walked to its end in search of them.
        """
        rows, total = self.accounts(accounts), None
        if self.changed and len(ids := list(rows.values_list("pk", flat=True)[: FEW + 1])) <= FEW:
            rows, total = accounts.filter(pk__among=ids), len(ids)
        latest = {name: F(f"latest__{name}") for name in LATEST}
        return rows.select_related("organization").annotate(**latest), total


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers. An empty list of organisations or tags: there are too many to choose from, or none."""

    platforms: list[Platform]
    organizations: list[str]
    tags: list[str]

    @classmethod
    def of(cls, filters: Filters) -> Self:
        """The choices beside `filters`: tags are offered that are not chosen already."""
        names = list(Organization.objects.order_by("name").values_list("name", flat=True)[: CHOICES_MAX + 1])
        tags = dict(Tag.objects.order_by("key").values_list("key", "name")[: CHOICES_MAX + 1])
        free = [name for key, name in tags.items() if key not in filters.tag]
        return cls(
            list(PLATFORMS.values()),
            names if len(names) <= CHOICES_MAX else [],
            free if len(tags) <= CHOICES_MAX else [],
        )


@dataclass(frozen=True, slots=True)
class Column:
    """A heading of the list: what a click sorts by, and how the list is sorted by it now."""

    label: str
    sort: str = ""
    direction: str = "none"
    css: str = ""


def columns(filters: Filters) -> list[Column]:
    """The headings of the list under `filters`: figures sort downwards first, words upwards."""
    made = []
    for label, name, css in (
        ("Account", "handle", "who"),
        ("Followers", "followers", "n"),
        ("Organisation", "org", "organization"),
        ("1 day", "change_1", "n"),
        ("7 days", "change_7", "n"),
        ("30 days", "change_30", "n"),
        ("Last figure", "observed_at", ""),
    ):
        first = f"-{name}" if name in FIGURES else name
        second = name if name in FIGURES else f"-{name}"
        now = filters.sort if filters.sort.removeprefix("-") == name else ""
        direction = ("descending" if now.startswith("-") else "ascending") if now else "none"
        made.append(Column(label, second if now == first else first, direction, css))
    return [*made, Column("", css="n")]
