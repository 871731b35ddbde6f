"""manage.py seed: made-up accounts, figures and work items in any number, to try the product at size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts import seeding as registry
from project.demo import Mixture, refuse_mixture
from scraping.fakes.curves import GIVES
from snapshots import seeding as figures
from workitems import seeding as work

ROWS = {"postgresql": 100_000, "sqlite": 10_000}
"""Rows per transaction; on SQLite, where one writer keeps all others waiting, at most 200 ms of them."""
TELL_SECONDS = 5.0


class Command(BaseCommand):
    """Adds, and only adds: what the same seed has made before stays and is not made again."""

    help = (
        "Add made-up accounts (handles seed1_000000 …), their daily figures up to yesterday, marked as simulated, and"
        " work items (SEED1_0000000 …). The same seed makes the same rows. Interrupted, run it again: it goes on."
        " Use a database of its own: many rows are faster dropped with it than taken out again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the sizes and the seed."""
        parser.add_argument("--accounts", type=int, default=0, metavar="N")
        parser.add_argument("--days", type=int, default=100, metavar="D", help="days of figures of each (default: 100)")
        parser.add_argument("--items", type=int, default=0, metavar="M", help="work items")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="which ones (default: 1)")
        parser.add_argument("--yes", action="store_true", help="also where real figures are gathered")

    def handle(self, *, accounts: int, days: int, items: int, seed: int, yes: bool, **options: Any) -> None:
        """Make what is missing, and tell how far it is."""
        _check(accounts, days, items, seed)
        _refuse_real_data(yes=yes)
        self._follow("days of figures", _accounts(seed, accounts, days))
        self._follow("work items", work.seed_items(seed, items, rows=ROWS[connection.vendor]))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write("Done.")

    def _follow(self, what: str, counts: Iterator[int]) -> None:
        """Run through `counts` of rows, telling their sum and speed every few seconds."""
        started = told = time.monotonic()
        total = 0
        for count in counts:
            total += count
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._tell(what, total, told - started)
        self._tell(what, total, time.monotonic() - started)

    def _tell(self, what: str, total: int, seconds: float) -> None:
        self.stdout.write(f"{total:>12,} {what}, {total / max(seconds, 0.001):>9,.0f} rows/s")
        self.stdout.flush()


def _accounts(seed: int, count: int, days: int) -> Iterator[int]:
    """Store the accounts of `seed` that are missing, some at a time; yields how many figures each time."""
    there = registry.present(seed)
    missing = [number for number in range(count) if number not in there]
    if not missing:
        return
    made = registry.Registry(seed, count)
    step = max(ROWS[connection.vendor] // days, 1)
    for start in range(0, len(missing), step):
        yield figures.store(made.accounts(missing[start : start + step]), days, seed, GIVES)


def _check(accounts: int, days: int, items: int, seed: int) -> None:
    """Raises CommandError for sizes that cannot be made."""
    limits = {
        "--accounts": (accounts, 0, registry.MOST_ACCOUNTS),
        "--days": (days, 1, 3_650),
        "--items": (items, 0, work.MOST_ITEMS),
        "--seed": (seed, 0, registry.MOST_SEEDS - 1),
    }
    for name, (given, least, most) in limits.items():
        if not least <= given <= most:
            raise CommandError(f"{name} must be between {least:,} and {most:,}.")


def _refuse_real_data(*, yes: bool) -> None:
    """Raises CommandError where figures of real platforms are gathered, unless that is wanted."""
    if yes:
        return
    if not settings.FAKE_PLATFORMS_URL:
        raise CommandError(
            "This is not the demo, and seeding adds made-up accounts and figures to its database: say --yes to do so."
        )
    try:
        refuse_mixture(demo=True)
    except Mixture as refusal:
        raise CommandError(str(refusal)) from refusal
