"""How long rows are kept: every app says it of its own tables in `retention`, one run deletes what is older."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from django.db.models import QuerySet

from perf import clock
from perf.discovery import discovered

CHUNK = 1_000  # rows per transaction: no lock lasts, and SQLite's one writer is free again soon


@dataclass(frozen=True, slots=True)
class Expired:
    """Rows of one kind that are older than they are kept; 0 days: they carry the instant of their end themselves.

    `first` is called before any of them goes.
    """

    name: str
    days: int
    rows: QuerySet[Any]
    first: Callable[[], object] | None = None

    def __str__(self) -> str:
        return f"older than {self.days} days" if self.days else "that have run out"

    def delete(self, deadline: float) -> int:
        """Delete them, CHUNK at a time, until `deadline` (monotonic seconds); how many went."""
        if self.first is not None:
            self.first()
        gone = 0
        while monotonic() < deadline and (ids := list(self.rows.values_list("pk", flat=True)[:CHUNK])):
            _, by_model = self.rows.model._base_manager.filter(pk__in=ids).delete()
            gone += by_model.get(self.rows.model._meta.label, 0)  # without those that another process was faster with
        return gone


def before(days: int) -> datetime:
    """The hour that began `days` ago: an hour is kept whole or not at all, so that it never counts half.

    By the database's clock: a worker whose clock is wrong deletes nothing too early.
    """
    return (clock.db_instant() - timedelta(days=days)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def expired() -> Iterator[Expired]:
    """What would go now of all apps, in the order it has to go."""
    for _, module in discovered("retention"):
        yield from module.expired()


def kept() -> dict[str, str]:
    """Tables whose rows do not go by their age, as "app.Model", and why that is well."""
    return {name: why for _, module in discovered("retention") for name, why in module.KEPT.items()}


def prune(seconds: float) -> dict[str, int]:
    """Delete what is expired, for `seconds` at most; returns how many rows went, by name."""
    deadline = monotonic() + seconds
    return {kind.name: kind.delete(deadline) for kind in expired()}
