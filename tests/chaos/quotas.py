"""Processes that share one limit while they, and the Redis that counts it, are killed; what a platform would see."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import redis

from project import children
from project.embedded import Valkey
from scraping.connectors.base import Window
from scraping.limits import Limit
from tests import processes

WINDOWS = (Window(calls=100, seconds=5), Window(calls=50, seconds=1))
LIMIT = Limit.of("flickr", "a credential of this test", "", WINDOWS)


@dataclass(frozen=True, slots=True)
class Seen:
    """What arrived: calls, the most of them in any stretch of each window, and the share of the allowed rate."""

    calls: int
    most: tuple[int, ...]
    share: float

    @property
    def exceeded(self) -> bool:
        """Whether any stretch of any window held more than the window allows."""
        return any(most > window.calls for most, window in zip(self.most, WINDOWS, strict=True))


def call_for(
    seconds: float,
    folder: Path,
    valkey: Valkey,
    *,
    callers: int = 8,
    kills: int = 0,
    wipes: int = 0,
    restarts: int = 0,
    seed: int = 1,
) -> Seen:
    """Let `callers` call for `seconds` while they are killed and Redis is wiped and restarted, evenly spread."""
    rng = random.Random(seed)
    path, env = folder / "calls", {"BROKER_URL": valkey.url(1)}
    started = [_caller(path, seconds, env, number) for number in range(callers)]
    for caller in started:
        caller.wait_until(lambda caller=caller: "ready" in caller.output())  # type: ignore[misc]  # a default argument
    begin = time.monotonic()
    faults = ["kill"] * kills + ["wipe"] * wipes + ["restart"] * restarts
    rng.shuffle(faults)
    try:
        for number, fault in enumerate(faults):
            time.sleep(max(0.0, begin + seconds * (number + 1) / (len(faults) + 2) - time.monotonic()))
            if fault == "kill":
                victim = rng.randrange(callers)
                started[victim].kill()
                left = begin + seconds - time.monotonic()
                started[victim] = _caller(path, left, env, callers + number)
            elif fault == "wipe":
                with redis.Redis.from_url(valkey.url()) as client:
                    client.flushall()
            else:
                assert valkey.process is not None
                children.kill(valkey.process)
                valkey.start()
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
    finally:
        for caller in started:
            caller.kill()
    return _seen(sorted(int(line) for line in path.read_text().split()))


def _caller(path: Path, seconds: float, env: dict[str, str], number: int) -> processes.Process:
    command = ["-m", "tests.chaos.caller", str(path), str(seconds)]
    return processes.start(f"caller{number}", command, processes.environment(**env))


def _seen(arrivals: list[int]) -> Seen:
    """Judge arrivals (nanoseconds, in order)."""
    most = tuple(_most(arrivals, window.seconds * 1_000_000_000) for window in WINDOWS)
    return Seen(len(arrivals), most, _share(arrivals))


def _share(arrivals: list[int]) -> float:
    """The least time in which the longest window lets as many calls through, as a share of the time they took."""
    longest = max(WINDOWS, key=lambda window: window.seconds)
    filled = (len(arrivals) - 1) // longest.calls  # the call after so many full windows may come this late:
    took = (arrivals[filled * longest.calls] - arrivals[0]) / 1e9
    return filled * longest.seconds / took if filled else 0.0


def _most(arrivals: Iterable[int], span: int) -> int:
    """The most arrivals in any stretch of `span`."""
    most, inside = 0, deque[int]()
    for at in arrivals:
        inside.append(at)
        while inside[0] <= at - span:
            inside.popleft()
        most = max(most, len(inside))
    return most
