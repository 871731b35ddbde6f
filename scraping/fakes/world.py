"""The fake platforms' common ground: calls and replies, meters that count, faults on demand, and who exists."""

from __future__ import annotations

import hashlib
import math
import random
import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from perf import clock
from scraping.fakes import curves

ABSENT = "nosuch"  # handles that begin so do not exist on any fake platform
DOLLARS_PER_USER = 0.010  # X's price of a user returned
HUGE = 987_654_321_098_765_432  # stands for 1e999, which no encoder writes
ACCOUNT_FAULTS = frozenset(
    [
        "not_found",
        "suspended",
        "hidden",
        "missing",
        "renamed",
        "reassigned",
        "rounded",
        "nan",
        "huge_number",
        "unsupported",
        "forbidden",
    ]
)
WHOLE_FAULTS = frozenset(
    [
        "rate_limit",
        "dead_token",
        "budget_spent",
        "status",
        "slow_headers",
        "slow_body",
        "reset",
        "half_close",
        "truncated",
        "invalid_json",
        "challenge",
        "giant",
        "gzip_bomb",
        "redirect",
        "drift",
    ]
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a platform sees it. `path` keeps its percent-encoding."""

    host: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def params(self) -> dict[str, str]:
        """The query's parameters; the last of each name."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def token(self) -> str:
        """The bearer token, or an empty text."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""


@dataclass(slots=True)
class Reply:
    """What a platform answers: JSON-able data or text, and the handles it was asked for (faults look at them)."""

    data: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `calls` in `seconds`: `fixed` windows start with a call, `rolling` ones look back, `day` has a zone."""

    calls: int
    seconds: int
    kind: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a meter stands after a call: whether it was allowed, what is left and when (epoch) the window ends."""

    allowed: bool
    limit: int
    used: int
    resets_at: float

    @property
    def remaining(self) -> int:
        """Calls left in the window."""
        return max(0, self.limit - self.used)


class Meter:
    """Counts one credential's calls against one limit, refused ones too."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.arrivals: deque[tuple[float, int]] = deque(maxlen=500_000)
        self.requests = self.spent = self.refused = self.most = 0
        self._window: deque[tuple[float, int]] = deque()
        self._used = self._asked = 0
        self._ends_at = 0.0

    def spend(self, cost: int, now: datetime) -> Usage:
        """Count a call of `cost`; it is allowed while the window has room for it."""
        at = now.timestamp()
        self._forget(now)
        self.arrivals.append((at, cost))
        self.requests += 1
        self._asked += cost
        self.most = max(self.most, self._asked)
        allowed = self._used + cost <= self.limit.calls
        if allowed:
            self._used += cost
            self.spent += cost
        else:
            self.refused += cost
        if allowed and self.limit.kind == "rolling":
            self._window.append((at, cost))
        return Usage(allowed, self.limit.calls, self._used, self._ends_at)

    def most_in_any_span(self) -> int:
        """The most calls that fell into any stretch of the window's length, wherever it begins."""
        most = inside = 0
        span: deque[tuple[float, int]] = deque()
        for at, cost in self.arrivals:
            span.append((at, cost))
            inside += cost
            while span[0][0] <= at - self.limit.seconds:
                inside -= span.popleft()[1]
            most = max(most, inside)
        return most

    def _forget(self, now: datetime) -> None:
        at = now.timestamp()
        if self.limit.kind == "rolling":
            while self._window and self._window[0][0] <= at - self.limit.seconds:
                self._used -= self._window.popleft()[1]
            self._asked = self._used
            self._ends_at = (self._window[0][0] if self._window else at) + self.limit.seconds
        elif at >= self._ends_at:
            self._used = self._asked = 0
            self._ends_at = at + self.limit.seconds if self.limit.kind == "fixed" else _midnight(now, self.limit.zone)


def _midnight(now: datetime, zone: str) -> float:
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), time(), ZoneInfo(zone)).timestamp()


