"""`manage.py plan_capacity`: what a day's plan needs of every platform, what will not fit, and what to do."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

import orjson
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from perf.templatetags.figures import duration, share
from scraping.advice import advice, dollars, summary
from scraping.capacity import PlatformForecast
from scraping.forecasting import NotAhead, forecast

COLUMNS = ("Platform", "Accounts", "Calls", "Learning", "Repeated", "Of quota", "At least", "Last call", "Cost")


class Command(BaseCommand):
    """Writes a table and sentences, or with --json the same as data."""

    help = "Say what the plan of tomorrow (or --day) needs of each platform's limits and money, and what will not fit."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="today or later")
        parser.add_argument("--json", action="store_true", help="write JSON")

    def handle(self, *, day: date | None, json: bool, **options: Any) -> None:
        try:
            made = forecast(day)
        except (ImproperlyConfigured, NotAhead) as error:
            raise CommandError(str(error)) from error
        if json:
            self.stdout.write(orjson.dumps(made.as_data(), option=orjson.OPT_INDENT_2).decode())
            return
        self._table([COLUMNS, *(_cells(row) for row in made.platforms)] if made.platforms else [])
        self.stdout.write(summary(made))
        for row in made.platforms:
            for sentence in advice(made, row):
                self.stdout.write(f"- {sentence}")

    def _table(self, rows: list[tuple[str, ...]]) -> None:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *others in rows:
            cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
            self.stdout.write("  ".join([first.ljust(widths[0]), *cells]))


def _cells(row: PlatformForecast) -> tuple[str, ...]:
    """One platform as a line of the table."""
    if row.off:
        return (row.platform.label, f"{row.accounts:,}", "off", *[""] * (len(COLUMNS) - 3))
    return (
        row.platform.label,
        *(f"{count:,}" for count in (row.accounts, row.calls, row.learning, row.repeated)),
        share(row.share, 1) or "–",
        duration(row.least_seconds),
        row.ends.strftime("%d %b %H:%M UTC") if row.ends else "–",
        dollars(row.money.plan) if row.money else "–",
    )
