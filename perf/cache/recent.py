"""A dictionary that keeps what was used last, up to a weight."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Entries of a total weight of at most `most`, each of `weigh`; those not used the longest go. For threads."""

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most, self._weigh = most, weigh
        self._guard = threading.Lock()
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._weight = 0

    def get(self, key: K) -> V | None:
        """The value of `key`, which thereby becomes the last to go; None where there is none."""
        with self._guard:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep `value`, unless it alone is heavier than everything may be."""
        weight = self._weigh(value)
        with self._guard:
            self._drop(key)
            if weight > self._most:
                return
            self._entries[key] = value
            self._weight += weight
            while self._weight > self._most:
                self._drop(next(iter(self._entries)))

    def drop(self, key: K) -> None:
        """Forget `key`."""
        with self._guard:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._entries.clear()
            self._weight = 0

    def __len__(self) -> int:
        return len(self._entries)

    def _drop(self, key: K) -> None:
        if (gone := self._entries.pop(key, None)) is not None:
            self._weight -= self._weigh(gone)
