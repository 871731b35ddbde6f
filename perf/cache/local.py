"""The store of one process: Django's in-memory cache for the answers, a dictionary for the generations."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from django.core.cache import caches

from perf import clock
from perf.cache.contract import ALIAS, LOCK_SECONDS, SPARE_SECONDS, WRITER_SECONDS, State
from perf.cache.keys import Slot
from perf.cache.record import Record, stamp_of


def _cache() -> Any:
    """Django's cache; untyped because its stubs do not know that a version may be any text."""
    return caches[ALIAS]


def _now() -> float:
    return clock.now().timestamp()


@dataclass(slots=True)
class _Generation:
    value: str = field(default_factory=lambda: secrets.token_hex(8))
    writers: dict[str, float] = field(default_factory=dict)  # token → deadline

    def settle(self) -> None:
        """Drop writers past their deadline; what they may have changed is then forgotten."""
        dead = [token for token, deadline in self.writers.items() if deadline <= _now()]
        for token in dead:
            del self.writers[token]
        if dead:
            self.value = secrets.token_hex(8)


class LocalStore:
    """See perf.cache.contract.Store."""

    def __init__(self) -> None:
        self._guard = threading.RLock()
        self._epoch = secrets.token_hex(8)
        self._families: dict[str, _Generation] = {}
        self._locks: dict[str, tuple[str, float]] = {}
        self._kept: dict[tuple[str, str], float] = {}  # (key, version) → expires
        self._rates: dict[str, tuple[int, float]] = {}  # counted so far, until

    def read(self, slot: Slot) -> State:
        with self._guard:
            families = [self._families.setdefault(name, _Generation()) for name in slot.family.names()]
            for family in families:
                family.settle()
            if any(family.writers for family in families):
                return State(None, None)
            stamp = stamp_of(" ".join([self._epoch, *(family.value for family in families)]))
        return State(stamp, Record.unpacked(_cache().get(slot.key, version=slot.version)))

    def put(self, slot: Slot, record: Record, token: str = "") -> None:
        raw, cache = record.packed(), _cache()
        timeout = max(ceil(record.expires - _now()), 1)
        cache.set(slot.key, raw, timeout, version=slot.version)
        cache.set(slot.digest, raw, timeout + SPARE_SECONDS, version="spare")
        with self._guard:
            self._kept = {kept: expires for kept, expires in self._kept.items() if expires > _now()}
            self._kept[slot.key, slot.version] = record.expires
        self.unlock(slot, token)

    def spare(self, slot: Slot) -> Record | None:
        return Record.unpacked(_cache().get(slot.digest, version="spare"))

    def lock(self, slot: Slot, token: str) -> tuple[bool, State]:
        with self._guard:
            holder, deadline = self._locks.get(slot.digest, ("", 0.0))
            is_free = not holder or deadline <= _now()
            if is_free:
                self._locks[slot.digest] = (token, _now() + LOCK_SECONDS)
            return is_free, self.read(slot)

    def unlock(self, slot: Slot, token: str) -> None:
        with self._guard:
            holder, _ = self._locks.get(slot.digest, (None, 0.0))
            if holder == token:
                del self._locks[slot.digest]

    def open(self, names: set[str], writer: str) -> None:
        with self._guard:
            for name in names:
                self._families.setdefault(name, _Generation()).writers[writer] = _now() + WRITER_SECONDS

    def close(self, names: set[str], writer: str) -> None:
        with self._guard:
            for name in names:
                family = self._families.setdefault(name, _Generation())
                family.writers.pop(writer, None)
                family.value = secrets.token_hex(8)

    def clear(self) -> int:
        with self._guard:
            self._epoch = secrets.token_hex(8)
            kept, self._kept = self._kept, {}
        return sum(_cache().delete(key, version=version) for key, version in kept)

    def stored(self, root: str) -> dict[str, int]:
        with self._guard:
            kept = dict(self._kept)
        return {key: round(expires - _now()) for (key, _), expires in kept.items() if key.startswith(root)}

    def count(self, name: str, seconds: int) -> tuple[int, int]:
        with self._guard:
            now = _now()
            self._rates = {name: rate for name, rate in self._rates.items() if rate[1] > now}
            used, until = self._rates.get(name, (0, now + seconds))
            self._rates[name] = used + 1, until
            return used + 1, ceil(until - now)


LOCAL = LocalStore()
