"""The demo: the real roster with a simulated year, kept apart from figures that somebody observed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.contrib.auth.models import AbstractUser
from django.db import transaction

from accounts.models import Account
from perf.clock import today
from scraping.fakes.curves import seeded
from scraping.models import ScrapeRun
from snapshots.models import Snapshot, Source
from snapshots.recording import Sighting, record

HISTORY_DAYS = 365
SEEN_AT = time(4, 0, tzinfo=UTC)  # when the nightly scrape would have seen a day's figures


class Mixture(Exception):
    """Simulated and observed figures would meet in one database; the message is one line."""


def refuse_mixture(*, demo: bool) -> None:
    """Raises Mixture when this database holds figures of the other kind than this start would write."""
    if demo:
        observed = Snapshot.objects.filter(source=Source.OBSERVED).count()
        if observed:
            raise Mixture(
                f"This database holds {observed:,} observed figures, and a demo would mix simulated ones into them:"
                " start with DEMO=0, or set DATA_DIR to another folder for the demo."
            )
        return
    simulated = Snapshot.objects.filter(source=Source.SIMULATED).count()
    if simulated:
        raise Mixture(
            f"This database holds {simulated:,} simulated figures of the demo: start with DEMO=1, set DATA_DIR to"
            " another folder, or remove them with `manage.py forget_demo`."
        )


def seed_history() -> int:
    """Give every active account the simulated figures of each of the last 365 days that lacks any; how many.

    Run again it fills only what is missing, so an interrupted start, or days on which the demo did not run, heal.
    """
    last = today() - timedelta(days=1)
    first = last - timedelta(days=HISTORY_DAYS - 1)
    known = set(Snapshot.objects.filter(date__range=(first, last)).values_list("account_id", "date"))
    days = [first + timedelta(days=number) for number in range(HISTORY_DAYS)]
    sightings = [
        Sighting(
            account_id=account,
            date=day,
            observed_at=datetime.combine(day, SEEN_AT),
            source=Source.SIMULATED,
            **seeded(platform, handle, day),
        )
        for account, platform, handle in Account.objects.active().values_list("id", "platform", "handle")
        for day in days
        if (account, day) not in known
    ]
    record(sightings)
    return len(sightings)
