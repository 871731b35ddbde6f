"""Which accounts' figures an answer holds: the registry's filters, and how fresh the figures are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal, TypeVar

from django.db.models import QuerySet
from ninja import Field, Schema
from pydantic import BeforeValidator, PrivateAttr, field_validator, model_serializer

from accounts.models import Account, AccountQuerySet
from accounts.platforms import PLATFORMS, find_platform
from perf import clock
from snapshots.models import LatestSnapshot

Rows = TypeVar("Rows", bound=QuerySet[Any, Any])
Freshness = Literal["", "fresh", "late", "none"]

ONE_DAY = timedelta(days=1)
OWN = {"platform": "platform", "active": "is_active"}
"""What a latest row knows of its account without asking it."""


def known_platform(raw: str) -> str:
    """The stored name of the platform that `raw` names; "" for "". ValueError for one we do not know."""
    if not raw:
        return ""
    if (found := find_platform(raw)) is None:
        raise ValueError(f"no platform is called {raw[:40]!r}; there are {', '.join(PLATFORMS)}")
    return found.name


def chosen(raw: str, known: dict[str, Any]) -> list[str]:
    """The names in the comma-separated `raw`, each once. ValueError names the first that is not `known`."""
    names = list(dict.fromkeys(name.strip() for name in raw.split(",") if name.strip()))
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"there is no {unknown[0][:40]!r}; there are {', '.join(known)}")
    return names


class AccountFilters(Schema):
    """Which accounts an answer is about; what is left out filters nothing."""

    platform: Annotated[str, BeforeValidator(known_platform)] = Field("", description="A platform's name or alias.")
    organization: str = Field("", max_length=200, description="An organisation's whole name.")
    core: bool | None = Field(None, description="Only core accounts, or only others.")
    active: bool | None = Field(None, description="Only active accounts, or only inactive ones.")
    q: str = Field("", max_length=100, description="Words in handle, name or organisation.")

    @field_validator("organization", "q")
    @classmethod
    def _storable(cls, text: str) -> str:
        if "\x00" in text:
            raise ValueError("may not hold a NUL")
        return text.strip()

    @property
    def wanted(self) -> dict[str, Any]:
        """What AccountQuerySet.matching is asked for; empty when every account is meant."""
        given = {"platform": self.platform, "organization": self.organization, "core": self.core}
        given |= {"active": self.active, "search": self.q}
        return {name: value for name, value in given.items() if value not in ("", None)}

    def accounts(self, rows: AccountQuerySet) -> AccountQuerySet:
        """Those of `rows` that are meant."""
        return rows.matching(**self.wanted)


class FigureFilters(AccountFilters):
    """Which accounts' figures; what is left out or empty filters nothing."""

    freshness: Freshness = Field(
        "",
        description="Accounts by their newest figure: “fresh” (of today or yesterday), “late” (older) or “none” yet.",
    )
    _today: date = PrivateAttr(default_factory=clock.today)

    @model_serializer(mode="wrap")
    def _with_the_day(self, dump: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """What an answer is kept under: “fresh” means something else tomorrow."""
        return dump(self) | ({"today": self._today.isoformat()} if self.freshness else {})

    @property
    def narrowed(self) -> bool:
        """Whether anything is filtered at all."""
        return bool(self.wanted or self.freshness)

    def accounts(self, rows: AccountQuerySet) -> AccountQuerySet:
        """Those of `rows` that are meant."""
        return self._as_fresh(super().accounts(rows), "latest__date")

    def narrow(self, rows: Rows) -> Rows:
        """Those of `rows` (latest rows or snapshots) whose account is meant."""
        wanted, newest = self.wanted, "account__latest__date"
        if rows.model is LatestSnapshot:
            newest = "date"
            rows = rows.filter(**{OWN[name]: wanted.pop(name) for name in OWN.keys() & wanted.keys()})
        if wanted:
            rows = rows.filter(account__in=Account.objects.matching(**wanted).values("pk"))
        return self._as_fresh(rows, newest)

    def _as_fresh(self, rows: Rows, newest: str) -> Rows:
        """Those of `rows` whose account's newest day, found at `newest`, is as fresh as asked."""
        yesterday = self._today - ONE_DAY
        conditions = {"fresh": {f"{newest}__gte": yesterday}, "late": {f"{newest}__lt": yesterday}}
        return rows.filter(**{**conditions, "none": {newest: None}}[self.freshness]) if self.freshness else rows
