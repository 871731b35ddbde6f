"""A large scrape by workers that are killed while Redis, database and platforms fail, and what became of it."""

from __future__ import annotations

import json
import os
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import redis
from celery import current_app
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Count, Max

from accounts.models import Account, Organization
from accounts.platforms import handle_key
from perf import clock
from project import children
from project.embedded import Postgres, Valkey
from scraping import ledger
from scraping.fakes import curves
from scraping.models import Attempt, JobState, PlatformState, ScrapeJob, ScrapeRun
from scraping.outcomes import OK, Ended
from snapshots.models import Snapshot
from tests import processes
from tests.chaos.report import Report, doubled_attempts, exceeded, untrue_totals

T = TypeVar("T")

SHARES = {"youtube": 6, "x": 1}  # of the accounts; all three are read in batches and have no daily cap here
STORMED = ("youtube", "x")
STORM_CALLS = 6  # calls that each stormed platform refuses with 429
STORM_SECONDS = 2  # what its Retry-After says
HANG_SECONDS = 4.0
BEATS = 3
MAIN_KILLS = 5  # every fifth kill takes a whole worker, the others one of its pool processes
SECONDS_A_CALL = (0.1, 0.3)
HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what fails during the scrape, spread over it by how much of it is done."""

    worker_kills: int = 0
    redis_kills: int = 0
    redis_wipes: int = 0
    redis_hangs: int = 0
    postgres_kills: int = 0
    storms: int = 0
    host_cuts: int = 0  # of a GatheringOnHosts

    def spread(self, rng: random.Random) -> list[tuple[float, str]]:
        """Every fault with the share of the jobs after which it strikes, the first first."""
        named = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return sorted((rng.uniform(0.02, 0.95), name) for name, count in named for _ in range(count))


class Gathering:
    """The world of one such scrape: workers, their servers, the fake platforms, and the faults that are still to come.

    It stands in for beat (dispatch and sweep, BEATS times over) unless `beats` runs real ones.
    """

    def __init__(
        self,
        fakes_url: str,
        valkey: Valkey,
        *,
        workers: int = 2,
        concurrency: int = 2,
        lease: int = 10,
        sweep_every: float = 3.0,
        postgres: Postgres | None = None,
        beats: int = 0,
        seed: int = 1,
        say: Callable[[str], object] = lambda _: None,
    ) -> None:
        self.fakes_url = fakes_url
        self.valkey = valkey
        self.postgres = postgres
        self.rng = random.Random(seed)
        self.concurrency = concurrency
        self.sweep_every = sweep_every
        self.say = say
        self.env = {
            "FAKE_PLATFORMS_URL": fakes_url,
            "BROKER_URL": valkey.url(1),
            "REDIS_URL": valkey.url(0),
            "SCRAPE_WORKERS": "1",  # small claims: a kill costs little, and many fit into one scrape
            "LEASE_SECONDS": str(lease),
            "X_TOKEN": "token",
            "YOUTUBE_TOKEN": "key",
            "X_MONTHLY_BUDGET_USD": "100000",
            "LOG_LEVEL": "ERROR",
        }
        self.workers: list[processes.Process | None] = [None] * workers
        self.beats: list[processes.Process | None] = [None] * beats
        self.report = Report(0)
        self._swept = self._dispatched = 0.0
        self._thaw = 0.0

    # --- The scrape -------------------------------------------------------------------------------

    def run(self, jobs: int, faults: Faults, *, seconds: float) -> Report:
        """Scrape `jobs` new accounts under `faults`; raises AssertionError when it is not over after `seconds`."""
        self.report = Report(jobs)
        today = clock.today()
        run = promise(jobs)
        fakes(self.fakes_url, reset=True, latency=SECONDS_A_CALL)
        waiting = faults.spread(self.rng)
        started = time.monotonic()
        try:
            while (left := self._look(_open_jobs)) or self._retry_given_up():
                assert time.monotonic() - started < seconds, self._stuck(waiting)
                self._keep_alive()
                while waiting and jobs - left >= waiting[0][0] * jobs and self._strike(waiting[0][1]):
                    waiting.pop(0)
                self._watch_leases()
                time.sleep(0.05)
        finally:
            self._stop()
        assert not waiting, f"{len(waiting)} faults had no time to strike: {waiting}"
        self.report.seconds = time.monotonic() - started
        self._judge(run, today)
        return self.report

    def _keep_alive(self) -> None:
        """Restart what died, as whoever runs Tidemark does, and beat where nobody does."""
        if self._thaw and time.monotonic() > self._thaw:
            self._thaw = 0.0
            self._redis_process().send_signal(signal.SIGCONT)
        for number, worker in enumerate(self.workers):
            if worker is None or worker.popen.poll() is not None:
                self.workers[number] = self._start_worker()
        for number, beat in enumerate(self.beats):
            if beat is None or beat.popen.poll() is not None:
                self.beats[number] = self._start_beat(number)
        if not self.beats and not self._thaw:
            self._beat()

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._dispatched > 1:
            self._dispatched = now
            for _ in range(BEATS):
                self._send("scraping.tasks.dispatch")
        if now - self._swept > self.sweep_every:
            self._swept = now
            for _ in range(BEATS):
                self._look(ledger.sweep)

    def _send(self, task: str) -> None:
        """Put a message into the queue of the workers' own Redis; one that does not answer loses it."""
        with suppress(redis.RedisError, OSError), current_app.connection_for_write(self.valkey.url(1)) as broker:
            current_app.send_task(task, connection=broker, queue="control", retry=False, expires=10)

    def _start_worker(self) -> processes.Process:
        options = ["--concurrency", str(self.concurrency), "--without-gossip", "--without-mingle"]
        command = ["-m", "celery", "-A", "project", "worker", "--loglevel", "error", *options]
        return processes.start("worker", command, processes.environment(**self.env))

    def _start_beat(self, number: int) -> processes.Process:
        schedule = str(self.valkey.directory / f"beat{number}")
        command = ["-m", "celery", "-A", "project", "beat", "--schedule", schedule, "--pidfile=", "--loglevel", "error"]
        return processes.start("beat", command, processes.environment(**self.env))

    def _stop(self) -> None:
        if self._thaw:
            self._redis_process().send_signal(signal.SIGCONT)
            self._thaw = 0.0
        for process in [*self.workers, *self.beats]:
            if process is not None:
                process.kill()
        self.workers = [None] * len(self.workers)
        self.beats = [None] * len(self.beats)

    def _retry_given_up(self) -> bool:
        """Take up again, as a person would, what was given up because three workers died of something else."""
        dead = ScrapeJob.objects.filter(state=JobState.DEAD, outcome=Ended.WORKER_DIED)
        accounts = set(dead.values_list("account", flat=True)) - _recorded()
        if accounts:
            self.report.given_up += len(accounts)
            ledger.request_scrape(Account.objects.filter(pk__in=accounts), None)
        return bool(accounts)

    # --- The faults -------------------------------------------------------------------------------

    def _strike(self, fault: str) -> bool:
        """Let `fault` happen now; False when that has to wait, because nothing is there to be struck."""
        struck = bool(getattr(self, f"_{fault}")())
        self.report.struck[fault] += struck
        if struck and fault != "worker_kills":
            self.say(f"{self._look(_open_jobs):>7,} jobs left: {fault.replace('_', ' ')}")
        return struck

    def _worker_kills(self) -> bool:
        """Kill −9 a pool process, every fifth time a whole worker, while it holds jobs."""
        if self._thaw or not self._look(lambda: ScrapeJob.objects.filter(state=JobState.LEASED).exists()):
            return False
        whole = self.report.struck["worker_kills"] % MAIN_KILLS == 0
        alive = [worker for worker in self.workers if worker is not None and pool_of(worker.popen.pid)]
        if not alive:
            return False
        worker = self.rng.choice(alive)
        if whole:
            worker.kill()
        else:
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(pool_of(worker.popen.pid)), signal.SIGKILL)
        return True

    def _redis_kills(self) -> bool:
        if self._thaw:
            return False
        children.kill(self._redis_process())
        self.valkey.start()
        return True

    def _redis_wipes(self) -> bool:
        if self._thaw:
            return False
        with redis.Redis.from_url(self.valkey.url()) as client:
            client.flushall()
        return True

    def _redis_hangs(self) -> bool:
        if self._thaw:
            return False
        self._redis_process().send_signal(signal.SIGSTOP)
        self._thaw = time.monotonic() + HANG_SECONDS
        return True

    def _postgres_kills(self) -> bool:
        assert self.postgres is not None, "this scrape's database is not ours to kill"
        assert self.postgres.process is not None
        children.kill(self.postgres.process)
        self.postgres.start()
        return True

    def _storms(self) -> bool:
        """Every platform refuses calls at once, and says for how long."""
        storm = {"kind": "rate_limit", "times": STORM_CALLS, "value": STORM_SECONDS}
        fakes(self.fakes_url, faults=[storm | {"platform": name} for name in STORMED])
        return True

    def _redis_process(self) -> Any:
        assert self.valkey.process is not None
        return self.valkey.process

    # --- What became of it ------------------------------------------------------------------------

    def _watch_leases(self) -> None:
        """How long the oldest lease of a dead worker has been over by the database's own clock."""
        expired = ScrapeJob.objects.filter(state=JobState.LEASED).annotate(now=clock.db_now())
        oldest = self._look(lambda: expired.order_by("lease_until").values_list("now", "lease_until").first())
        if oldest:
            self.report.longest_orphan = max(self.report.longest_orphan, (oldest[0] - oldest[1]).total_seconds())

    def _stuck(self, waiting: list[tuple[float, str]]) -> str:
        """What is still open, and what each worker said last."""
        jobs = ScrapeJob.objects.values_list("platform", "state", "outcome").annotate(
            n=Count("id"), tries=Max("attempts")
        )
        paused = PlatformState.objects.paused().values_list("platform", "why", "paused_until")
        logs = [worker.output()[-2_000:] for worker in self.workers if worker is not None]
        said = [f"{self.report.struck}, {len(waiting)} to come", *jobs.order_by("platform", "state"), *paused, *logs]
        return "not over in time:\n" + "\n".join(map(str, said))

    def _look(self, question: Callable[[], T]) -> T:
        """The answer of a database that may be restarting."""
        for _ in range(200):
            try:
                return question()
            except DatabaseError:
                connection.close()
                time.sleep(0.1)
        return question()

    def _judge(self, run: ScrapeRun, day: date) -> None:
        report = self.report
        run.refresh_from_db()
        report.lost += run.state != ScrapeRun.State.DONE
        recorded = Snapshot.objects.filter(date=day).values_list(
            "account_id", "account__platform", "account__handle", "followers"
        )
        seen = Counter(account for account, *_ in recorded)
        report.lost += Account.objects.exclude(pk__in=list(seen)).count()
        report.duplicates += sum(count - 1 for count in seen.values()) + doubled_attempts()
        report.wrong = sum(
            n != curves.figures(platform, handle, day)["followers"] for _, platform, handle, n in recorded
        )
        report.untrue_totals = untrue_totals()
        served = fakes(self.fakes_url)["served"]
        report.exceeded = [window for row in served if (window := exceeded(row))]
        answered = Attempt.objects.filter(outcome=OK).values("platform", "started_at").distinct().count()
        report.wasted = max(0, sum(row["requests"] for row in served) - answered)


