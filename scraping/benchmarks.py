"""The ledger's and the scraping page's questions beside the plain way to ask them; run by manage.py benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction

from accounts.benchmarks import enough_accounts
from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock
from perf.benchmark import Case
from perf.costing import Address
from scraping import ledger
from scraping.condition import GOOD, PERIOD
from scraping.condition import conditions as read_conditions
from scraping.models import Attempt, JobState, ScrapeJob, ScrapeRun

TRIES_EACH = 2
PLATFORM = next(iter(PLATFORMS))
CLAIMED = 50


@contextmanager
def promised() -> Iterator[None]:
    """A job that is due for every account, and two tries at each within a day; taken back afterwards."""
    with enough_accounts():
        ledger.request_scrape(Account.objects.active(), None)
        Attempt.objects.bulk_create(_tries(), batch_size=1_000)
        yield


def _tries() -> Iterator[Attempt]:
    """One in ten is a login wall."""
    now = clock.now()
    for number, job in enumerate(ScrapeJob.objects.open().order_by("pk")):
        for again in range(TRIES_EACH):
            outcome = "login_wall" if (number + again) % 10 == 0 else "ok"
            at = now - timedelta(seconds=number % 80_000)
            yield Attempt(
                job=job,
                account_id=job.account_id,
                platform=job.platform,
                step="made up",
                started_at=at,
                seconds=0.1,
                outcome=outcome,
                worker="benchmark",
            )


def benchmarks() -> Iterator[Case]:
    """How the platforms are doing, and taking jobs that are due."""
    yield Case("tries of a day by platform", {"naive": count_in_python, "ours": counts}, world=promised)
    ways = {"naive": taken_back(claim_one_by_one), "ours": taken_back(claim)}
    yield Case(f"claiming {CLAIMED} jobs", ways, world=promised)


def _platforms() -> list[str]:
    return list(Account.objects.order_by("platform").values_list("platform", flat=True).distinct())


def count_in_python() -> dict[str, tuple[int, int]]:
    """Every try is loaded."""
    since, tried, good = clock.now() - PERIOD, Counter[str](), Counter[str]()
    for attempt in Attempt.objects.filter(started_at__gte=since):
        tried[attempt.platform] += 1
        good[attempt.platform] += attempt.outcome in GOOD
    return {name: (tried[name], good[name]) for name in _platforms()}


def counts() -> dict[str, tuple[int, int]]:
    """As the scraping page asks: with each platform's pauses and circuits."""
    return {name: (each.tries, each.good) for name, each in read_conditions(_platforms()).items()}


def taken_back(act: Callable[[], list[int]]) -> Callable[[], list[int]]:
    """`act` in a transaction that is rolled back, so that the next turn finds what this one found."""

    def acted() -> list[int]:
        with transaction.atomic():
            found = act()
            transaction.set_rollback(True)
        return found

    return acted


def claim_one_by_one() -> list[int]:
    """Each job is locked, changed and saved by itself, as a queue of single tasks does."""
    found = []
    for _ in range(CLAIMED):
        due = ScrapeJob.objects.filter(platform=PLATFORM, state=JobState.DUE, due_at__lte=clock.now())
        job = due.select_for_update().select_related("account").order_by("order_at", "due_at", "id").first()
        if job is None:
            break
        job.state, job.lease_until = JobState.LEASED, clock.now() + timedelta(minutes=2)
        job.token, job.attempts = job.token + 1, job.attempts + 1
        job.save()
        found.append(job.pk)
    return found


def claim() -> list[int]:
    """One statement leases them all."""
    return [job.pk for job in ledger.claim(PLATFORM, CLAIMED)]


def fill(person: Any) -> None:
    """A run of every account."""
    ledger.request_scrape(Account.objects.all(), person)


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    account = Address({"pk": Account.objects.order_by("pk")[0].pk})
    return {
        "scraping:platform": Address({"platform": PLATFORM}),
        "scraping:run": Address({"pk": ScrapeRun.objects.latest("pk").pk}),
        "scraping:standing": account,
        "scraping:attempts": account,
    }
