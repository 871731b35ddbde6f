"""What one request or task did, as it is kept: its queries with the lines that asked, and its calls of the cache."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import compress
from typing import Any, ClassVar, Self

from perf.queries import normalised
from perf.traces import Trace

MOST_QUERIES = 60  # different ones that an example lists
MOST_CALLS = 60


@dataclass(slots=True)
class Asked:
    """One query without its values, asked `times` from one line; `started` seconds after the beginning at first."""

    sql: str
    file: str
    line: int
    function: str
    started: float
    times: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Called:
    """One answer asked of the cache."""

    family: str
    outcome: str
    seconds: float


@dataclass(slots=True)
class Example:
    """One request or task, in seconds: `count` queries took `database`, the cache took `cache`."""

    at: float  # when it ended, in seconds since 1970
    seconds: float
    method: str
    status: str
    count: int
    database: float
    cache: float
    queries: list[Asked] = field(default_factory=list)
    calls: list[Called] = field(default_factory=list)

    @classmethod
    def of(cls, trace: Trace, seconds: float, at: float) -> Self:
        """What `trace` saw until `at`; equal queries of one line stand together."""
        asked: dict[tuple[str, object], Asked] = {}
        for call in trace.queries:
            key = call.sql, call.place
            if key not in asked and len(asked) < MOST_QUERIES:
                asked[key] = Asked(normalised(call.sql), *call.place[:3], call.started)
            if key in asked:
                asked[key].times += 1
                asked[key].seconds += call.seconds
        calls = [Called(*call) for call in trace.calls[:MOST_CALLS]]
        counted = trace.count, trace.seconds, trace.cached
        return cls(at, seconds, trace.method, trace.status, *counted, list(asked.values()), calls)

    @classmethod
    def read(cls, told: dict[str, Any]) -> Self:
        """The example that was written as JSON."""
        lists = {
            "queries": [Asked(**one) for one in told["queries"]],
            "calls": [Called(**one) for one in told["calls"]],
        }
        return cls(**told | lists)

    @property
    def ended(self) -> datetime:
        """When it ended."""
        return datetime.fromtimestamp(self.at, UTC)


@dataclass(slots=True)
class Examples:
    """The slowest of a period, the slowest first, and one at random: whose `lot` was the lowest."""

    worst: list[Example]
    lot: float = 1.0
    drawn: Example | None = None

    WORST: ClassVar = 3

    def merge(self, other: Examples) -> None:
        """The slowest of both, and whose lot is lower."""
        self.worst = sorted(self.worst + other.worst, key=lambda one: -one.seconds)[: self.WORST]
        if other.lot < self.lot:
            self.lot, self.drawn = other.lot, other.drawn

    @classmethod
    def pack(cls, values: Sequence[Examples]) -> bytes:
        return json.dumps([asdict(one) for one in values], separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Examples]:
        for told in compress(json.loads(data), chosen):
            drawn = told["drawn"] and Example.read(told["drawn"])
            yield cls([Example.read(one) for one in told["worst"]], told["lot"], drawn)
