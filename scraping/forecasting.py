"""What a day's gathering will need of each platform: its plan, last week's failures and what is spent, rehearsed."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, Sum
from django.db.models.functions import Coalesce, TruncMinute

from accounts.platforms import PLATFORMS
from perf import clock
from scraping.capacity import Forecast, LimitForecast, Money, PlatformForecast
from scraping.connectors import Unavailable, connector_for, credential_for
from scraping.connectors.base import Connector, Missing, Target, Trouble
from scraping.gather import MAX_CLAIM, most_held
from scraping.limits import LONGEST, Limit, spent_dollars
from scraping.models import OutcomeHour, PermitBlock
from scraping.outcomes import RULES, STOPS
from scraping.planning import Night, rank_of, unread
from scraping.rehearsal import Meter, Rehearsal, Spent, Terms, Wish, calls_a_day

LOOKED_BACK = timedelta(days=7)
GRACE = timedelta(minutes=5)  # the last accounts are due when the window ends; so much later still counts as in it
CALLS_FAILING = frozenset(t for t in Trouble if t in RULES and RULES[t].attempts != 1 and t not in STOPS)
ANSWERS_FAILING = frozenset(m for m in Missing if RULES[m].attempts > 1)


MOST_AHEAD = timedelta(days=366)


class NotAhead(ValueError):
    """A day that is over, or too far ahead to say anything of; the message is for people."""


@dataclass(frozen=True, slots=True)
class Lately:
    """How calls to a platform went: shares of calls and of single answers that have to be repeated, and seconds."""

    failing_calls: float = 0.0
    failing_answers: float = 0.0
    seconds: float = 0.0


def forecast(day: date | None = None) -> Forecast:
    """What the plan of `day` (default: tomorrow in TIME_ZONE) needs, platform by platform in the registry's order.

    A handful of queries, however many accounts there are. Raises NotAhead for a day that is over or more than a year
    ahead, ImproperlyConfigured for an unreadable SCRAPE_WINDOW.
    """
    today = clock.today()
    if day and not today <= day <= today + MOST_AHEAD:
        raise NotAhead(f"{day} is over or more than a year ahead. Name today or a day to come.")
    night = Night.of(day or today + timedelta(days=1))
    end = Night.of(night.day + timedelta(days=1)).start
    start = min(max(night.start, clock.now()), end)
    times = _Times(start.timestamp(), (max(night.end, start) + GRACE).timestamp(), end.timestamp())
    plan, known = _plan(night), _Known(night.day, times, _lately(), _spent(start))
    rows = [known.platform(name, plan[name]) for name in PLATFORMS if name in plan]
    return Forecast(night.day, start, night.end, end, rows)


class _Times(NamedTuple):
    """When a day's gathering starts, when it should be over, and when the next one starts; seconds since 1970."""

    start: float
    night_end: float
    end: float


def _plan(night: Night) -> dict[str, list[Wish]]:
    """By platform, the accounts still to be read for the night, each with the time it is due."""
    plan: dict[str, list[Wish]] = defaultdict(list)
    accounts = unread(night.day).only("id", "platform", "handle", "external_id", "url", "is_core")
    for account in accounts.iterator(chunk_size=5_000):
        target = Target(account.pk, account.handle, account.external_id, account.url)
        plan[account.platform].append(Wish(night.starts(account.pk).timestamp(), rank_of(account), target))
    return plan


def _lately() -> dict[str, Lately]:
    """How each platform's calls of the last week went, from the hours that were counted of them."""
    tried: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    rows = OutcomeHour.objects.filter(hour__gte=clock.now() - LOOKED_BACK).exclude(step="none").order_by()
    for name, outcome, count, took in rows.values_list("platform", "outcome").annotate(Sum("count"), Sum("seconds")):
        tried[name][outcome] += count
        seconds[name] += took
    return {
        name: Lately(
            sum(counts[outcome] for outcome in CALLS_FAILING) / counts.total(),
            sum(counts[outcome] for outcome in ANSWERS_FAILING) / counts.total(),
            seconds[name] / counts.total(),
        )
        for name, counts in tried.items()
    }


