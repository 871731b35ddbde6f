"""One worker's turn at one platform: claim, ask, read, record, until nothing is due or the turn is over."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from time import monotonic, perf_counter
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from perf import clock
from perf.recording import record
from scraping import drift, ledger, limits, pauses, samples, settling
from scraping import errands as on_errands
from scraping.billing import paid_on
from scraping.connectors import Unavailable, connector_for, credential_for
from scraping.connectors.base import Answer, Batch, CallFailed, Connector, Missing, Response, Target, Trouble
from scraping.errands import LEAST_SECONDS, Call, Errand, Search, calls_of, conclude, together
from scraping.eventloop import collecting_less, uvloops
from scraping.fetch import DEADLINE, Fetcher
from scraping.giving_up import end_unreadable
from scraping.limits import Limit, Permit, Wait
from scraping.models import ScrapeJob
from scraping.outcomes import FAILURES, OK, STOPS, Ended, Waiting
from scraping.results import Result, Try

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=2)  # a shorter wait is sat out, a longer one gives the jobs back
UNTOLD = frozenset({Trouble.RATE_LIMITED, Trouble.DEADLINE})  # ends that tell neither a good call nor a failed one
LARGE_BODY = 64 * 1024  # bytes; larger bodies are read in a thread, so that the event loop goes on
MAX_CALLS = 4  # per account and claim: learn an id, ask elsewhere, read
MAX_CLAIM = 1_000  # jobs per claim ...
MAX_HELD = 5_000  # ... and jobs claimed and not yet settled: little is held when a worker dies
ROUNDS_HELD = 4  # times what can be in flight is held: in flight, ready to be asked for, being written down, claimed
GROUPING = 0.1  # seconds; what comes in so shortly after one another is written down together
LOOK_AGAIN = 1.0  # seconds; how often something due is looked for while the last calls are in flight


def gather(platform: str, until: float) -> int:
    """Gather due jobs of `platform` until `until` (monotonic seconds) or nothing may be fetched; how many settled.

    What it holds when it stops is given back; what a killed worker held is swept. May be called by any number of
    workers at once.
    """
    connector = connector_for(platform)
    if isinstance(connector, Unavailable):
        return end_unreadable(platform)
    turn = Gathering(connector, credential_for(platform), until, probes=drift.stands(platform))
    with uvloops(), collecting_less():
        settled = async_to_sync(turn.run)()
    if turn.probes:
        drift.judge(platform)
    return settled


def most_held(connector: Connector) -> int:
    """How many jobs one turn claims before the first of them are settled."""
    in_flight: int = settings.SCRAPE_WORKERS * connector.batch_size
    return min(ROUNDS_HELD * in_flight, MAX_HELD)


class Gathering:
    """The turn itself. The event loop only waits for the network; the database is used on the caller's thread.

    Claims become waves: each asks for all its accounts, step by step. Waves overlap, so that the next calls wait
    ready while the last are in flight and what has come in is written down; what can be held at once is bounded.
    """

    def __init__(self, connector: Connector, credential: str, until: float, *, probes: bool = False) -> None:
        self.connector = connector
        self.platform = connector.platform
        self.credential = credential
        self.until = until
        self.probes = probes  # asks for a few accounts only, to see whether answers can be read again
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.workers = settings.SCRAPE_WORKERS
        self.gate = asyncio.Semaphore(self.workers)
        self.lines: defaultdict[Limit, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.results: asyncio.Queue[list[Result]] = asyncio.Queue()
        self.stopped: dict[str, tuple[Any, ...]] = {}  # host → until when and why; "" stands for the whole platform
        self.most = most_held(connector)
        self.held = 0  # jobs claimed and neither settled nor given back
        self.granted = 0  # calls that have a permit and are not over
        self.begun = False  # a permit was granted
        self.moved = asyncio.Event()  # one of these has changed
        self.settled = 0

    async def run(self) -> int:
        """Claim and work off waves until the turn is over; returns how many jobs were settled."""
        async with Fetcher(concurrency=self.workers) as self.fetcher, asyncio.TaskGroup() as group:
            recorder = group.create_task(self._record())
            while monotonic() < self.until and "" not in self.stopped:
                room = self.most - self.held
                if room * 2 < self.most:
                    await self._until(lambda: self.held * 2 <= self.most)
                    continue
                limit = drift.PROBE if self.probes else min(room, MAX_CLAIM)
                jobs = await sync_to_async(ledger.claim)(self.platform, limit)
                if jobs:
                    self.held += len(jobs)
                    group.create_task(self._wave(jobs))
                    if not self.begun:  # the first permit is not asked for behind the next claim
                        await self._until(lambda: self.begun or not self.held, LOOK_AGAIN)
                elif self.held:  # some of it may be due again before the rest is over
                    await self._until(lambda: not self.held, LOOK_AGAIN)
                else:
                    break
                if self.probes:
                    break
            await self._until(lambda: not self.held)
            recorder.cancel()
        return self.settled

    async def _until(self, true: Callable[[], bool], seconds: float | None = None) -> None:
        """Wait until `true`, which is looked at whenever something was settled, given back or made."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self.moved.clear()
                    await self.moved.wait()
        except TimeoutError:
            return

    def _over(self, *, jobs: int = 0, calls: int = 0) -> None:
        """Count so many less."""
        self.held -= jobs
        self.granted -= calls
        self.moved.set()

    async def _record(self) -> None:
        """Write down what has come in, all that has at a time."""
        while True:
            results = await self.results.get()
            if self.granted:
                await asyncio.sleep(GROUPING)
            while not self.results.empty() and len(results) < MAX_CLAIM:
                results += self.results.get_nowait()
            self.settled += await sync_to_async(settling.settle)(results, self.worker)
            self._over(jobs=len(results))

    async def _wave(self, jobs: Sequence[ScrapeJob]) -> None:
        """Ask for every job, and again where the first answer was not the last word."""
        errands = self._errands(jobs)
        for _ in range(MAX_CALLS):
            waiting = {errand.target.account_id: errand for errand in self._in_time(errands)}
            by_limit: dict[tuple[str, str], list[Batch]] = defaultdict(list)
            for batch in self._batches(waiting.values()):
                host = batch.host if self.connector.per_host else ""
                by_limit[host, self.connector.key(batch.targets[0], self.credential) or ""].append(batch)
            onward = await asyncio.gather(
                *(self._ask_host(host, key, batches, waiting) for (host, key), batches in by_limit.items())
            )
            errands = [errand for some in onward for errand in some]
            if not errands:
                return
        self._settle(errand.ended(Missing.UNPARSABLE) for errand in errands)

    def _errands(self, jobs: Sequence[ScrapeJob]) -> list[Errand]:
        """What has to be asked for; jobs that need no call to be settled are settled."""
        lease = settings.LEASE_SECONDS
        # What starts until then ends in time.
        lease_end = monotonic() + max(lease - on_errands.ACCOUNT_SECONDS, lease / 2)
        errands, known = [], []
        for job in jobs:
            account = job.account
            target = Target(account.pk, account.handle, account.external_id, account.url)
            if not account.is_active or account.platform != self.platform:
                known.append(Result(job, Ended.INACTIVE))
            elif answer := self.connector.unasked(target, self.credential):
                known.append(Result(job, answer, [self._untried(target, answer)]))
            else:
                errands.append(Errand(job, target, lease_end))
        self._settle(known)
        return errands

    def _untried(self, target: Target, answer: Missing) -> Try:
        return Try("none", clock.now(), 0.0, answer, detail=self.connector.advice(target, answer))

    def _in_time(self, errands: Sequence[Errand]) -> list[Errand]:
        """Those of `errands` that have time left for a call; the others are settled."""
        self._settle(errand.ended(Trouble.DEADLINE) for errand in errands if errand.seconds_left < LEAST_SECONDS)
        return [errand for errand in errands if errand.seconds_left >= LEAST_SECONDS]

    def _batches(self, errands: Iterable[Errand]) -> list[Batch]:
        groups = together(errands)
        return [batch for group in groups for batch in self.connector.batches([e.target for e in group])]

    def _settle(self, results: Iterable[Result]) -> None:
        if batch := list(results):
            self.results.put_nowait(batch)

    async def _ask_host(
        self, host: str, key: str, batches: Sequence[Batch], waiting: dict[int, Errand]
    ) -> list[Errand]:
        """Make the calls of one limit as it permits; returns the errands that another call has the last word on.

        Waves ask for permits one after the other, in the order they were claimed: the better rank goes first.
        """
        limit = Limit.of(self.platform, key, host, self.connector.windows_for(key))
        calls = await self._calls(key, batches, waiting)
        onward: list[Errand] = []
        if host and (rest := await sync_to_async(pauses.rest_of)(self.platform, host)):
            self._stop(host, *rest)
        while calls:
            async with asyncio.TaskGroup() as flights, self.lines[limit]:
                sent = await self._send(calls, limit, flights)
            onward += [errand for call in sent for errand in call.onward]
            calls = [call for call in sent if not call.made]
            for call in sent:
                for half in call.halves:
                    calls += await self._calls(key, self._batches(self._in_time(half)), waiting, call.search)
        return onward

    async def _calls(
        self, key: str, batches: Sequence[Batch], waiting: dict[int, Errand], search: Search | None = None
    ) -> list[Call]:
        """The call of every batch, priced where it costs money."""
        calls = calls_of(self.connector, key, batches, waiting)
        for call in calls:
            call.search = search
        await self._price(calls)
        return calls

    async def _price(self, calls: Sequence[Call]) -> None:
        """Say what `calls` may cost today; users who were paid for today cost nothing again."""
        if any(call.request.dollars for call in calls):
            day = await sync_to_async(limits.billing_day)()
            asked = [target.account_id for call in calls for target in call.batch.targets]
            paid = await sync_to_async(paid_on)(self.platform, day, asked)
            for call in calls:
                call.price(paid, day)

    async def _send(self, calls: list[Call], limit: Limit, flights: asyncio.TaskGroup) -> list[Call]:
        """Let `calls` start in their order, each block of them as soon as the limit permits; those that did.

        Permits are asked for while earlier calls are in flight, so that the next ones wait ready; not for more, because
        a permit has its own end. What may not start any more is given back.
        """
        sent: list[Call] = []
        asked = perf_counter()
        while calls:
            await self._until(lambda: self.granted <= self.workers)
            over = [call for call in calls if self._closing(call, limit.host)]
            if over:
                await self._release(over, *self.stopped.get(limit.host, ()))
                calls = [call for call in calls if call not in over]
                continue
            permit = await sync_to_async(limits.acquire)(limit, [call.ask for call in calls[: self.workers]])
            if isinstance(permit, Permit):
                now, calls = calls[: permit.covers], calls[permit.covers :]
                sent += now
                for _ in now:
                    record("outgoing.waited", perf_counter() - asked, platform=self.platform)
                self.begun = True
                self._over(calls=-len(now))
                flights.create_task(self._fly(now, limit, permit))
            elif permit.until - clock.now() > PATIENCE:
                await self._rest(permit, limit.host)
            elif permit.why == Waiting.NEW_DAY:
                await self._price(calls)
            else:
                await asyncio.sleep(max((permit.until - clock.now()).total_seconds(), 0.01))
        return sent

    def _closing(self, call: Call, host: str) -> bool:
        end = call.lease_end if call.begun else min(call.lease_end, self.until)
        return monotonic() >= end or "" in self.stopped or host in self.stopped

    async def _rest(self, wait: Wait, host: str) -> None:
        """Let the platform (or one host) rest until the limit lets calls through again; its jobs say until when."""
        await sync_to_async(pauses.pause)(self.platform, wait.until, wait.why, host=host)
        self._stop(host, wait.until, wait.why)

    def _stop(self, host: str, until: datetime, why: str) -> None:
        """Ask for nothing more in this turn; a platform's pause holds its jobs by itself, a host's is on each job."""
        self.stopped[host] = (until, why) if host else ()

    async def _release(self, calls: Sequence[Call], *when_and_why: Any) -> None:
        """Return the jobs of `calls` that were not made, with what earlier calls learned of them."""
        errands = [errand for call in calls for errand in call.errands]
        begun = [errand.ended(OK) for errand in errands if errand.tries]
        jobs = [errand.job for errand in errands]
        await sync_to_async(settling.release)(jobs, *when_and_why, begun=begun, worker=self.worker)
        self._over(jobs=len(jobs))

    async def _fly(self, calls: Sequence[Call], limit: Limit, permit: Permit) -> None:
        """Make the calls of one permit and tell the limiter what became of them."""
        await asyncio.gather(*(self._make(call, permit, limit.host) for call in calls))
        await self._account_for(limit, permit, calls)

    async def _make(self, call: Call, permit: Permit, host: str) -> None:
        """Make one call, unless its time has gone, and read what came."""
        try:
            async with self.gate:
                if monotonic() >= permit.use_by or self._closing(call, host):
                    return
                call.made, call.dollars = True, call.ask.dollars
                started_at, start = clock.now(), perf_counter()
                answer = await self._fetch(call)
                seconds = perf_counter() - start
        finally:
            self._over(calls=1)
        status = answer.status if isinstance(answer, Response) else None
        tried = Try(call.batch.step, started_at, seconds, OK, status)
        if isinstance(answer, Response):
            answers = await self._read(call, answer)
            if not isinstance(answers, CallFailed):
                self._settle(conclude(self.connector, call, answers, tried, answer))
                return
            answer, call.dollars = answers, Decimal(0)
        await self._fail(call, answer, tried, host)

    async def _fetch(self, call: Call) -> Response | CallFailed:
        """What came, within the time that its accounts have left; mostly that is longer than any call may last."""
        left = call.seconds_left
        try:
            async with asyncio.timeout(left) if left < DEADLINE else nullcontext():
                hosts = self.connector.hosts(call.batch)
                return await self.fetcher.fetch(call.request, hosts=hosts, platform=self.platform)
        except CallFailed as failed:
            return failed
        except TimeoutError:
            return CallFailed(Trouble.DEADLINE)

    async def _read(self, call: Call, response: Response) -> dict[str, Answer] | CallFailed:
        """The connector's answers, or why the whole call failed; a body it cannot cope with is unparsable."""
        try:
            call.quota, call.read_at = self.connector.quota(response), monotonic()
            if len(response.body) > LARGE_BODY:
                return await asyncio.to_thread(self.connector.parse, call.batch, response)
            return self.connector.parse(call.batch, response)
        except CallFailed as failed:
            return failed
        except Exception:
            logger.exception("%s: an answer could not be read", self.platform)
            return dict.fromkeys(call.batch.handles, Missing.UNPARSABLE)

    async def _fail(self, call: Call, failure: CallFailed, tried: Try, host: str) -> None:
        """Settle the accounts of a call that gave nothing, or halve it; pause what asked for it."""
        if failure.trouble is Trouble.DEAD_TOKEN and not self.credential:
            failure = CallFailed(Trouble.NO_CREDENTIAL, "It asks for a credential.")
        trouble, until = failure.trouble, None
        if trouble is Trouble.RATE_LIMITED:
            # Before it is written down: what started later is no burst.
            self._stop(host, clock.now() + PATIENCE, trouble)
            until = await sync_to_async(pauses.refused)(self.platform, tried.started_at, failure.retry_after, host=host)
            self._stop(host, until, trouble)
        elif trouble in STOPS:
            self._stop("", clock.now(), trouble)
            await sync_to_async(pauses.pause)(self.platform, clock.now() + STOPS[trouble], trouble)
        call.failed, call.untold = trouble in FAILURES, trouble in UNTOLD
        tried = replace(tried, outcome=trouble, detail=samples.scrubbed(failure.detail))
        if trouble is Trouble.REFUSED and call.halve(tried):
            return
        ended = [errand.ended(trouble, tried) for errand in call.errands]
        for result in ended if host else ():
            result.until = until
        self._settle(ended)

    async def _account_for(self, limit: Limit, permit: Permit, calls: Sequence[Call]) -> None:
        """Tell the limiter what was really spent, and what the platform's headers say is left."""
        made = [call for call in calls if call.made]
        spent, dollars = sum(call.ask.calls for call in made), sum((call.dollars for call in made), Decimal(0))
        # Beside the database's thread, which may be writing down for a second that would be lost to the window.
        ended = await asyncio.to_thread(limits.end, limit, permit, spent)
        await sync_to_async(limits.book)(permit, spent, dollars, ended)
        if failures := [call.failed for call in made if not call.untold]:
            await sync_to_async(pauses.count)(self.platform, failures, host=limit.host)
        said = [call for call in made if call.quota.remaining is not None and call.quota.reset_seconds]
        if said:
            least = min(said, key=lambda call: call.quota.remaining or 0)
            lasts = (least.quota.reset_seconds or 0) - (monotonic() - least.read_at)
            await sync_to_async(limits.correct)(limit, least.quota.remaining or 0, lasts)
