"""The present by platform and organisation: accounts, followers, freshness; and who needs a look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum

from accounts.models import Organization
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from snapshots.models import LatestSnapshot, Snapshot
from snapshots.summary import OVERDUE_DAYS
from snapshots.trends import NOTHING, Change

ORGANIZATIONS_SHOWN = 10
LOOKS_SHOWN = 10
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """Present figures of a platform, an organisation, or all of them."""

    name: str
    accounts: int = 0
    covered: int = 0  # accounts with a published number of followers
    today: int = 0  # accounts with a figure of today
    fresh: int = 0  # accounts with a figure of today or yesterday
    unseen: int = 0  # accounts without any figure
    rounded: int = 0  # accounts whose number the platform rounded
    followers: int | None = None
    observed_at: datetime | None = None
    changed: Change = NOTHING
    platform: Platform | None = None

    @property
    def late(self) -> int:
        """Accounts whose newest figure is older than yesterday."""
        return self.accounts - self.fresh - self.unseen


COUNTS = ("accounts", "covered", "today", "fresh", "unseen", "rounded")


@dataclass(frozen=True, slots=True)
class Present:
    """Present figures of all active accounts, by platform name, by organisation id, and together."""

    platforms: dict[str, Row] = field(default_factory=dict)
    organizations: dict[int, Row] = field(default_factory=dict)
    total: Row = Row("All")


def present() -> Present:
    """Present figures, made of one look at the latest rows; most followers first."""
    platforms: defaultdict[str, list[Row]] = defaultdict(list)
    organizations: defaultdict[int, list[Row]] = defaultdict(list)
    for platform, organization, *figures in _cells():
        row = Row("", *figures)
        platforms[platform].append(row)
        organizations[organization].append(row)
    sums = {
        name: replace(together(rows, PLATFORMS[name].label), platform=PLATFORMS[name])
        for name, rows in platforms.items()
    }
    offices = {pk: together(rows) for pk, rows in organizations.items()}
    return Present(_by_followers(sums), _by_followers(offices), together(sums.values(), "All"))


def _cells() -> QuerySet[Any, Any]:
    """Active accounts' latest rows, added up by platform and organisation."""
    today = clock.today()
    rows = LatestSnapshot.objects.filter(is_active=True).order_by()
    return rows.values_list("platform", "organization_id").annotate(
        of_all=Count("pk"),
        of_covered=Count("followers"),
        of_today=Count("pk", filter=Q(date=today)),
        of_fresh=Count("pk", filter=Q(date__gte=today - timedelta(days=OVERDUE_DAYS))),
        of_unseen=Count("pk", filter=Q(date=None)),
        of_rounded=Count("pk", filter=Q(followers_rounded=True)),
        sum_followers=Sum("followers"),
        newest=Max("observed_at"),
    )


def together(rows: Iterable[Row], name: str = "") -> Row:
    """All `rows` as one; a sum of nothing known is None, never 0."""
    rows = list(rows)
    known = [row.followers for row in rows if row.followers is not None]
    return Row(
        name,
        **{count: sum(getattr(row, count) for row in rows) for count in COUNTS},
        followers=sum(known) if known else None,
        observed_at=max((row.observed_at for row in rows if row.observed_at), default=None),
    )


def _by_followers(rows: dict[Any, Row]) -> dict[Any, Row]:
    def order(item: tuple[Any, Row]) -> tuple[bool, int, Any]:
        followers = item[1].followers
        return followers is None, -(followers or 0), item[0]

    return dict(sorted(rows.items(), key=order))


def largest(organizations: dict[int, Row]) -> list[Row]:
    """The first of `organizations` with their names, and one row for all others together where there are more."""
    ids = list(organizations)
    names = Organization.objects.in_bulk(ids[:ORGANIZATIONS_SHOWN])
    rows = [replace(organizations[pk], name=names[pk].name) for pk in ids[:ORGANIZATIONS_SHOWN] if pk in names]
    others = [organizations[pk] for pk in ids[ORGANIZATIONS_SHOWN:]]
    return [*rows, replace(together(others, "Others"), observed_at=None)] if others else rows


def needing_a_look() -> list[LatestSnapshot]:
    """Latest rows of active accounts without a figure since yesterday, longest unseen first, LOOKS_SHOWN at most."""
    rows = LatestSnapshot.objects.filter(is_active=True).select_related("account__organization")
    unseen = list(rows.filter(date=None).order_by("date", "account_id")[:LOOKS_SHOWN])  # the index's own order
    overdue = rows.filter(date__lt=clock.today() - timedelta(days=OVERDUE_DAYS)).order_by("date", "account_id")
    return [*unseen, *overdue[: LOOKS_SHOWN - len(unseen)]]


def suspect_count() -> int:
    """How many figures wait for a second reading or an editor; more than MOST_COUNTED are not counted out."""
    return Snapshot.objects.to_judge().order_by()[: MOST_COUNTED + 1].count()
