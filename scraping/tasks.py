"""Doorways from Celery into gathering. Any message may be lost: the rows say what is still to do."""

from __future__ import annotations

from time import monotonic

from celery import shared_task

from accounts.platforms import PLATFORMS
from perf import hints
from scraping import alerts, giving_up, hours, ledger
from scraping import gather as gathering

DISPATCH_SECONDS = 10  # how often due work is looked for; an older message is worthless
TURN_SECONDS = 25  # how long one message keeps a worker at one platform


@shared_task
def plan() -> None:
    """Insert what is missing of today's plan."""
    ledger.plan()


@shared_task
def sweep() -> None:
    """Take back what dead workers held."""
    ledger.sweep()


@shared_task
def dispatch(*, by: str = "") -> None:
    """Send a turn to every platform that has something due, the better its best job the sooner."""
    ledger.beat("worker", *filter(None, [by]))
    for platform, rank in ledger.waiting_platforms(PLATFORMS):
        turn = {"platform": platform, "seconds": TURN_SECONDS}
        gather_batches.apply_async(kwargs=turn, queue=platform, priority=2 * rank, expires=DISPATCH_SECONDS)
    giving_up.give_up()  # after the turns are sent: they do not wait for it, nor for what it may trip over


@shared_task
def gather_batches(*, platform: str, seconds: int) -> None:
    """One turn at one platform."""
    gathering.gather(platform, monotonic() + seconds)


@shared_task
def watch() -> None:
    """Look whether all is well, and tell those who have to know."""
    ledger.beat("worker")  # who looks is at work, also when beat no longer sends anything
    alerts.watch()


@shared_task
def roll_up() -> None:
    """Count the hours that have something new."""
    hours.roll_up()


def watch_without_beat() -> None:
    """Have somebody look whether all is well, should beat no longer ask for it; nothing without a broker."""
    hints.send(watch, expires=alerts.EVERY)


def wake() -> None:
    """Have what this transaction promises dispatched once it is committed, not only at the next beat.

    Without a broker nothing is lost by it: beat dispatches later.
    """
    hints.after_commit(dispatch, expires=DISPATCH_SECONDS)
