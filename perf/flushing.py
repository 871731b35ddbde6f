"""The one background thread of each process that passes on what was recorded, and the turns of periodic work.

It starts with the first record. A process that is forked off begins without it and without what its parent gathered;
at a normal exit everything is passed on once more. It has a connection of its own: it is never in a request's
transaction.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic, thread_time

from django.db import DatabaseError, IntegrityError, close_old_connections, connection, transaction
from django.db.models import Q

from perf import clock, overhead, recording, storing
from perf.conf import setting
from perf.models import Turn

logger = logging.getLogger(__name__)

ROLL_UP_SECONDS = 60.0


@dataclass(slots=True)
class _Work:
    name: str
    seconds: float
    work: Callable[[], None]
    due: float = 0.0  # monotonic


_drains: list[Callable[[], None]] = []
_works: dict[str, _Work] = {}


class _Thread:
    """The thread of this process, if it runs."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.wake, self.guard = threading.Event(), threading.Lock()
        self.flushing = threading.RLock()
        self.ended = False
        self.failing: set[str] = set()


_own = _Thread()


def every(drain: Callable[[], None]) -> None:
    """Call `drain` at each flush, about every PERF_FLUSH_SECONDS. Its error is logged once; the others go on."""
    if drain not in _drains:
        _drains.append(drain)


def periodically(name: str, seconds: float, work: Callable[[], None]) -> None:
    """Do `work` every `seconds` in one process alone, whichever takes the turn first."""
    _works[name] = _Work(name, seconds, work)


def flush() -> None:
    """Pass on what was recorded, now and in this thread, and do what is due: nothing where nothing is measured."""
    if not setting("ENABLE_MONITORING"):
        return
    with _own.flushing:
        started = thread_time()
        for drain in _drains:
            _attempt(f"{drain.__module__}.{drain.__qualname__}", drain)
        overhead.settle(recording.spent() + thread_time() - started)
        for work in list(_works.values()):
            if monotonic() >= work.due:
                work.due = monotonic() + work.seconds
                _attempt(work.name, partial(_in_turn, work))


def awake() -> None:
    """Start the thread unless it runs, and let it not sleep on when much waits."""
    if _own.thread is None:
        _start()
    elif recording.is_urgent():
        _own.wake.set()


def _start() -> None:
    if not setting("PERF_FLUSH_SECONDS") or _own.ended:
        return
    with _own.guard:
        if _own.thread is None:
            _own.thread = threading.Thread(target=_run, args=[_own], name="perf-flush", daemon=True)
            _own.thread.start()


def _run(own: _Thread) -> None:
    while not own.ended:
        seconds = setting("PERF_FLUSH_SECONDS")
        # At round seconds of the clock: what a minute gathered is passed on as it ends, and counts in it.
        own.wake.wait(seconds - clock.now().timestamp() % seconds)
        own.wake.clear()
        if not own.ended:
            flush()
            close_old_connections()


def _attempt(name: str, work: Callable[[], None]) -> None:
    """Do it; an error is told when it first comes, and its end too. Nobody waits for this thread, and it never dies."""
    try:
        work()
    except Exception as error:  # whatever one of them does, the others go on  # noqa: BLE001
        if name not in _own.failing:
            logger.warning("%s failed and will be tried again: %s: %s", name, type(error).__name__, error)
        _own.failing.add(name)
        if isinstance(error, DatabaseError) and not connection.in_atomic_block:
            connection.close()
    else:
        if name in _own.failing:
            logger.warning("%s works again", name)
            _own.failing.discard(name)


def _in_turn(work: _Work) -> None:
    if storing.in_memory() or _took(work):
        work.work()


def _took(work: _Work) -> bool:
    """Whether this process does it now: the row was not moved within `seconds`, by the database's clock.

    A turn that was taken in the future was taken before that clock was put back, and holds nobody up.
    """
    period = timedelta(seconds=work.seconds)
    due = Q(taken_at__lte=clock.db_now(-period * 0.9))  # a little early is better than a period late
    due |= Q(taken_at__gt=clock.db_now(period))
    if Turn.objects.filter(due, pk=work.name).update(taken_at=clock.db_now()):
        return True
    if Turn.objects.filter(pk=work.name).exists():
        return False
    try:
        with transaction.atomic():
            Turn.objects.create(pk=work.name, taken_at=clock.db_now())
    except IntegrityError:
        return False
    return True


def end() -> None:
    """At the end of the process: pass on what is left, in whichever thread ends it."""
    _own.ended = True
    _own.wake.set()
    if _own.thread is not None:
        flush()
        connection.close()


def _after_fork() -> None:
    global _own  # noqa: PLW0603  # the thread is the parent's, and its locks may be held for ever
    _own = _Thread()
    for work in _works.values():
        work.due = 0.0


every(storing.keep)
periodically("perf.roll_up", ROLL_UP_SECONDS, storing.roll_up)
recording.wakes.append(awake)
atexit.register(end)
os.register_at_fork(after_in_child=_after_fork)