@dataclass(slots=True)
class Fault:
    """One way to fail, for a platform and perhaps one handle (or id); `times` counts down, None = always."""

    kind: str
    platform: str
    handle: str = ""
    times: int | None = None
    value: Any = None
    chance: float = 1.0
    seed: int = 0
    names: frozenset[str] = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        known = {self.handle.casefold()}
        if self.platform in curves.GIVES:  # a call may name the account by its id alone
            known.add(curves.external_id(self.platform, self.handle).casefold())
        self.names = frozenset(known)
        if self.kind not in ACCOUNT_FAULTS | WHOLE_FAULTS:
            raise ValueError(f"no fault is called {self.kind!r}")
        self.rng = random.Random(self.seed)  # noqa: S311 - a reproducible choice, not a secret

    def strikes(self, asked: Collection[str]) -> bool:
        """Whether it hits a call for `asked` (casefolded); uses up one of its times if so."""
        if self.times == 0 or (self.handle and self.names.isdisjoint(asked)):
            return False
        if self.rng.random() >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class World:
    """The state all fake platforms share; one lock, since tests read it from other threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.flying = 0  # calls
        self.rng = random.Random(0)  # noqa: S311 - the same latencies in every run
        self.names: dict[tuple[str, str], str] = {}
        self.reset()

    def reset(self) -> None:
        """Forget faults, latency, limits, budgets and all that was counted; names that belong to ids stay known."""
        with self.lock:
            self.faults: list[Fault] = []
            self.meters: dict[tuple[str, str, str], Meter] = {}
            self.dollars: dict[str, set[tuple[str, str]]] = {}
            self.latency = (0.0, 0.0)
            self.limits: dict[str, Limit] = {}
            self.budgets: dict[str, float] = {}
            self.most_at_once = 0  # calls

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """A call that is being answered."""
        with self.lock:
            self.flying += 1
            self.most_at_once = max(self.most_at_once, self.flying)
        try:
            yield
        finally:
            with self.lock:
                self.flying -= 1

    def spend(self, platform: str, call: Call, limit: Limit, cost: int = 1, credential: str = "") -> Usage:
        """Count `cost` against the meter of this platform, host and credential."""
        key = platform, call.host, _owner(credential or call.token)
        with self.lock:
            meter = self.meters.get(key)
            if meter is None:
                limit = self.limits.get(call.host) or self.limits.get(platform) or limit
                meter = self.meters[key] = Meter(limit)
            return meter.spend(cost, clock.now())

    def bill(self, platform: str, identity: str) -> None:
        """Charge for one user returned, once per user and UTC day."""
        with self.lock:
            self.dollars.setdefault(platform, set()).add((identity, str(clock.today("UTC"))))

    def is_broke(self, platform: str) -> bool:
        """Whether the budget that was set for `platform` is used up."""
        with self.lock:
            spent = len(self.dollars.get(platform, ())) * DOLLARS_PER_USER
            return spent >= self.budgets.get(platform, math.inf) - 1e-9

    def fault(self, platform: str, asked: Collection[str], kinds: Collection[str]) -> Fault | None:
        """The first fault of `kinds` that strikes a call for `asked`, or None."""
        if not self.faults:
            return None
        folded = {handle.casefold() for handle in asked}
        with self.lock:
            for fault in self.faults:
                if fault.platform in {platform, "*"} and fault.kind in kinds and fault.strikes(folded):
                    return fault
        return None

    def account_fault(self, platform: str, handle: str) -> str:
        """The kind of fault that lies on one account; `not_found` for handles that never existed, else empty."""
        if handle.casefold().startswith(ABSENT):
            return "not_found"
        if not self.faults:
            return ""
        fault = self.fault(platform, {handle, curves.external_id(platform, handle)}, ACCOUNT_FAULTS)
        return fault.kind if fault else ""

    def identity(self, platform: str, handle: str, fault: str = "") -> str:
        """The id that `handle` leads to; somebody else's once it was re-assigned."""
        identity = curves.external_id(platform, f"{handle}~another" if fault == "reassigned" else handle)
        if identity != handle:
            self.names[platform, identity] = handle
        return identity

    def name_of(self, platform: str, identity: str) -> str:
        """The handle that last led to `identity`, or the id itself."""
        return self.names.get((platform, identity), identity)

    def known_as(self, platform: str, identity: str) -> str:
        """The handle that last led to `identity`; empty for one that nobody has asked for by name yet."""
        return self.names.get((platform, identity), "")

    def figures(self, platform: str, identity: str, fault: str = "") -> dict[str, Any]:
        """Today's figures of `identity`, with a fault that lies on numbers applied to the followers."""
        figures: dict[str, Any] = dict(curves.figures_by_id(platform, identity, clock.today()))
        spoilt = {"nan": math.nan, "huge_number": HUGE, "rounded": shortened(figures["followers"])}
        if fault in spoilt:
            figures["followers"] = spoilt[fault]
        return figures

    def served(self, *, times: bool = False) -> dict[str, Any]:
        """What was served per platform, host and credential, and the most seen in any window."""
        with self.lock:
            rows = [_row(key, meter, times=times) for key, meter in self.meters.items()]
            money = {platform: round(len(users) * DOLLARS_PER_USER, 3) for platform, users in self.dollars.items()}
        return {"day": str(clock.today()), "served": rows, "dollars": money, "most_at_once": self.most_at_once}


@lru_cache(maxsize=10_000)
def _owner(credential: str) -> str:
    """A name for a credential that does not give it away."""
    return hashlib.sha256(credential.encode()).hexdigest()[:8]


def _row(key: tuple[str, str, str], meter: Meter, *, times: bool) -> dict[str, Any]:
    limit = meter.limit
    row: dict[str, Any] = dict(zip(("platform", "host", "credential"), key, strict=True))
    row |= {"requests": meter.requests, "calls": meter.spent, "refused": meter.refused}
    row["window"] = {"calls": limit.calls, "seconds": limit.seconds, "kind": limit.kind, "zone": limit.zone}
    row |= {"max_in_window": meter.most, "max_in_any_span": meter.most_in_any_span()}
    if times:
        row["times"] = list(meter.arrivals)
    return row


def shortened(count: int) -> str:
    """`count` as pages write it: "1.2M", "34K"."""
    for size, letter in ((1_000_000, "M"), (1_000, "K")):
        if count >= size:
            return f"{math.floor(count / size * 10) / 10:g}{letter}"
    return str(count)
