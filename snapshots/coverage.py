"""Coverage: which active accounts have a figure of a day, who has none, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, F, OuterRef, QuerySet
from ninja import Field
from pydantic import BeforeValidator

from accounts.filters import YesNo
from accounts.models import Account, AccountQuerySet
from perf.discovery import discovered
from perf.pagination import page_number, page_size, paginate
from snapshots.filters import FigureFilters
from snapshots.models import Quality, Snapshot
from snapshots.summary import Days

PER_PAGE, MAX_PER_PAGE = 100, 500
ORDER = ("platform", "handle_key")  # an account's name, which its unique constraint finds
ANNOTATED = {
    "org_name": "organization__name",
    "last_date": "latest__date",
    "last_observed_at": "latest__observed_at",
}


@dataclass(frozen=True, slots=True)
class Absence:
    """Why an account has no figure of a day: a short code, a sentence, and until when it waits if it does."""

    reason: str
    why: str
    until: datetime | None = None


UNKNOWN = Absence("unknown", "Nothing is recorded of why.")
OWN = {
    Quality.SUSPECT: Absence("suspect", "An unlikely figure waits for a second look."),
    Quality.REJECTED: Absence("rejected", "An editor rejected the figure."),
}
"""What the day's own row says where it is not published."""


class CoverageFilters(FigureFilters):
    """Which accounts, and the day that they are wanted for."""

    active: YesNo = Field(True, description="Only active accounts (the usual) or only inactive ones; empty: both.")
    day: date | None = Field(None, description="Instead of the newest day that any active account has a figure of.")
    page: Annotated[int, BeforeValidator(page_number)] = 1
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor that an answer gave as “next”.")


def missing(accounts: AccountQuerySet, day: date) -> AccountQuerySet:
    """Those of `accounts` without a published figure of `day`, in the order of their names."""
    figure = Snapshot.objects.published().filter(account=OuterRef("pk"), date=day)
    return accounts.filter(~Exists(figure)).order_by(*ORDER)


def explained(accounts: Sequence[int], day: date) -> dict[int, Absence]:
    """Why each of `accounts` has no published figure of `day`.

    What its own row says comes first; then what apps above know, each by the `why_missing(ids, day)` of its module
    `absences`, which answers for those it knows of.
    """
    known: dict[int, Absence] = {}
    for _, module in discovered("absences"):
        found: Mapping[int, Absence] = module.why_missing(accounts, day)
        known |= found
    doubted = Snapshot.objects.filter(account__among=accounts, date=day, quality__in=OWN)
    known |= {pk: OWN[Quality(quality)] for pk, quality in doubted.values_list("account_id", "quality")}
    return {pk: known.get(pk, UNKNOWN) for pk in accounts}


def explained_days(account: Account, days: Sequence[date], doubted: Mapping[date, str]) -> dict[date, Absence]:
    """Why `account` has no published figure of each of `days`: as `explained`, by `why_missing_days(account, days)`.

    `doubted` says how good the day's own row is, where there is one.
    """
    known: dict[date, Absence] = {}
    for _, module in discovered("absences"):
        found: Mapping[date, Absence] = module.why_missing_days(account, days)
        known |= found
    known |= {day: OWN[Quality(quality)] for day, quality in doubted.items()}
    return {day: known.get(day, UNKNOWN) for day in days}


def coverage(filters: CoverageFilters, user: AbstractBaseUser | AnonymousUser) -> dict[str, Any]:
    """How many of the accounts have a figure of the day, and a page of those that have none, each with why."""
    day = filters.day or Days.now().newest
    accounts = filters.accounts(Account.objects.visible_to(user))
    count = accounts.count()
    without = missing(accounts, day)
    absent = without.count()
    rows: QuerySet[Any, Any] = without.values(
        "pk", "platform", "handle", "is_core", **{name: F(path) for name, path in ANNOTATED.items()}
    )
    page = paginate(rows, order=ORDER, page=filters.page, per_page=filters.per_page, after=filters.after, total=absent)
    found = list(page.object_list)
    why = explained([row["pk"] for row in found], day)
    data = [_row(row, why[row["pk"]]) for row in found]
    return {"day": day, "accounts": count, "covered": count - absent, **page.envelope(data)}


def _row(row: dict[str, Any], absence: Absence) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name != "pk"}
    return told | {"reason": absence.reason, "why": absence.why, "until": absence.until}
