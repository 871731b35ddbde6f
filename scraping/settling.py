"""What becomes of claimed jobs: their figures, tries and next states in one transaction, or back as they were."""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Value

from perf import clock
from perf.copying import copy
from scraping.ledger import finish_runs
from scraping.models import MAX_DETAIL, Attempt, JobState, Rank, ScrapeJob
from scraping.outcomes import RULES, SECOND_LOOK, SUSPECT, back_off
from scraping.planning import AHEAD
from scraping.profiles import absorb
from scraping.rechecks import note_answers
from scraping.results import Result
from scraping.samples import keep as keep_samples
from snapshots.recording import record

logger = logging.getLogger(__name__)


def settle(results: Sequence[Result], worker: str = "") -> int:
    """Record figures, tries and the jobs' new states in one transaction; returns how many results counted.

    A result counts only while its job is still leased under the token it was claimed with: a late worker, whose
    lease ran out or whose job was cancelled, changes nothing.
    """
    with transaction.atomic():
        held = _held([result.job for result in results])
        counted = [result for result in results if result.job.pk in held]
        absorb(counted)
        recorded = record(sighting for result in counted if (sighting := result.sighting))
        suspects = {one.account_id for one in recorded if one.outcome == "suspect"}
        for result in counted:
            if result.reading and result.job.account_id in suspects:
                result.outcome = SUSPECT
        _keep_tries(counted, worker)
        _move(counted)
        note_answers(counted)
        _look_again([result.job for result in counted if result.outcome == SUSPECT])
    finish_runs([result.job.pk for result in counted])
    keep_samples(counted)
    if refused := len(results) - len(counted):
        logger.warning("%d late results were refused: their leases had ended", refused)
    return len(counted)


def release(
    jobs: Collection[ScrapeJob],
    until: datetime | None = None,
    why: str = "",
    *,
    begun: Sequence[Result] = (),
    worker: str = "",
) -> None:
    """Give claimed jobs back unsettled, to be due at `until` (their own time when None) because of `why`.

    Of those that were `begun` the tries and what was learned on the way are kept, so that no call is made again.
    """
    with transaction.atomic():
        held = _held(jobs)
        counted = [result for result in begun if result.job.pk in held]
        absorb(counted)
        _keep_tries(counted, worker)
        back: dict[str, Any] = {"state": JobState.DUE, "lease_until": None, "outcome": why}
        if until is not None:
            back["due_at"] = clock.db_at(until)
        ScrapeJob.objects.filter(pk__among=held).update(**back)


def _held(jobs: Collection[ScrapeJob]) -> set[int]:
    """The ids of those of `jobs` that are still leased under their token, locked in order."""
    tokens = {job.pk: job.token for job in jobs}
    rows = ScrapeJob.objects.filter(pk__among=tokens, state=JobState.LEASED).select_for_update().order_by("id")
    return {pk for pk, token in rows.values_list("id", "token") if tokens[pk] == token}


def _keep_tries(results: Sequence[Result], worker: str) -> None:
    """Store the tries of `results` as attempts."""
    rows = [
        (
            result.job.pk,
            result.job.account_id,
            result.job.platform,
            one.step,
            one.started_at,
            one.seconds,
            one.outcome,
            one.status,
            worker[:100],
            one.detail[:MAX_DETAIL],
        )
        for result in results
        for one in result.tries
    ]
    if connection.vendor == "postgresql":
        kinds = {name: str(Attempt._meta.get_field(name).db_type(connection)) for name in TRIED}
        copy(Attempt._meta.db_table, kinds, rows)
        return
    Attempt.objects.bulk_create(Attempt(**dict(zip(TRIED, row, strict=True))) for row in rows)


TRIED = (
    "job_id",
    "account_id",
    "platform",
    "step",
    "started_at",
    "seconds",
    "outcome",
    "status",
    "worker",
    "detail",
)


def _move(results: Sequence[Result]) -> None:
    """Give every job the state that its outcome asks for; alike jobs share one statement."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for result in results:
        rule, job = RULES[result.outcome], result.job
        tries = job.attempts + bool(rule.attempts)
        if rule.attempts and tries >= rule.attempts:
            alike[rule.state, result.outcome, tries].append(job.pk)
        elif rule.attempts:
            alike[JobState.DUE, result.outcome, tries, job.rank, _rounded(back_off(tries))].append(job.pk)
        else:
            alike[JobState.DUE, result.outcome, tries, job.rank, result.until].append(job.pk)
    for (state, outcome, tries, *later), ids in alike.items():
        change: dict[str, Any] = {"state": state, "outcome": outcome, "attempts": tries, "lease_until": None}
        change |= _later(*later) if later else {"finished_at": clock.db_now()}
        ScrapeJob.objects.filter(pk__among=ids).update(**change)


def _rounded(wait: timedelta) -> timedelta:
    """`wait` to about three parts in a hundred: still spread, and few enough kinds to move jobs together."""
    step = 2.0 ** (math.floor(math.log2(wait.total_seconds())) - 5)
    return timedelta(seconds=wait.total_seconds() // step * step)


def _later(rank: int, when: timedelta | datetime | None) -> dict[str, Any]:
    """What a job that is due again changes in: moved up to the retries, and not before `when`."""
    better = min(rank, Rank.RETRY)
    change: dict[str, Any] = {"rank": better, "order_at": F("order_at") + Value(AHEAD[better] - AHEAD[rank])}
    if when is not None:
        change["due_at"] = clock.db_now(when) if isinstance(when, timedelta) else clock.db_at(when)
    return change


def _look_again(jobs: Iterable[ScrapeJob]) -> None:
    """Promise a second reading of suspect figures, which publishes them if it agrees; once per figure."""
    follow_ups = [
        ScrapeJob(
            account_id=job.account_id,
            platform=job.platform,
            date=job.date,
            reason=ScrapeJob.Reason.CONFIRM,
            rank=Rank.RETRY,
            order_at=job.order_at + AHEAD[Rank.RETRY] - AHEAD[job.rank],
            due_at=clock.db_now(SECOND_LOOK),
        )
        for job in jobs
        if job.reason != ScrapeJob.Reason.CONFIRM
    ]
    ScrapeJob.objects.bulk_create(follow_ups, ignore_conflicts=True)
