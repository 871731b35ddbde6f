"""When a platform, or one host of it, is left alone: after a refusal, failures in a row, or for want of something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import transaction

from perf import clock
from perf.events import happened
from scraping.models import PlatformState
from scraping.outcomes import CIRCUIT_FAILURES, CIRCUIT_REST, Waiting, back_off


@contextmanager
def _locked(platform: str, host: str) -> Iterator[PlatformState]:
    PlatformState.objects.bulk_create([PlatformState(platform=platform, host=host)], ignore_conflicts=True)
    with transaction.atomic():
        state = PlatformState.objects.select_for_update().get(platform=platform, host=host)
        yield state
        state.save()


def _rest(state: PlatformState, until: datetime, why: str) -> None:
    """Lengthen the pause; a shorter one changes nothing."""
    if state.paused_until is None or until > state.paused_until:
        state.paused_until, state.why = until, why


def pause(platform: str, until: datetime, why: str, *, host: str = "") -> None:
    """Fetch nothing from `platform` (or one host of it) before `until`."""
    with _locked(platform, host) as state:
        _rest(state, until, why)


def refused(platform: str, seen_at: datetime, retry_after: float | None = None, *, host: str = "") -> datetime:
    """The platform asked us to slow down; returns until when nothing is fetched from it.

    All refusals of calls that were under way when the first came are one burst: they may lengthen its pause but
    count once. `seen_at` is when the refused call started, `retry_after` the seconds the platform asked for.
    """
    with _locked(platform, host) as state:
        now = clock.now()
        same_burst = state.paused_at is not None and seen_at <= state.paused_at
        if not same_burst:
            state.paused_at, state.pauses, state.circuit = now, state.pauses + 1, min(state.circuit + 1, 100)
        if not same_burst or retry_after:
            _rest(state, now + back_off(state.circuit, retry_after), Waiting.RATE_LIMITED)
        return state.paused_until or now


def count(platform: str, failures: Sequence[bool], *, host: str = "") -> None:
    """Note whether calls failed (5xx, time-out, broken connection): one good call clears the count of those in a row.

    From CIRCUIT_FAILURES in a row on the platform rests for CIRCUIT_REST.
    """
    if not all(failures):
        PlatformState.objects.filter(platform=platform, host=host, circuit__gt=0).update(circuit=0)
        return
    with _locked(platform, host) as state:
        state.circuit = min(state.circuit + len(failures), 100)
        if state.circuit >= CIRCUIT_FAILURES:
            _rest(state, clock.now() + CIRCUIT_REST, Waiting.CIRCUIT)


@transaction.atomic
def resume(platform: str, by: Any) -> None:
    """End every pause of `platform`: `by` says that its cause is gone."""
    PlatformState.objects.filter(platform=platform).update(paused_until=None, why="", circuit=0)
    happened(by, "scraping.end_pause", platform)
