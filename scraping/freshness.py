"""The freshness promise: within how many hours each tier of accounts gets a new figure, and who is outside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextChoices,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from accounts.models import Account
from accounts.platforms import PLATFORMS, Platform
from perf import clock
from scraping.condition import Condition, State
from scraping.models import JobState, Recheck, ScrapeJob
from scraping.outcomes import OK, label

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LATE_ORDER = ("seen", "pk")


class Tier(TextChoices):
    """What an account's promise goes by; the plan ranks by the same."""

    CORE = "core", "Core"
    ACTIVE = "active", "Recently active"
    REST = "rest", "All others"


@dataclass(frozen=True, slots=True)
class Share:
    """How many active accounts of a tier (of one platform, or of all) have a figure as new as promised."""

    tier: Tier
    hours: int
    platform: Platform | None
    accounts: int
    inside: int

    @property
    def outside(self) -> int:
        """How many are late."""
        return self.accounts - self.inside


@dataclass(frozen=True, slots=True)
class Late:
    """One account outside its promise: its newest figure, why there is no newer one, and until when it waits."""

    account: Account
    tier: Tier
    seen_at: datetime | None
    why: str
    until: datetime | None


def shares(platform: str = "") -> list[Share]:
    """Every tier's share per platform (or of one), in the order of tiers and platforms; one query."""
    accounts = tiered().filter(platform=platform) if platform else tiered()
    counted = (
        accounts.order_by().values_list("tier", "platform").annotate(n=Count("pk"), fresh=Count("pk", filter=_fresh()))
    )
    found = {(tier, name): (n, fresh) for tier, name, n, fresh in counted}
    return [
        Share(tier, settings.FRESHNESS_HOURS[tier], PLATFORMS[name], *found[tier, name])
        for tier in Tier
        for name in PLATFORMS
        if (tier, name) in found
    ]


def by_tier(rows: Iterable[Share]) -> list[Share]:
    """The same shares with all platforms of a tier as one; tiers without an account are left out."""
    listed = list(rows)
    made = []
    for tier in Tier:
        mine = [row for row in listed if row.tier is tier]
        if mine:
            total, inside = sum(row.accounts for row in mine), sum(row.inside for row in mine)
            made.append(Share(tier, mine[0].hours, None, total, inside))
    return made


def outside(tier: str = "", platform: str = "") -> QuerySet[Any, Any]:
    """The accounts outside their promise (of one tier, of one platform), longest unseen first; page by LATE_ORDER.

    Annotates `tier`, `seen` (LONG_AGO for never), what is known of the newest job, and since when the platform answers
    without a figure (`since`, `again_on`).
    """
    newest = ScrapeJob.objects.filter(account=OuterRef("pk")).order_by("-date", "-pk")
    recheck = Recheck.objects.filter(account=OuterRef("pk"))
    chosen = {name: value for name, value in (("tier", tier), ("platform", platform)) if value}
    names = ("state", "outcome", "due_at")
    late: QuerySet[Any, Any] = (
        tiered()
        .exclude(_fresh())
        .filter(**chosen)
        .select_related("organization")
        .annotate(
            seen=Coalesce("latest__observed_at", Value(LONG_AGO), output_field=DateTimeField()),
            **{f"job_{name}": Subquery(newest.values(name)[:1]) for name in names},
            since=Subquery(recheck.values("since")[:1]),
            again_on=Subquery(recheck.values("next_on")[:1]),
        )
        .order_by(*LATE_ORDER)
    )
    return late


def explained(rows: Sequence[Any], conditions: dict[str, Condition]) -> list[Late]:
    """`rows` of outside(), each with why: whatever holds its platform first, then what its newest job says."""
    return [_late(row, conditions.get(row.platform)) for row in rows]


def _late(row: Any, condition: Condition | None) -> Late:
    seen = None if row.seen == LONG_AGO else row.seen
    why, until = _why(row, condition)
    return Late(row, Tier(row.tier), seen, why, until)


def _why(row: Any, condition: Condition | None) -> tuple[str, datetime | None]:
    if row.held:
        return row.get_held_display(), None
    if condition and condition.state in (State.OFF, State.PAUSED):
        return condition.why, condition.until
    if row.job_state == JobState.DUE:
        until = row.job_due_at if row.job_due_at > clock.now() else None
        return label(row.job_outcome) or "Waiting for its turn", until
    return _ended(row), None


def _ended(row: Any) -> str:
    if row.job_state is None:
        return "Not planned yet"
    if row.job_state == JobState.LEASED:
        return "Being fetched now"
    if row.job_outcome == OK:
        return "Seen, but too long ago; the next plan asks again"
    if row.since is None:
        return label(row.job_outcome)
    return f"{label(row.job_outcome)}, since {_day(row.since)}; asked again on {_day(row.again_on)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def tiered() -> QuerySet[Any, Any]:
    """Active accounts with their tier, as the plan ranks them."""
    moved = Q(latest__change_7__lt=0) | Q(latest__change_7__gt=0)
    tier = Case(
        When(is_core=True, then=Value(Tier.CORE.value)),
        When(moved, then=Value(Tier.ACTIVE.value)),
        default=Value(Tier.REST.value),
        output_field=CharField(),
    )
    return Account.objects.active().annotate(tier=tier)


def _fresh() -> Q:
    """Whether the newest published figure is as new as the tier's promise."""
    now = clock.now()
    within = Q(pk=None)
    for tier in Tier:
        within |= Q(tier=tier.value, latest__observed_at__gte=now - timedelta(hours=settings.FRESHNESS_HOURS[tier]))
    return within
