"""What a day's plan takes of each platform's limits and money, and in words what does not fit and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from accounts.platforms import Platform
from scraping.models import Rank
from scraping.rehearsal import Outcome


@dataclass(frozen=True, slots=True)
class LimitForecast:
    """What one limit (a credential, or a host) has to let through. `quota`: calls a day, None where nothing limits.

    `spent`: calls of the platform's own day that are gone before the first one. `least_seconds`: how long the limit
    alone makes the calls take.
    """

    host: str
    credential: str
    accounts: int
    quota: int | None
    spent: int
    least_seconds: float
    outcome: Outcome

    @property
    def left(self) -> int:
        """Accounts that are not read that day."""
        return self.outcome.left.total()

    def as_data(self) -> dict[str, Any]:
        """One limit for JSON."""
        return {
            "host": self.host,
            "credential": self.credential,
            "accounts": self.accounts,
            "calls": self.outcome.calls,
            "calls_a_day": self.quota,
            "spent": self.spent,
            "late": self.outcome.late,
            "left": _by_name(self.outcome.left),
        }


@dataclass(frozen=True, slots=True)
class Money:
    """What a platform that bills takes, in dollars: the day's plan, and the month's `budget` (None: not set).

    `spent`: of the budget, by now. `days`: how many plans the rest of the month has, this one included.
    """

    budget: Decimal | None
    spent: Decimal
    plan: Decimal
    days: int

    @property
    def left(self) -> Decimal:
        """What may still be spent this month; nothing without a budget."""
        return max((self.budget or Decimal(0)) - self.spent, Decimal(0))

    @property
    def month(self) -> Decimal:
        """What the month will have cost at its end, every day like this one."""
        return self.spent + self.plan * self.days

    @property
    def days_covered(self) -> int:
        """How many of `days` the budget pays for."""
        return min(self.days, int(self.left / self.plan)) if self.plan else self.days

    @property
    def suffices(self) -> bool:
        """Whether the budget lasts to the month's end."""
        return self.budget is not None and self.month <= self.budget

    def as_data(self) -> dict[str, Any]:
        """Dollars for JSON."""
        return {
            "budget": None if self.budget is None else float(self.budget),
            "spent": float(self.spent),
            "plan": float(self.plan),
            "month": float(self.month),
            "days": self.days,
            "days_covered": self.days_covered,
        }


def _by_name(left: Counter[int]) -> dict[str, int]:
    return {Rank(rank).name.lower(): count for rank, count in sorted(left.items()) if count}


@dataclass(frozen=True, slots=True)
class PlatformForecast:
    """One platform's part of a plan. `off` says why it is not read, or is empty; `unasked` accounts need no call."""

    platform: Platform
    accounts: int
    unasked: int = 0
    off: str = ""
    limits: Sequence[LimitForecast] = ()
    money: Money | None = None

    @property
    def calls(self) -> int:
        """Calls of all its limits."""
        return sum(limit.outcome.calls for limit in self.limits)

    @property
    def learning(self) -> int:
        """Of these, calls that bring an id alone."""
        return sum(limit.outcome.learning for limit in self.limits)

    @property
    def repeated(self) -> int:
        """Of these, calls that come of failures."""
        return sum(limit.outcome.repeated for limit in self.limits)

    @property
    def left(self) -> Counter[int]:
        """By rank, accounts that are not read that day."""
        return sum((limit.outcome.left for limit in self.limits), Counter())

    @property
    def waiting(self) -> int:
        """How many accounts are not read that day."""
        return self.left.total()

    @property
    def late(self) -> int:
        """Accounts read that day, but after SCRAPE_WINDOW."""
        return sum(limit.outcome.late for limit in self.limits)

    @property
    def tightest(self) -> LimitForecast | None:
        """The limit of which the largest share is needed."""
        return max(self.limits, key=lambda limit: limit.outcome.calls / (limit.quota or 10**9), default=None)

    @property
    def share(self) -> float | None:
        """The share of its quota that the tightest limit needs a day; None where nothing limits."""
        tightest = self.tightest
        return tightest.outcome.calls / tightest.quota if tightest and tightest.quota else None

    @property
    def least_seconds(self) -> float:
        """How long the slowest limit alone makes the calls take."""
        return max((limit.least_seconds for limit in self.limits), default=0.0)

    @property
    def ends(self) -> datetime | None:
        """When the last call is made; None without any."""
        known = [limit.outcome.ends for limit in self.limits if limit.outcome.ends is not None]
        return datetime.fromtimestamp(max(known), UTC) if known else None

    @property
    def fits(self) -> bool:
        """Whether all of it is read within SCRAPE_WINDOW."""
        return not self.off and not self.late and not self.waiting

    def as_data(self) -> dict[str, Any]:
        """One platform for JSON; instants as such, dollars as numbers, `left` by the name of the rank."""
        return {
            "platform": self.platform.name,
            "off": self.off,
            "accounts": self.accounts,
            "unasked": self.unasked,
            "calls": self.calls,
            "learning": self.learning,
            "repeated": self.repeated,
            "quota_share": self.share,
            "least_minutes": self.least_seconds / 60,
            "ends": self.ends,
            "late": self.late,
            "left": _by_name(self.left),
            "fits": self.fits,
            "money": self.money.as_data() if self.money else None,
            "limits": [limit.as_data() for limit in self.limits],
        }


@dataclass(frozen=True, slots=True)
class Forecast:
    """A day's plan against the limits: when it may start, when it should be over, when the next one starts."""

    day: date
    start: datetime
    night_end: datetime
    end: datetime
    platforms: Sequence[PlatformForecast]

    @property
    def fits(self) -> bool:
        """Whether every platform's part is read in time."""
        return all(row.fits for row in self.platforms)

    @property
    def accounts(self) -> int:
        """Accounts in the plan."""
        return sum(row.accounts for row in self.platforms)

    @property
    def calls(self) -> int:
        """Calls to all platforms."""
        return sum(row.calls for row in self.platforms)

    def as_data(self) -> dict[str, Any]:
        """The forecast for JSON: what each platform, and each of its limits, needs and will not fit."""
        return {
            "day": self.day,
            "start": self.start,
            "window_end": self.night_end,
            "fits": self.fits,
            "platforms": [row.as_data() for row in self.platforms],
        }