def _spent(start: datetime) -> dict[str, list[Spent]]:
    """By the limit's name, calls whose windows may still hold them at `start`: minute by minute, oldest first."""
    spent: dict[str, list[Spent]] = defaultdict(list)
    blocks = PermitBlock.objects.filter(expires_at__gte=start - LONGEST)
    minutes = blocks.annotate(minute=TruncMinute(Coalesce("settled_at", "expires_at"), tzinfo=UTC)).order_by("minute")
    rows = minutes.values_list("platform", "credential", "host", "minute")
    for platform, credential, host, minute, calls in rows.annotate(made=Sum(F("calls") - Coalesce("returned", 0))):
        spent[Limit(platform, credential, host, ()).name].append((minute.timestamp(), calls))
    return spent


@dataclass(frozen=True, slots=True)
class _Known:
    """What every platform's forecast goes by: the day, how calls went lately, and what is spent by limit."""

    day: date
    times: _Times
    lately: Mapping[str, Lately]
    spent: Mapping[str, Sequence[Spent]]

    def platform(self, name: str, wishes: Sequence[Wish]) -> PlatformForecast:
        """One platform's part: its limits one by one, each rehearsed with the accounts that spend it."""
        connector = connector_for(name)
        if isinstance(connector, Unavailable):
            return PlatformForecast(PLATFORMS[name], len(wishes), off=connector.reason)
        credential = credential_for(name)
        asked = [wish for wish in wishes if connector.unasked(wish.target, credential) is None]
        money = _money(self.day, connector, credential, asked)
        terms = self.terms(connector, money)
        limits = [
            self.limit(connector, key, host, some, terms=terms)
            for (host, key), some in sorted(_by_limit(connector, credential, asked).items())
        ]
        if money:
            money = replace(money, plan=sum((limit.outcome.dollars for limit in limits), Decimal(0)))
        return PlatformForecast(PLATFORMS[name], len(wishes), len(wishes) - len(asked), "", limits, money)

    def terms(self, connector: Connector, money: Money | None) -> Terms:
        """Under what the platform's day is rehearsed."""
        lately = self.lately.get(connector.platform, Lately())
        return Terms(
            *self.times,
            claimed=min(most_held(connector), MAX_CLAIM),
            failing_calls=lately.failing_calls,
            failing_answers=lately.failing_answers,
            pace=lately.seconds / settings.SCRAPE_WORKERS,
            dollars=money.left if money else None,
        )

    def limit(
        self, connector: Connector, key: str, host: str, wishes: Sequence[Wish], *, terms: Terms
    ) -> LimitForecast:
        """One limit's part."""
        windows = connector.windows_for(key)
        limit = Limit.of(connector.platform, key, host, windows)
        before = self.spent.get(limit.name, ())
        outcome = Rehearsal(connector, key, Meter(windows, before), terms).run(wishes)
        return LimitForecast(
            host=host,
            credential=limit.credential,
            accounts=len(wishes),
            quota=calls_a_day(windows),
            spent=Meter((window for window in windows if window.zone), before).used(terms.start),
            least_seconds=Meter(windows, before).seconds_for(outcome.calls, terms.start),
            outcome=outcome,
        )


def _by_limit(connector: Connector, credential: str, wishes: Sequence[Wish]) -> dict[tuple[str, str], list[Wish]]:
    """The wishes by host and credential, as the limiter tells them apart."""
    if not (connector.per_host or connector.per_account):
        return {("", credential): list(wishes)} if wishes else {}
    found: dict[tuple[str, str], list[Wish]] = defaultdict(list)
    for wish in wishes:
        host = connector.batches([wish.target])[0].host if connector.per_host else ""
        found[host, connector.key(wish.target, credential) or ""].append(wish)
    return found


def _money(day: date, connector: Connector, credential: str, wishes: Sequence[Wish]) -> Money | None:
    """The month's budget where calls cost money, which the first of them shows; what the plan takes is still open."""
    if not any(
        connector.request(batch, credential).dollars for batch in connector.batches([w.target for w in wishes[:1]])
    ):
        return None
    now = clock.now().astimezone(UTC)
    same_month = (day.year, day.month) == (now.year, now.month)
    spent = spent_dollars(connector.platform, now) if same_month else Decimal(0)
    still_to_come = same_month and day > now.date() and now < Night.of(now.date()).start  # tonight's plan, before `day`
    days = monthrange(day.year, day.month)[1] - day.day + 1 + still_to_come
    budget = settings.X_MONTHLY_BUDGET_USD
    return Money(None if budget is None else Decimal(str(budget)), spent, Decimal(0), days)
