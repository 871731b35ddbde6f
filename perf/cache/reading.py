"""Reading through the cache: one reader computes, the others wait or show what was valid a moment ago."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic, perf_counter, sleep
from typing import Literal

from perf import clock
from perf.cache.contract import State, Store, Unreachable
from perf.cache.counting import count
from perf.cache.crowds import ALONE, PART, UNREACHABLE, WAITED, WRITER, Computing
from perf.cache.keys import Family, Slot
from perf.cache.ready import PRESS
from perf.cache.record import Record, etag_of
from perf.cache.store import store
from perf.cache.writing import settle
from perf.isolation import look, one_state

WAIT_SECONDS = 3.0  # a reader without a spare copy waits this long for whoever is computing, then computes itself
POLL_SECONDS = 0.02

HIT: Literal["HIT"] = "HIT"
MISS: Literal["MISS"] = "MISS"
STALE: Literal["STALE"] = "STALE"


@dataclass(frozen=True, slots=True)
class Cached:
    """A value with how it was come by, HIT, MISS or STALE, a digest of its bytes, and the record that is kept of it."""

    value: bytes
    state: Literal["HIT", "MISS", "STALE"]
    etag: str
    record: Record | None = None


class _Making(threading.local):
    """The answer that this thread computes: the family and the stamp it will be kept under, if at all."""

    family: Family | None = None
    stamp: bytes | None = None


_making = _Making()


def cached(family: Family, key: str, compute: Callable[[], bytes], *, vary: str = "") -> Cached:
    """The bytes stored under `key` in `family`, or what `compute` gives, which reads one state of the database.

    `key` comes from perf.cache.key(); answers for different `vary` are kept apart. While a writer of the family is
    open, and when Redis does not answer, the value is computed and not stored. `compute` may ask for other answers as
    parts of its own, and must not write.
    """
    settle()
    slot, source = Slot(family, key, vary), store()
    try:
        if _making.family is not None:
            return _part(slot, source, compute)
        return _hit(slot, source.read(slot)) or _fill(slot, source, compute)
    except Unreachable:
        return _computed(slot, compute, reason=UNREACHABLE)[0]


def _part(slot: Slot, source: Store, compute: Callable[[], bytes]) -> Cached:
    """A part of the answer that this thread computes, of the very state that the answer reads.

    That state may be older than this moment. So nothing is taken or kept but under the stamp of the whole, which was
    read before that state was fixed: as long as it is valid, nobody has changed anything in between.
    """
    stamp = _making.stamp if _making.family == slot.family else None
    if stamp is None:
        return _computed(slot, compute, reason=PART)[0]
    look()
    state = source.read(slot)
    if state.stamp == stamp and (answer := _hit(slot, state)):
        return answer
    answer, cost = _computed(slot, compute, stamp, reason=PART)
    return _kept(slot, source, answer, cost, stamp) or answer


def _hit(slot: Slot, state: State) -> Cached | None:
    """The stored answer if it is valid: computed under the present generations and not past its end."""
    record = state.record
    if record is None or record.stamp != state.stamp or record.expires <= clock.now().timestamp():
        return None
    return _served(slot, record, HIT)


def _served(slot: Slot, record: Record, state: Literal["HIT", "STALE"]) -> Cached:
    count(slot.family, "hits" if state == HIT else "stale", size=len(record.value), saved=record.cost)
    if not record.pressed:
        PRESS.offer(slot, record)
    return Cached(record.value, state, record.etag, record)


def _fill(slot: Slot, source: Store, compute: Callable[[], bytes]) -> Cached:
    """Compute and store, or get what another reader is computing."""
    patience = monotonic() + WAIT_SECONDS
    while True:
        token = secrets.token_hex(8)
        is_ours, state = source.lock(slot, token)
        if is_ours:
            return _computed_alone(slot, source, compute, token, state)
        if state.stamp is None:
            return _computed(slot, compute, reason=WRITER)[0]
        if answer := _hit(slot, state) or _stale(slot, state, source.spare(slot)):
            return answer
        if monotonic() >= patience:
            return _computed(slot, compute, reason=WAITED)[0]
        sleep(POLL_SECONDS)


def _stale(slot: Slot, state: State, spare: Record | None) -> Cached | None:
    """The spare copy, if nothing it depends on has changed: only its time is over, and another is being made.

    It is no longer stale where the other reader has finished since this one looked.
    """
    if spare is None or spare.stamp != state.stamp:
        return None
    return _served(slot, spare, HIT if spare.expires > clock.now().timestamp() else STALE)


def _computed_alone(slot: Slot, source: Store, compute: Callable[[], bytes], token: str, state: State) -> Cached:
    """Compute while the others hold back, unless the previous holder has just finished."""
    kept: Cached | None = None
    try:
        if answer := _hit(slot, state):
            return answer
        reason = WRITER if state.stamp is None else ALONE
        answer, cost = _computed(slot, compute, state.stamp, reason=reason)
        if state.stamp is not None:
            kept = _kept(slot, source, answer, cost, state.stamp, token=token)
        return kept or answer
    finally:
        if kept is None:
            with suppress(Unreachable):  # the lock ends by itself
                source.unlock(slot, token)


def _kept(slot: Slot, source: Store, answer: Cached, cost: float, stamp: bytes, *, token: str = "") -> Cached | None:
    """`answer` with its record once that is stored, and the lock of `token` given back; None where it is not kept."""
    if slot.family.timeout <= 0:
        return None
    expires = clock.now().timestamp() + slot.family.timeout
    record = Record(stamp, expires, cost, answer.etag, answer.value)
    with suppress(Unreachable):  # the answer is good, it is only not kept
        source.put(slot, record, token)
        return replace(answer, record=record)
    return None


def _computed(
    slot: Slot, compute: Callable[[], bytes], stamp: bytes | None = None, *, reason: str = ALONE
) -> tuple[Cached, float]:
    """What `compute` gives from one state of the database, fixed after `stamp` was read, and the seconds it took.

    `reason` says why it is computed without holding others back (see perf.cache.crowds).
    """
    started = perf_counter()
    outer = _making.family, _making.stamp
    _making.family, _making.stamp = slot.family, stamp
    try:
        with Computing(slot, compute, reason), one_state():
            value = compute()
    finally:
        _making.family, _making.stamp = outer
    cost = perf_counter() - started
    count(slot.family, "misses")
    return Cached(value, MISS, etag_of(value)), cost
