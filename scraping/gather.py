"""One worker's turn at one platform: claim, ask, read, record, until nothing is due or the turn is over."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from decimal import Decimal
from time import monotonic, perf_counter
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings

from perf import clock
from scraping import ledger, limits, pauses, settling
from scraping.connectors import Unavailable, connector_for, credential_for
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
)
from scraping.fetch import Fetcher
from scraping.limits import Ask, Limit, Permit, Wait
from scraping.models import MAX_DETAIL, Attempt, ScrapeJob
from scraping.outcomes import FAILURES, OK, RECHECK, STOPS, Ended
from scraping.results import Result, Try

logger = logging.getLogger(__name__)

ACCOUNT_SECONDS = 30.0  # for all calls of one account, however many
PATIENCE = timedelta(seconds=2)  # a shorter wait is sat out, a longer one gives the jobs back
LARGE_BODY = 64 * 1024  # bytes; larger bodies are read in a thread, so that the event loop goes on
MAX_CALLS = 4  # per account and claim: learn an id, ask elsewhere, read
MAX_CLAIM = 1_000
ROUNDS_CLAIMED = 2  # how many times what can be in flight is claimed at once: little is held when a worker dies
NOT_RETURNED = frozenset({Missing.NOT_FOUND, Missing.SUSPENDED, Missing.FROM_BATCH})  # what a platform does not bill


def gather(platform: str, until: float) -> int:
    """Gather due jobs of `platform` until `until` (monotonic seconds) or nothing may be fetched; how many settled.

    What it holds when it stops is given back; what a killed worker held is swept. May be called by any number of
    workers at once.
    """
    connector = connector_for(platform)
    if isinstance(connector, Unavailable):
        pauses.pause(platform, clock.now() + RECHECK, connector.code)
        return 0
    return async_to_sync(Gathering(connector, credential_for(platform), until).run)()


@dataclass(slots=True)
class Errand:
    """One claimed job on its way: whom to ask for next, and what was done so far."""

    job: ScrapeJob
    target: Target
    tries: list[Try] = field(default_factory=list)
    external_id: str = ""

    @property
    def seconds_left(self) -> float:
        """Of the time that one account may take."""
        return ACCOUNT_SECONDS - sum(one.seconds for one in self.tries)


@dataclass(slots=True)
class Call:
    """One request and those it asks for."""

    batch: Batch
    errands: list[Errand]
    request: Request
    ask: Ask
    paid: frozenset[int] = frozenset()
    made: bool = False
    failed: bool = False
    refused: bool = False
    dollars: Decimal = Decimal(0)
    quota: Quota = field(default_factory=Quota)
    onward: list[Errand] = field(default_factory=list)


class Gathering:
    """The turn itself. The event loop only waits for the network; the database is used on the caller's thread."""

    def __init__(self, connector: Connector, credential: str, until: float) -> None:
        self.connector = connector
        self.platform = connector.platform
        self.credential = credential
        self.until = until
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        self.gate = asyncio.Semaphore(settings.SCRAPE_WORKERS)
        self.results: asyncio.Queue[list[Result]] = asyncio.Queue()
        self.stopped: set[str] = set()  # hosts that asked us to stop; "" stands for the whole platform
        self.settled = 0

    async def run(self) -> int:
        """Claim and work off rounds until the turn is over; returns how many jobs were settled."""
        async with Fetcher(concurrency=settings.SCRAPE_WORKERS) as self.fetcher, asyncio.TaskGroup() as group:
            recorder = group.create_task(self._record())
            while monotonic() < self.until and "" not in self.stopped:
                limit = ROUNDS_CLAIMED * settings.SCRAPE_WORKERS * self.connector.batch_size
                jobs = await sync_to_async(ledger.claim)(self.platform, min(limit, MAX_CLAIM))
                if not jobs:
                    break
                await self._round(jobs)
                await self.results.join()
            recorder.cancel()
        return self.settled

    async def _record(self) -> None:
        """Write down what has come in, all that has at a time."""
        while True:
            batches = [await self.results.get()]
            while not self.results.empty():
                batches.append(self.results.get_nowait())
            results = [result for batch in batches for result in batch]
            self.settled += await sync_to_async(settling.settle)(results, self.worker)
            for _ in batches:
                self.results.task_done()

    async def _round(self, jobs: Sequence[ScrapeJob]) -> None:
        """Ask for every job, and again where the first answer was not the last word."""
        lease = settings.LEASE_SECONDS
        lease_end = monotonic() + max(lease - ACCOUNT_SECONDS, lease / 2)  # what starts until then ends in time
        errands = self._errands(jobs)
        for _ in range(MAX_CALLS):
            by_limit: dict[tuple[str, str], list[Batch]] = defaultdict(list)
            for batch in self.connector.batches([errand.target for errand in errands]):
                host = batch.host if self.connector.per_host else ""
                by_limit[host, self.connector.key(batch.targets[0], self.credential) or ""].append(batch)
            waiting = {errand.target.account_id: errand for errand in errands}
            onward = await asyncio.gather(
                *(self._ask_host(host, key, batches, waiting, lease_end) for (host, key), batches in by_limit.items())
            )
            errands = [errand for some in onward for errand in some]
            if not errands:
                return
        self._settle(Result(e.job, Missing.UNPARSABLE, e.tries, external_id=e.external_id) for e in errands)

    def _errands(self, jobs: Sequence[ScrapeJob]) -> list[Errand]:
        """What has to be asked for; jobs that need no call to be settled are settled."""
        errands, known = [], []
        for job in jobs:
            account = job.account
            target = Target(account.pk, account.handle, account.external_id, account.url)
            if not account.is_active or account.platform != self.platform:
                known.append(Result(job, Ended.INACTIVE))
            elif answer := self.connector.unasked(target, self.credential):
                known.append(Result(job, answer, [self._untried(target, answer)]))
            else:
                errands.append(Errand(job, target))
        self._settle(known)
        return errands

    def _untried(self, target: Target, answer: Missing) -> Try:
        return Try("none", clock.now(), 0.0, answer, detail=self.connector.advice(target, answer))

    def _settle(self, results: Iterable[Result]) -> None:
        if batch := list(results):
            self.results.put_nowait(batch)

    async def _ask_host(
        self, host: str, key: str, batches: Sequence[Batch], waiting: dict[int, Errand], lease_end: float
    ) -> list[Errand]:
        """Make the calls of one limit as it permits; returns the errands that another call has the last word on."""
        limit = Limit.of(self.platform, key, host, self.connector.windows_for(key))
        calls = await self._calls(key, batches, waiting)
        onward: list[Errand] = []
        begun = any(errand.tries for errand in waiting.values())  # given up now, they would be asked for twice
        end = lease_end if begun else min(lease_end, self.until)
        while calls:
            if self._closing(host, end):
                await self._give_back(calls)
                break
            permit = await sync_to_async(limits.acquire)(limit, [call.ask for call in calls])
            if isinstance(permit, Wait):
                if permit.until - clock.now() > PATIENCE:
                    await self._wait_for(permit, host, calls)
                    break
                await asyncio.sleep(max((permit.until - clock.now()).total_seconds(), 0.01))
                continue
            now, later = calls[: permit.covers], calls[permit.covers :]
            await asyncio.gather(*(self._make(call, permit, host, lease_end) for call in now))
            await self._account_for(limit, permit, now)
            onward += [errand for call in now for errand in call.onward]
            calls = [call for call in now if not call.made] + later
        return onward

    async def _calls(self, key: str, batches: Sequence[Batch], waiting: dict[int, Errand]) -> list[Call]:
        """The request of every batch, with what it spends; users already paid for today cost nothing again."""
        requests = [self.connector.request(batch, key) for batch in batches]
        paid: frozenset[int] = frozenset()
        if any(request.dollars for request in requests):
            paid = await sync_to_async(paid_today)(self.platform, list(waiting))
        calls = []
        for batch, request in zip(batches, requests, strict=True):
            new = sum(target.account_id not in paid for target in batch.targets)
            ask = Ask(request.cost, Decimal(str(request.dollars)) * new / len(batch.targets))
            errands = [waiting[target.account_id] for target in batch.targets]
            calls.append(Call(batch, errands, request, ask, paid))
        return calls

    def _closing(self, host: str, end: float) -> bool:
        return monotonic() >= end or bool(self.stopped & {"", host})

    async def _give_back(self, calls: Sequence[Call]) -> None:
        """Return the jobs of calls that were not made, to be claimed again in their turn."""
        await self._release(calls)

    async def _wait_for(self, wait: Wait, host: str, calls: Sequence[Call]) -> None:
        """Let the platform (or one host) rest until the limit lets calls through again; its jobs say until when."""
        self.stopped.add(host)
        await sync_to_async(pauses.pause)(self.platform, wait.until, wait.why, host=host)
        await self._release(calls, *((wait.until, wait.why) if host else ()))

    async def _release(self, calls: Sequence[Call], *when_and_why: Any) -> None:
        """Return the jobs of `calls` with what earlier calls learned of them."""
        errands = [errand for call in calls for errand in call.errands]
        begun = [Result(e.job, OK, e.tries, external_id=e.external_id) for e in errands if e.tries]
        jobs = [errand.job for errand in errands]
        await sync_to_async(settling.release)(jobs, *when_and_why, begun=begun, worker=self.worker)

    async def _make(self, call: Call, permit: Permit, host: str, lease_end: float) -> None:
        """Make one call, unless its time has gone, and read what came."""
        async with self.gate:
            if self._closing(host, min(permit.use_by, lease_end)):
                return
            call.made, call.dollars = True, call.ask.dollars
            started_at, start = clock.now(), perf_counter()
            response: Response | None = None
            failure: CallFailed | None = None
            try:
                async with asyncio.timeout(min(errand.seconds_left for errand in call.errands)):
                    response = await self.fetcher.fetch(call.request, hosts=self.connector.hosts(call.batch))
            except CallFailed as failed:
                failure = failed
            except TimeoutError:
                failure = CallFailed(Trouble.DEADLINE)
            tried = Try(call.batch.step, started_at, perf_counter() - start, OK, response.status if response else None)
        if response is not None:
            answers = await self._read(call, response)
            if not isinstance(answers, CallFailed):
                self._conclude(call, answers, tried, response)
                return
            failure, call.dollars = answers, Decimal(0)
        if failure is not None:
            await self._fail(call, failure, tried, host)

    async def _read(self, call: Call, response: Response) -> dict[str, Answer] | CallFailed:
        """The connector's answers, or why the whole call failed; a body it cannot cope with is unparsable."""
        try:
            call.quota = self.connector.quota(response)
            if len(response.body) > LARGE_BODY:
                return await asyncio.to_thread(self.connector.parse, call.batch, response)
            return self.connector.parse(call.batch, response)
        except CallFailed as failed:
            return failed
        except Exception:
            logger.exception("%s: an answer could not be read", self.platform)
            return dict.fromkeys(call.batch.handles, Missing.UNPARSABLE)

    def _conclude(self, call: Call, answers: dict[str, Answer], tried: Try, response: Response) -> None:
        """Settle every account of an answered call, or send it on to another."""
        done, returned = [], 0
        for errand in call.errands:
            answer = answers.get(errand.target.handle, Missing.FROM_BATCH)
            again = self.connector.again(errand.target, answer)
            if again is not None:
                errand.external_id = again.external_id or errand.external_id
                errand.target = again
                errand.tries.append(tried)
                call.onward.append(errand)
                continue
            result = self._result(errand, answer, tried, response)
            returned += answer not in NOT_RETURNED and errand.target.account_id not in call.paid
            done.append(result)
        if new := sum(errand.target.account_id not in call.paid for errand in call.errands):
            call.dollars = call.ask.dollars * returned / new
        self._settle(done)

    def _result(self, errand: Errand, answer: Answer, tried: Try, response: Response) -> Result:
        job, known = errand.job, errand.job.account.external_id
        if isinstance(answer, Reading):
            if known and answer.external_id and answer.external_id != known:
                detail = f"answers as {answer.external_id}, was {known}"
                tries = [*errand.tries, _with(tried, Missing.REASSIGNED, detail)]
                return Result(job, Missing.REASSIGNED, tries)
            return Result(job, OK, [*errand.tries, tried], answer, errand.external_id)
        outcome = answer if isinstance(answer, Missing) else Missing.UNPARSABLE
        detail = self.connector.advice(errand.target, outcome)
        if outcome is Missing.UNPARSABLE:
            detail = detail or response.body[:MAX_DETAIL].decode(errors="replace").replace("\x00", "")
        return Result(job, outcome, [*errand.tries, _with(tried, outcome, detail)], external_id=errand.external_id)

    async def _fail(self, call: Call, failure: CallFailed, tried: Try, host: str) -> None:
        """Settle the accounts of a call that gave nothing; pause what asked for it."""
        trouble, until = failure.trouble, None
        if trouble is Trouble.RATE_LIMITED:
            self.stopped.add(host)
            until = await sync_to_async(pauses.refused)(self.platform, tried.started_at, failure.retry_after, host=host)
        elif trouble in STOPS:
            self.stopped.add("")
            await sync_to_async(pauses.pause)(self.platform, clock.now() + STOPS[trouble], trouble)
        call.failed, call.refused = trouble in FAILURES, trouble is Trouble.RATE_LIMITED
        tried = _with(tried, trouble, failure.detail)
        self._settle(
            Result(e.job, trouble, [*e.tries, tried], external_id=e.external_id, until=until if host else None)
            for e in call.errands
        )

    async def _account_for(self, limit: Limit, permit: Permit, calls: Sequence[Call]) -> None:
        """Tell the limiter what was really spent, and what the platform's headers say is left."""
        made = [call for call in calls if call.made]
        spent, dollars = sum(call.ask.calls for call in made), sum((call.dollars for call in made), Decimal(0))
        await sync_to_async(limits.give_back)(limit, permit, spent, dollars)
        if failures := [call.failed for call in made if not call.refused]:  # a refusal is no good call either
            await sync_to_async(pauses.count)(self.platform, failures, host=limit.host)
        said = [call.quota for call in made if call.quota.remaining is not None and call.quota.reset_seconds]
        if said:
            least = min(said, key=lambda quota: quota.remaining or 0)
            await sync_to_async(limits.correct)(limit, least.remaining or 0, least.reset_seconds or 0)


def _with(tried: Try, outcome: str, detail: str) -> Try:
    return Try(tried.step, tried.started_at, tried.seconds, outcome, tried.status, detail)


def paid_today(platform: str, account_ids: Sequence[int]) -> frozenset[int]:
    """Those of the accounts that were read since midnight UTC: the platform bills each user once a day."""
    midnight = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    read = Attempt.objects.filter(platform=platform, account__in=account_ids, started_at__gte=midnight, outcome=OK)
    return frozenset(read.values_list("account_id", flat=True))
