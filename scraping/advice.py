"""What a forecast means and what to do about it, in sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from perf.templatetags.figures import duration
from scraping.capacity import Forecast, LimitForecast, Money, PlatformForecast
from scraping.models import Rank

NAMED = 5  # hosts or credentials that get a sentence of their own
TIERS = {
    Rank.REQUESTED: "{} requested {}",
    Rank.CORE: "{} core {}",
    Rank.RETRY: "{} {} that failed before",
    Rank.ACTIVE: "{} recently active {}",
    Rank.REST: "{} {} of the lowest rank",
}


def summary(made: Forecast) -> str:
    """The whole forecast in one sentence."""
    if not made.accounts:
        return "There is no active account to read."
    said = f"{_many(made.accounts, 'account')} and {_many(made.calls, 'call')} are planned for {day_words(made.day)}"
    if made.fits:
        return f"{said}. All of it fits."
    troubled = [row.platform.label for row in made.platforms if not row.fits]
    return f"{said}. Not all of it fits or can be read: {', '.join(troubled)}."


def advice(made: Forecast, row: PlatformForecast) -> list[str]:
    """What will not fit of one platform's part, why, and what to do; empty when all of it fits for good."""
    if row.off:
        return [f"{_many(row.accounts, 'account')} {_are(row.accounts)} not read. {row.off}"]
    return [*_of_money(made, row), *_of_limits(made, row), *_of_the_night(made, row)]


def _of_money(made: Forecast, row: PlatformForecast) -> Iterator[str]:
    money = row.money
    if money is None or not row.accounts:
        return
    takes = f"this plan takes {dollars(money.plan)}"
    if money.budget is None:
        yield (
            f"{row.platform.label} is not asked without a budget. Set X_MONTHLY_BUDGET_USD: "
            f"{takes}, the month {dollars(money.month)}."
        )
    elif any(limit.outcome.broke for limit in row.limits):
        first = (made.day.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield (
            f"Of {dollars(money.budget)} this month {dollars(money.left)} are left; {takes}. "
            f"{_tiers(row.left)} will wait until {day_words(first, made.day)}. "
            "Raise X_MONTHLY_BUDGET_USD, or deactivate some."
        )
    elif not money.suffices:
        yield f"{_short_budget(made.day, money)} Raise X_MONTHLY_BUDGET_USD, or deactivate some."


def _short_budget(day: date, money: Money) -> str:
    last = day + timedelta(days=money.days_covered - 1)
    return (
        f"At this rate the month takes {dollars(money.month)} of {dollars(money.budget or Decimal(0))}: "
        f"the budget lasts until {day_words(last, day)}."
    )


def _of_limits(made: Forecast, row: PlatformForecast) -> Iterator[str]:
    short = [limit for limit in row.limits if not limit.outcome.broke and (limit.left or _is_too_much(limit))]
    short.sort(key=lambda limit: -limit.left)
    yield from (_of_limit(made, row, limit) for limit in short[:NAMED])
    if others := short[NAMED:]:
        waiting = sum(limit.left for limit in others)
        more = _many(len(others), "more limit")
        yield f"{more} of {row.platform.label} will not let {_many(waiting, 'account')} through."


def _is_too_much(limit: LimitForecast) -> bool:
    return limit.quota is not None and limit.outcome.calls > limit.quota


def _of_limit(made: Forecast, row: PlatformForecast, limit: LimitForecast) -> str:
    """Why one limit does not let everybody through, until when they wait, and what to do."""
    name = limit.host or row.platform.label
    ahead = (made.end - made.start).total_seconds()
    waiting = f"{_tiers(limit.outcome.left)} will wait until {_until(made, limit)}."
    if limit.least_seconds > ahead and not _is_too_much(limit) and not limit.spent:
        return (
            f"{name}'s limit lets {_many(limit.outcome.calls, 'call')} through in {duration(limit.least_seconds)}, "
            f"and {duration(ahead)} are left of the day. {waiting} {_REMEDY}"
        )
    if limit.quota is None or (not _is_too_much(limit) and not limit.spent):
        return (
            f"{name}'s limit would do, but calls take too long to reach everybody within the day. "
            f"{_tiers(limit.outcome.left)} will wait until {_until(made, limit)}. Raise SCRAPE_WORKERS."
        )
    spent = f", {limit.spent:,} of them {_are(limit.spent)} spent already" if limit.spent else ""
    needed = f"{name} allows {limit.quota:,} calls a day{spent}; {limit.outcome.calls:,} are needed."
    if not limit.left:
        return f"{needed} This once all of it fits, every day it does not. {_REMEDY}"
    return f"{needed} {_tiers(limit.outcome.left)} will wait until {_until(made, limit)}. {_REMEDY}"


_REMEDY = "Deactivate some, or ask for a higher limit."


def _of_the_night(made: Forecast, row: PlatformForecast) -> Iterator[str]:
    if not row.late or row.waiting:
        return
    ends = timezone.localtime(row.ends or made.night_end)
    night_end = timezone.localtime(made.night_end)
    last = f"{ends:%H:%M}" if ends.date() == night_end.date() else f"{ends:%H:%M} on {day_words(ends.date(), made.day)}"
    yield (
        f"{_many(row.late, 'account')} {_are(row.late)} read after SCRAPE_WINDOW ends at {night_end:%H:%M}, "
        f"the last at {last}. Begin it earlier if they have to be there by then."
    )


def _tiers(left: Counter[int]) -> str:
    """Who waits, lowest rank first: "380 accounts of the lowest rank and 20 recently active accounts"."""
    ranks = sorted((rank for rank in left if left[rank]), reverse=True)
    words = [
        TIERS[Rank(rank)].format(f"{left[rank]:,}", "account" if left[rank] == 1 else "accounts") for rank in ranks
    ]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _until(made: Forecast, limit: LimitForecast) -> str:
    """The day on which the last of a limit's accounts is read at the earliest."""
    ends = limit.outcome.ends or made.end.timestamp()
    last = timezone.localtime(datetime.fromtimestamp(ends, UTC)).date()
    return day_words(max(last, made.day + timedelta(days=1)), made.day)


def day_words(day: date, since: date | None = None) -> str:
    """A day by its name within the week after `since`, else by its date: Tuesday, 1 December."""
    if since and day - since < timedelta(days=7):
        return f"{day:%A}"
    return f"{day.day} {day:%B}"


def dollars(amount: Decimal) -> str:
    """USD 1,234.50."""
    return f"USD {amount:,.2f}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
