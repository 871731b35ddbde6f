"""When a platform, or one host of it, is left alone: after a refusal, failures in a row, or for want of something.

All of it is counted on the database's clock: a worker whose clock is wrong pauses nothing for longer or shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from perf import clock
from perf.events import happened
from scraping.models import PlatformState
from scraping.outcomes import (
    CIRCUIT_FAILURES,
    CIRCUIT_REST,
    LONGEST_CIRCUIT_REST,
    MOST_DOUBLINGS,
    PROBE,
    Waiting,
    back_off,
)


@contextmanager
def _locked(platform: str, host: str) -> Iterator[PlatformState]:
    """The state of a platform or host with the database's `now`, locked, and stored at the end."""
    PlatformState.objects.bulk_create([PlatformState(platform=platform, host=host)], ignore_conflicts=True)
    with transaction.atomic():
        states = PlatformState.objects.select_for_update().with_now()
        state = states.get(platform=platform, host=host)
        yield state
        state.save()


def _rest(state: PlatformState, rest: timedelta, why: str) -> None:
    """Lengthen the pause to `rest` from now; a shorter one changes nothing."""
    until = state.now + rest
    if state.paused_until is None or until > state.paused_until:
        state.paused_until, state.why = until, why


def pause(platform: str, until: datetime, why: str, *, host: str = "") -> None:
    """Fetch nothing from `platform` (or one host of it) before `until`, on this process's clock."""
    rest = until - clock.now()
    with _locked(platform, host) as state:
        _rest(state, rest, why)


def rest_of(platform: str, host: str) -> tuple[datetime, str] | None:
    """Until when, on this process's clock, and why a host of `platform` is left alone; None when it is not."""
    state = PlatformState.objects.paused().with_now().filter(platform=platform, host=host).first()
    if state is None or state.paused_until is None:
        return None
    return clock.now() + (state.paused_until - state.now), state.why


def refused(platform: str, seen_at: datetime, retry_after: float | None = None, *, host: str = "") -> datetime:
    """The platform asked us to slow down; returns until when nothing is fetched from it, on this process's clock.

    All refusals of calls that were under way when the first came are one burst: they may lengthen its pause but
    count once. `seen_at` is when the refused call started, `retry_after` the seconds the platform asked for.
    """
    with _locked(platform, host) as state:
        ours = clock.now()
        same_burst = state.paused_at is not None and state.now - (ours - seen_at) <= state.paused_at
        if not same_burst:
            state.paused_at, state.pauses, state.circuit = state.now, state.pauses + 1, min(state.circuit + 1, 100)
        if not same_burst or retry_after:
            _rest(state, back_off(state.circuit, retry_after), Waiting.RATE_LIMITED)
        return ours + (state.paused_until - state.now) if state.paused_until else ours


def count(platform: str, failures: Sequence[bool], *, host: str = "") -> None:
    """Note whether calls failed (5xx, time-out, broken connection): one good call clears the count of those in a row.

    From CIRCUIT_FAILURES in a row on the platform rests for CIRCUIT_REST and is then tried by one call (see `probe`);
    each time that one fails too, the rest doubles.
    """
    if not all(failures):
        _close(platform, host)
        return
    with _locked(platform, host) as state:
        state.circuit = min(state.circuit + len(failures), 100)
        resting = state.paused_until is not None and state.paused_until > state.now and state.why == Waiting.CIRCUIT
        if state.circuit >= CIRCUIT_FAILURES and not resting:  # while it rests, these are calls from before
            _open(state)


def _open(state: PlatformState) -> None:
    if state.why == Waiting.PROBING:
        state.paused_until = None
    state.openings = min(state.openings + 1, MOST_DOUBLINGS)
    _rest(state, min(CIRCUIT_REST * 2 ** (state.openings - 1), LONGEST_CIRCUIT_REST), Waiting.CIRCUIT)


def _close(platform: str, host: str) -> None:
    """A call went well: forget the failures, and let everybody in if that call was the probe."""
    failed = PlatformState.objects.filter(Q(circuit__gt=0) | Q(openings__gt=0), platform=platform, host=host)
    probing = Q(why=Waiting.PROBING)
    failed.update(
        circuit=0,
        openings=0,
        paused_until=Case(When(probing, then=clock.db_now()), default=F("paused_until")),  # empty: ended by a person
        why=Case(When(probing, then=Value("")), default=F("why")),
    )


def probe(platform: str) -> bool:
    """Whether the caller, and nobody else for PROBE, shall make one call to a platform whose rest is over.

    Call it in the transaction that leases the job, so that a probe nobody can make is not taken.
    """
    broken = PlatformState.objects.filter(platform=platform, host="").broken()
    rested = broken.filter(Q(paused_until=None) | Q(paused_until__lte=clock.db_now()))
    return bool(rested.update(paused_until=clock.db_now(PROBE), why=Waiting.PROBING))


@transaction.atomic
def resume(platform: str, by: Any) -> None:
    """End every pause of `platform`: `by` says that its cause is gone."""
    PlatformState.objects.filter(platform=platform).update(paused_until=None, why="", circuit=0, openings=0)
    happened(by, "scraping.end_pause", platform)
