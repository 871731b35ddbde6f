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

from accounts.models import Account, AccountQuerySet
from accounts.platforms import PLATFORMS, find_platform
from perf import clock
from scraping import giving_up, ledger
from scraping.gather import gather
from scraping.models import JobState, ScrapeJob, ScrapeRun
from scraping.outcomes import Ended, label
from scraping.tasks import wake

EVERY = 1.0  # seconds between two looks at the run
TURN = 5.0  # seconds at a platform when gathering here
STEP = 10  # per cent between two plain lines
WIDTH = 30  # characters of the bar
NOT_OVER = 3  # exit code: the time given was over before the run was
FAILED_STATES = (JobState.FAILED, JobState.DEAD, JobState.CANCELLED)


class Command(BaseCommand):
    """Promise a scrape and, where asked to, watch it."""

    help = (
        "Scrape all active accounts now, ahead of the nightly plan, or those of one platform, or one account. Exit "
        "code 0: over; 1: something of it failed for good, or no worker is there to wait for; 3: not over in time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--platform", default="", help="only this platform's accounts")
        which.add_argument("--account", default="", metavar="PLATFORM/HANDLE", help="only this account")
        parser.add_argument(
            "--mode",
            choices=ScrapeRun.Mode.values,
            default=ScrapeRun.Mode.FULL,
            help="full waits as long as it takes (default), fast skips what would have to wait for more than a minute, "
            "demo takes five accounts",
        )
        parser.add_argument("--wait", action="store_true", help="show the progress until it is over")
        parser.add_argument("--here", action="store_true", help="gather in this process instead of the workers; waits")
        parser.add_argument(
            "--timeout", type=float, default=600, metavar="SECONDS", help="how long to wait (default: %(default)s)"
        )

    def handle(self, *, platform: str, account: str, wait: bool, here: bool, **options: Any) -> None:
        scope, accounts, name = "all", Account.objects.all(), ""
        if platform or account:
            scope = "platform" if platform else "accounts"
            name, handle = _named(platform or account.partition("/")[0]), account.partition("/")[2]
            accounts = accounts.at(name, handle) if account else accounts.filter(platform=name)
        asked = {"scope": scope, "platform": name if platform else "", "mode": options["mode"]}
        run = self._request(accounts, asked, wake_workers=not here)
        if wait or here:
            if not here and not _workers():
                raise CommandError(f"No worker is running: run {run.pk} waits for one. Start it, or use --here.")
            self._watch(run, _gather_here if here else lambda: time.sleep(EVERY), options["timeout"])

    def _request(self, accounts: AccountQuerySet, asked: dict[str, str], *, wake_workers: bool) -> ScrapeRun:
        try:
            with transaction.atomic():
                run = ledger.request_scrape(accounts, None, **asked)
                if wake_workers:
                    wake()
        except ledger.Refused as refused:
            raise CommandError(str(refused)) from refused
        on_hold = f"; {run.left_out} are on hold and left out" if run.left_out else ""
        self.stdout.write(f"Run {run.pk} asks for {run.jobs.count()} accounts{on_hold}.")
        return run

    def _watch(self, run: ScrapeRun, spend_time: Callable[[], object], seconds: float) -> None:
        """Show `run` until it is over or nothing more can come of it in time; exit with 1 when jobs failed for good."""
        show = _bar(sys.stderr) if sys.stderr.isatty() else _lines(self.stdout.write)
        end = monotonic() + seconds
        try:
            while (seen := ScrapeRun.objects.progress().get(pk=run.pk)).is_open:
                show(seen)
                if monotonic() >= end or _only_waits(run, end - monotonic()):
                    raise CommandError(_unfinished(seen), returncode=NOT_OVER)
                spend_time()
        except KeyboardInterrupt:
            raise CommandError(f"No longer watching; run {run.pk} goes on. Cancel it under /scraping/.") from None
        show(seen)
        self.stdout.write(f"{seen.get_state_display()}: {seen.done_jobs} of {seen.total_jobs} answered.")
        if seen.moved:
            self.stdout.write(f"  {seen.moved} go on in another run.")
        jobs = ScrapeJob.objects.filter(runjob__run=run)
        for row in jobs.without_figure():
            self.stdout.write(f"  {PLATFORMS[row['platform']].label}: {row['jobs']} × {label(row['outcome'])}")
        if jobs.filter(state__in=FAILED_STATES).exclude(outcome=Ended.SKIPPED).exists():
            sys.exit(1)


def _only_waits(run: ScrapeRun, seconds: float) -> bool:
    """Whether everything that is left of `run` waits for longer than `seconds`."""
    left = ScrapeJob.objects.filter(runjob__run=run)
    later = left.waiting_beyond(clock.db_now(timedelta(seconds=seconds)))
    return left.open().exists() and not left.open().exclude(pk__in=later.values("pk")).exists()


def _unfinished(run: ScrapeRun) -> str:
    """What is left of `run`, and that it goes on."""
    left = run.due_jobs + run.leased_jobs
    return (
        f"Run {run.pk} is not over: {left} of {run.total_jobs} accounts are left · {status(run)}. It goes on by "
        "itself; see /scraping/, where it can be cancelled too."
    )


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
    settled = giving_up.give_up()
    settled += sum(gather(name, monotonic() + TURN) for name, _ in ledger.waiting_platforms(PLATFORMS))
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
