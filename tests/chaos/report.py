"""What a scrape under faults left behind: the report, and how it is judged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Sum

from scraping.models import Attempt
from scraping.outcomes import OK
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot


@dataclass(slots=True)
class Report:
    """What was done to a scrape and what was left of it. Counts, unless it says seconds."""

    jobs: int
    struck: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    lost: int = 0  # jobs that ended without their account's figure, those given up and retried apart
    given_up: int = 0  # jobs whose worker died three times; a person's "retry" took them up again
    duplicates: int = 0  # accounts with more than one figure of the day, or recorded by two attempts
    wrong: int = 0  # figures that are not what the platform served
    untrue_totals: int = 0  # latest rows and daily totals that do not say what the figures say
    longest_orphan: float = 0.0  # seconds for which a dead worker's job stood leased after its lease had ended
    exceeded: list[str] = field(default_factory=list)  # windows of platforms with more calls than they allow
    wasted: int = 0  # calls that were made again because their worker died

    @property
    def whole(self) -> bool:
        """Whether nothing was lost, doubled or overspent."""
        return not (self.lost or self.duplicates or self.wrong or self.untrue_totals or self.exceeded)

    def __str__(self) -> str:
        struck = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.struck.items()))
        rows = {
            "jobs": f"{self.jobs:,} in {self.seconds:,.0f} s",
            "struck by": struck or "nothing",
            "lost": self.lost,
            "duplicate figures": self.duplicates,
            "wrong figures": self.wrong,
            "untrue totals": self.untrue_totals,
            "windows exceeded": ", ".join(self.exceeded) or 0,
            "given up after three deaths, then retried": self.given_up,
            "longest a dead lease stood": f"{self.longest_orphan:.1f} s",
            "calls made again": self.wasted,
        }
        return "\n".join(f"{name:<42} {value}" for name, value in rows.items())


def doubled_attempts() -> int:
    """Accounts whose figure was recorded by more than one attempt: a second fetch got past the fencing."""
    good = Attempt.objects.filter(outcome=OK).values("job").annotate(n=Count("id"))
    return good.filter(n__gt=1).count()


def untrue_totals() -> int:
    """Latest rows and daily totals that differ from what the figures themselves say."""
    shots = dict(Snapshot.objects.published().values_list("account_id", "followers"))
    latest = dict(LatestSnapshot.objects.values_list("account_id", "followers"))
    stored = DailyTotal.objects.values_list("date", "platform", "organization", "followers", "accounts")
    cells = Snapshot.objects.published().values_list("date", "account__platform", "account__organization")
    counted = cells.annotate(Sum("followers"), Count("id"))
    return sum(latest.get(account) != n for account, n in shots.items()) + len(set(stored) ^ set(counted.order_by()))


def exceeded(row: dict[str, Any]) -> str:
    """What is wrong with one meter of the fakes; empty when it never saw more than it allows."""
    window = row["window"]
    most = row["max_in_any_span"] if window["kind"] == "rolling" else row["max_in_window"]
    return f"{row['platform']} {most} of {window['calls']} in {window['seconds']} s" if most > window["calls"] else ""
