"""The last days of one account, those without a figure too, each of these with why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from accounts.models import Account
from perf import clock
from snapshots.coverage import Absence, explained_days
from snapshots.models import Quality, Snapshot

SHOWN = 30
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its published figure and the change from the day before (None: unknown), or why there is no figure."""

    date: date
    figure: Snapshot | None
    change: int | None
    absence: Absence | None


def recent_days(account: Account) -> list[Day]:
    """The last SHOWN days until today, newest first; none from before the account was known here."""
    today = clock.today()
    rows = list(Snapshot.objects.filter(account=account, date__gte=today - timedelta(days=SHOWN)))
    figures = {row.date: row for row in rows if row.quality == Quality.PUBLISHED}
    doubted = {row.date: row.quality for row in rows if row.date not in figures}
    known_since = min([timezone.localdate(account.created_at), *figures])
    length = min((today - known_since).days + 1, SHOWN)
    days = [today - timedelta(days=back) for back in range(length)]
    absences = explained_days(account, [day for day in days if day not in figures], doubted)
    return [Day(day, figures.get(day), _change(figures, day), absences.get(day)) for day in days]


def _change(figures: dict[date, Snapshot], day: date) -> int | None:
    now, before = figures.get(day), figures.get(day - ONE_DAY)
    if now is None or before is None or now.followers is None or before.followers is None:
        return None
    return now.followers - before.followers
