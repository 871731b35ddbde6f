"""Answers in this process's memory, and the thread that presses them once they have proved to be asked for."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from dataclasses import replace

from perf.cache.contract import Unreachable
from perf.cache.keys import Slot
from perf.cache.recent import Recent
from perf.cache.record import Record
from perf.cache.store import store
from perf.compression import pressed

log = logging.getLogger(__name__)

BYTES_MAX = 64 * 1024 * 1024  # of answers in one process
RECORD_MAX = 1024 * 1024  # bytes; a larger answer is read from the store each time
WAITING_MAX = 64  # answers that wait to be pressed; one more is left for its next reader to offer again

Place = tuple[str, str]  # a slot's version and key


class Press:
    """One thread that compresses answers as well as can be, while nobody waits for it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: queue.Queue[tuple[Slot, Record]] = queue.Queue(WAITING_MAX)
        self._known: set[Place] = set()
        self._thread: threading.Thread | None = None

    def offer(self, slot: Slot, record: Record) -> None:
        """Have `record` pressed, unless it is waiting already or too many are."""
        place = place_of(slot)
        with self._guard:
            if place in self._known:
                return
            with suppress(queue.Full):
                self._waiting.put_nowait((slot, record))
                self._known.add(place)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="cache-press", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Return when everything offered so far is done."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            slot, record = self._waiting.get()
            try:
                self.press(slot, record)
            except Unreachable:
                log.debug("Not pressed, the cache server does not answer: %s", slot.key)
            except Exception:
                log.exception("An answer could not be pressed: %s", slot.key)
            with self._guard:
                self._known.discard(place_of(slot))
            self._waiting.task_done()

    def press(self, slot: Slot, record: Record) -> None:
        """Store `record` pressed, if it is still the answer; or take over what another process has pressed."""
        present = store().read(slot).record
        if present is None or present.stamp != record.stamp:
            return
        if not present.pressed:
            by_gzip, by_brotli = pressed(present.value)
            present = replace(present, pressed=True, gzip=by_gzip, br=by_brotli)
            if (latest := store().read(slot)).stamp != present.stamp or latest.record is None:
                return
            store().put(slot, present)
        keep(slot, present)


def place_of(slot: Slot) -> Place:
    """Where the answers of `slot` are kept."""
    return slot.version, slot.key


def keep(slot: Slot, record: Record) -> None:
    """Have `record` at hand in this process; whoever shows it compares its stamp."""
    if len(record.value) <= RECORD_MAX:
        READY.put(place_of(slot), record)


def _weight(record: Record) -> int:
    return len(record.value) + len(record.gzip) + len(record.br)


READY: Recent[Place, Record] = Recent(BYTES_MAX, _weight)
PRESS = Press()
