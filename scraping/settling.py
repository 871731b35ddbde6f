"""What becomes of claimed jobs: their figures, tries and next states in one transaction, or back as they were."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Value

from perf import clock
from scraping.ledger import finish_runs
from scraping.models import MAX_DETAIL, Attempt, JobState, Rank, ScrapeJob
from scraping.outcomes import RULES, SECOND_LOOK, SUSPECT, back_off
from scraping.planning import AHEAD
from scraping.profiles import absorb
from scraping.results import Result
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
        Attempt.objects.bulk_create(attempt for result in counted for attempt in _attempts(result, worker))
        _move(counted)
        _look_again([result.job for result in counted if result.outcome == SUSPECT])
    finish_runs([result.job.pk for result in counted])
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
        Attempt.objects.bulk_create(attempt for result in counted for attempt in _attempts(result, worker))
        back: dict[str, Any] = {"state": JobState.DUE, "lease_until": None, "outcome": why}
        if until is not None:
            back["due_at"] = until
        ScrapeJob.objects.filter(pk__in=held).update(**back)


def _held(jobs: Collection[ScrapeJob]) -> set[int]:
    """The ids of those of `jobs` that are still leased under their token, locked in order."""
    tokens = {job.pk: job.token for job in jobs}
    rows = ScrapeJob.objects.filter(pk__in=tokens, state=JobState.LEASED).select_for_update().order_by("id")
    return {pk for pk, token in rows.values_list("id", "token") if tokens[pk] == token}


def _attempts(result: Result, worker: str) -> list[Attempt]:
    return [
        Attempt(
            job=result.job,
            account_id=result.job.account_id,
            platform=result.job.platform,
            step=one.step,
            started_at=one.started_at,
            seconds=one.seconds,
            outcome=one.outcome,
            status=one.status,
            worker=worker[:100],
            detail=one.detail[:MAX_DETAIL],
        )
        for one in result.tries
    ]


def _move(results: Sequence[Result]) -> None:
    """Give every job the state that its outcome asks for; alike jobs share one statement."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for result in results:
        rule, job = RULES[result.outcome], result.job
        tries = job.attempts + bool(rule.attempts)
        if rule.attempts and tries >= rule.attempts:
            alike[rule.state, result.outcome, tries].append(job.pk)
        elif rule.attempts:
            alike[JobState.DUE, result.outcome, tries, job.rank, back_off(tries)].append(job.pk)
        else:
            alike[JobState.DUE, result.outcome, tries, job.rank, result.until].append(job.pk)
    for (state, outcome, tries, *later), ids in alike.items():
        change: dict[str, Any] = {"state": state, "outcome": outcome, "attempts": tries, "lease_until": None}
        change |= _later(*later) if later else {"finished_at": clock.db_now()}
        ScrapeJob.objects.filter(pk__in=ids).update(**change)


def _later(rank: int, when: timedelta | datetime | None) -> dict[str, Any]:
    """What a job that is due again changes in: moved up to the retries, and not before `when`."""
    better = min(rank, Rank.RETRY)
    change: dict[str, Any] = {"rank": better, "order_at": F("order_at") + Value(AHEAD[better] - AHEAD[rank])}
    if when is not None:
        change["due_at"] = clock.db_now(when) if isinstance(when, timedelta) else when
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
