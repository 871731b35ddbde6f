"""A circuit breaker: after a failure, nobody waits for a server that does not answer."""

from __future__ import annotations

import threading
from time import monotonic

REST = 2.0  # seconds without a try after a failure; then one caller probes while the others go on without


class Breaker:
    """Closed: every call may pass. Open: none, until `rest` seconds are over. Half-open: one caller probes."""

    def __init__(self, rest: float = REST) -> None:
        self.rest = rest
        self._lock = threading.Lock()
        self._closed = True
        self._next_try = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last call failed."""
        return not self._closed

    def allows(self) -> bool:
        """Whether the caller may try; while open, True for one caller per `rest` seconds."""
        if self._closed:
            return True
        with self._lock:
            if monotonic() < self._next_try:
                return False
            self._next_try = monotonic() + self.rest
            return True

    def succeeded(self) -> None:
        """Close the circuit."""
        self._closed = True

    def failed(self) -> None:
        """Open the circuit for `rest` seconds from now."""
        with self._lock:
            self._closed = False
            self._next_try = monotonic() + self.rest
