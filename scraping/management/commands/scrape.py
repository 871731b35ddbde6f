"""`manage.py scrape`: ask for a scrape now and, with --wait, watch it to its end."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.timezone import localtime
from kombu.exceptions import OperationalError

from accounts.models import Account
from accounts.platforms import PLATFORMS, find_platform
from perf import clock
from scraping import ledger
from scraping.gather import gather
from scraping.models import JobState, ScrapeJob, ScrapeRun
from scraping.outcomes import label
from scraping.tasks import wake

EVERY = 1.0  # seconds between two looks at the run
TURN = 5.0  # seconds at a platform when gathering here
STEP = 10  # per cent between two plain lines
WIDTH = 30  # characters of the bar
FAILED_STATES = (JobState.FAILED, JobState.DEAD, JobState.CANCELLED)


class Command(BaseCommand):
    """Promise a scrape; exit code 1 when something of it failed for good or no worker is there to wait for."""

    help = "Scrape all active accounts now, ahead of the nightly plan, or those of one platform, or one account."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--platform", default="", help="only this platform's accounts")
        which.add_argument("--account", default="", metavar="PLATFORM/HANDLE", help="only this account")
        parser.add_argument("--wait", action="store_true", help="show the progress until it is over")
        parser.add_argument("--here", action="store_true", help="gather in this process instead of the workers; waits")

    def handle(self, *, platform: str, account: str, wait: bool, here: bool, **options: Any) -> None:
        scope, accounts, name = "all", Account.objects.all(), ""
        if platform or account:
            scope = "platform" if platform else "accounts"
            name, handle = _named(platform or account.partition("/")[0]), account.partition("/")[2]
            accounts = accounts.at(name, handle) if account else accounts.filter(platform=name)
        try:
            with transaction.atomic():
                run = ledger.request_scrape(accounts, None, scope=scope, platform=name if platform else "")
                if not here:
                    wake()
        except ledger.Refused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(f"Run {run.pk} asks for {run.jobs.count()} accounts.")
        if wait or here:
            if not here and not _workers():
                raise CommandError(f"No worker is running: run {run.pk} waits for one. Start it, or use --here.")
            self._watch(run, _gather_here if here else lambda: time.sleep(EVERY))

    def _watch(self, run: ScrapeRun, spend_time: Callable[[], object]) -> None:
        """Show `run` until it is over; exit with 1 when jobs failed for good."""
        show = _bar(sys.stderr) if sys.stderr.isatty() else _lines(self.stdout.write)
        try:
            while (seen := ScrapeRun.objects.progress().get(pk=run.pk)).is_open:
                show(seen)
                spend_time()
        except KeyboardInterrupt:
            raise CommandError(f"No longer watching; run {run.pk} goes on. Cancel it under /scraping/.") from None
        show(seen)
        self.stdout.write(f"{seen.get_state_display()}: {seen.done_jobs} of {seen.total_jobs} answered.")
        for row in ScrapeJob.objects.filter(runjob__run=run).without_figure():
            self.stdout.write(f"  {PLATFORMS[row['platform']].label}: {row['jobs']} × {label(row['outcome'])}")
        if any(getattr(seen, f"{state}_jobs") for state in FAILED_STATES):
            sys.exit(1)


def _named(platform: str) -> str:
    known = find_platform(platform)
    if known is None:
        raise CommandError(f"There is no platform {platform!r}. Known: {', '.join(PLATFORMS)}.")
    return known.name


def _workers() -> bool:
    """Whether a worker answers."""
    try:
        return bool(current_app.control.ping(timeout=2.0))
    except OperationalError:
        return False


def _gather_here() -> None:
    """Gather what is due, a turn per platform; rest a moment when nothing is."""
    settled = sum(gather(name, monotonic() + TURN) for name, _ in ledger.waiting_platforms(PLATFORMS))
    if not settled:
        ledger.sweep()
        time.sleep(EVERY)


def status(run: ScrapeRun) -> str:
    """How far `run` is, in one line: done of total, speed, time left, failures, and what waits until when."""
    parts = [f"{run.closed_jobs} of {run.total_jobs}"]
    if run.per_minute:
        parts.append(f"{run.per_minute:.0f} a minute")
    if run.eta is not None:
        parts.append(f"about {max(run.eta.total_seconds() / 60, 1):.0f} min left")
    if failed := run.failed_jobs + run.dead_jobs:
        parts.append(f"{failed} failed")
    for row in ScrapeJob.objects.filter(runjob__run=run).waiting():
        until = localtime(row["until"]).strftime("%H:%M" if row["until"] - clock.now() < _DAY else "%d %b %H:%M")
        parts.append(f"{PLATFORMS[row['platform']].label}: {row['jobs']} wait until {until} ({label(row['why'])})")
    return " · ".join(parts)


_DAY = timedelta(hours=20)


def _bar(stream: Any) -> Callable[[ScrapeRun], None]:
    """Shows runs as a bar that is drawn over and over."""

    def show(run: ScrapeRun) -> None:
        done = WIDTH * run.percent // 100
        stream.write(f"\r\x1b[K[{'#' * done}{'.' * (WIDTH - done)}] {status(run)}" + ("" if run.is_open else "\n"))
        stream.flush()

    return show


def _lines(write: Callable[[str], object]) -> Callable[[ScrapeRun], None]:
    """Shows runs as lines, one per step and whenever what waits changes."""
    told: set[tuple[int, str]] = set()

    def show(run: ScrapeRun) -> None:
        line = status(run)
        waits = line.partition(" wait until ")[2]
        if (news := (run.percent // STEP, waits)) not in told:
            told.add(news)
            write(f"{run.percent} % · {line}")

    return show
