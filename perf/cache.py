"""Families of cached answers under generations: what one write makes stale is forgotten at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Cached answers that grow stale together; `timeout` in seconds; `depends_on` make it stale too."""

    name: str
    timeout: int
    depends_on: tuple[Family, ...] = ()

    def of(self, member: str) -> Family:
        """The family of one member, e.g. HISTORY.of("x:cdcgov"); forgetting it leaves the others warm."""
        return Family(f"{self.name}:{member}", self.timeout, self.depends_on)


@dataclass(frozen=True, slots=True)
class Cached:
    """A value with how it was come by: HIT, MISS or STALE."""

    value: bytes
    state: str


def forget(*families: Family) -> None:
    """Make every answer of `families` stale: at once for readers, for good on commit."""


def cached(family: Family, key: str, compute: Callable[[], bytes]) -> Cached:
    """The bytes stored under `key` in `family`, or what `compute` gives."""
    return Cached(compute(), "MISS")
