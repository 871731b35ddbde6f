"""The list of accounts with their latest figures: its filters, its orders and its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import QueryDict

from accounts.models import Account, AccountQuerySet
from accounts.platforms import PLATFORMS

UNKNOWN = -(2**62)  # sorts a missing figure below every known one, on both databases
FIGURES = ("followers", "change_1", "change_7", "change_30")
ORDERS: dict[str, tuple[str, ...]] = {
    "handle": ("handle_key", "pk"),
    "organization": ("organization__name", "pk"),
    **{name: (f"{name}_order", "pk") for name in FIGURES},
}
DEFAULT_SORT = "-followers"
YES_NO = {"1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; anything it cannot mean filters nothing. `active` None: active or not."""

    q: str = ""
    platform: str = ""
    organization: str = ""
    core: bool | None = None
    active: bool | None = True
    sort: str = DEFAULT_SORT
    narrowed: bool = field(default=False, compare=False)

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """The filters of a query string."""
        sort = query.get("sort", DEFAULT_SORT)
        platform = query.get("platform", "")
        given: dict[str, Any] = {
            "q": query.get("q", "").strip()[:100].replace("\x00", ""),
            "platform": platform if platform in PLATFORMS else "",
            "organization": query.get("organization", "")[:200].replace("\x00", ""),
            "core": YES_NO.get(query.get("core", "")),
            "active": None if query.get("active") == "all" else YES_NO.get(query.get("active", ""), True),
        }
        narrowed = cls(**given) != cls()
        return cls(**given, sort=sort if sort.removeprefix("-") in ORDERS else DEFAULT_SORT, narrowed=narrowed)

    @property
    def order(self) -> tuple[str, ...]:
        """The fields to order by, ending in a unique one; all turn round together."""
        names = ORDERS[self.sort.removeprefix("-")]
        return tuple(f"-{name}" for name in names) if self.sort.startswith("-") else names

    def rows(self, accounts: AccountQuerySet) -> QuerySet[Account]:
        """Those of `accounts` that match, each with its latest figures (None where there are none)."""
        latest = {name: F(f"latest__{name}") for name in (*FIGURES, "followers_rounded", "observed_at", "source")}
        matching = accounts.matching(
            platform=self.platform,
            organization=self.organization,
            core=self.core,
            active=self.active,
            search=self.q,
        )
        orders = {f"{name}_order": Coalesce(f"latest__{name}", Value(UNKNOWN)) for name in FIGURES}
        return matching.select_related("organization").annotate(**latest, **orders)


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
        ("Organisation", "organization", "organization"),
        ("1 day", "change_1", "n"),
        ("7 days", "change_7", "n"),
        ("30 days", "change_30", "n"),
    ):
        first = f"-{name}" if name in FIGURES else name
        second = name if name in FIGURES else f"-{name}"
        now = filters.sort if filters.sort.removeprefix("-") == name else ""
        direction = ("descending" if now.startswith("-") else "ascending") if now else "none"
        made.append(Column(label, second if now == first else first, direction, css))
    return [*made, Column("Last figure"), Column("", css="n")]