def promise(jobs: int) -> ScrapeRun:
    """Make `jobs` accounts in the proportions of SHARES and promise a scrape of all of them."""
    where = Organization.objects.get_or_create(name="Chaos")[0]
    total = sum(SHARES.values())
    made = 0
    for platform, share in SHARES.items():
        count = jobs - made if platform == list(SHARES)[-1] else jobs * share // total
        Account.objects.bulk_create([_account(platform, number, where) for number in range(count)], batch_size=5_000)
        made += count
    return ledger.request_scrape(Account.objects.all(), None, scope=ScrapeRun.Scope.ALL)


def _account(platform: str, number: int, where: Organization) -> Account:
    handle = {"youtube": f"UC{number:022d}", "bluesky": f"one{number}.bsky.social"}.get(platform, f"one{number}")
    external_id = curves.external_id(platform, handle) if platform == "youtube" else ""
    key = handle_key(platform, handle)
    return Account(platform=platform, handle=handle, handle_key=key, external_id=external_id, organization=where)


def fakes(url: str, **wanted: Any) -> dict[str, Any]:
    """Tell the fake platforms what to do, when something is given; what they served."""
    if wanted:
        request = urllib.request.Request(f"{url}/_fake/faults", json.dumps(wanted).encode(), HEADERS)  # noqa: S310 - loopback
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - the same
    with urllib.request.urlopen(f"{url}/_fake/served", timeout=60) as answer:  # noqa: S310 - the same
        served: dict[str, Any] = json.load(answer)
    return served


def pool_of(pid: int) -> list[int]:
    """The ids of the processes that the process `pid` started."""
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _open_jobs() -> int:
    return ScrapeJob.objects.open().count()


def _recorded() -> set[int]:
    return set(Snapshot.objects.values_list("account_id", flat=True))
