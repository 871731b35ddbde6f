"""Clients of the real server while another process writes and is killed: no answer is older than what was committed."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accounts.models import Account
from perf import clock
from project.models import AccessToken
from snapshots.models import Snapshot
from tests import factories, processes
from tests.chaos.versions import BASE, Versions

HANDLE = "subject"
READS: dict[str, Callable[[Any], int]] = {
    "/api/summary": lambda body: body[0]["followers"],
    "/api/summary?group=total": lambda body: body[0]["followers"],
    "/api/grid": lambda body: body["data"][0][body["columns"].index("followers")],
    f"/api/history/x/{HANDLE}": lambda body: body["followers"][-1],
    "/api/accounts": lambda body: int(body["data"][0]["account_display_name"][1:]),
    f"/api/accounts/x/{HANDLE}": lambda body: int(body["account_display_name"][1:]),
}
"""What is read, and where in the answer its version stands."""


@dataclass(slots=True)
class Report:
    """What was read and written meanwhile."""

    answers: Counter[str] = field(default_factory=Counter)  # by X-Cache
    wrong: list[str] = field(default_factory=list)
    versions: int = 0
    kills: int = 0

    def __str__(self) -> str:
        states = ", ".join(f"{number:,} {state}" for state, number in sorted(self.answers.items()))
        rows = {
            "answers": f"{self.answers.total():,} ({states})",
            "versions written": f"{self.versions:,}",
            "writers killed": f"{self.kills:,}",
            "answers that were not true": f"{len(self.wrong):,}",
        }
        return "\n".join([*(f"{name:<28} {value}" for name, value in rows.items()), *self.wrong[:10]])


@dataclass(slots=True)
class Race:
    """What readers and whoever starts them share."""

    url: str
    token: str
    versions: Versions
    report: Report = field(default_factory=Report)
    over: threading.Event = field(default_factory=threading.Event)


def read_for(seconds: float, folder: Path, *, clients: int = 4, kill_every: float = 5.0, seed: int = 1) -> Report:
    """Read with `clients` for `seconds` while a writer writes and is killed about every `kill_every` seconds."""
    token, path, rng = _world(), folder / "versions", random.Random(seed)
    server = processes.start_server(RATE_LIMIT_READS="0")
    race = Race(server.url, token, Versions(path))
    writer = _writer(path, race.versions)
    readers = [threading.Thread(target=_read, args=(race, number)) for number in range(clients)]
    until = time.monotonic() + seconds
    try:
        for reader in readers:
            reader.start()
        while (left := until - time.monotonic()) > (pause := rng.uniform(0.5, 1.0) * kill_every):
            time.sleep(pause)
            writer.kill()
            race.report.kills += 1
            writer = _writer(path, race.versions)
        time.sleep(max(left, 0))
    finally:
        race.over.set()
        for reader in readers:
            reader.join()
        writer.kill()
        server.stop()
    race.report.versions = race.versions.done
    return race.report


def _world() -> str:
    """One account with today's figure at version 0, and a token that may read it."""
    account = factories.account("x", HANDLE, display_name=f"v{BASE}")
    factories.snapshot(account, clock.today(), BASE)
    assert (Account.objects.count(), Snapshot.objects.count()) == (1, 1)
    return AccessToken.objects.make(factories.user("viewer", password="!"), "chaos", "read")[1]  # type: ignore[arg-type]  # django's own


def _writer(path: Path, versions: Versions) -> processes.Process:
    """A writer at work: it has gone on from what is stored."""
    begun = versions.begun
    environment = processes.environment(DJANGO_SETTINGS_MODULE="project.settings")
    writer = processes.start("writer", ["-m", "tests.chaos.writer", str(path)], environment)
    return writer.wait_until(lambda: versions.begun > begun)


def _read(race: Race, number: int) -> None:
    """Ask for one answer after another; each must be at least as new as what was committed before the question."""
    connection = http.client.HTTPConnection(urlsplit(race.url).netloc, timeout=30)
    paths, headers = list(READS), {"Authorization": f"Bearer {race.token}"}
    for turn in count(number):
        if race.over.is_set():
            break
        path = paths[turn % len(paths)]
        oldest = race.versions.done
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body, newest = response.read(), race.versions.begun
        state = response.headers.get("X-Cache") or f"status {response.status}"
        race.report.answers[state] += 1
        found = READS[path](json.loads(body)) - BASE if response.status == 200 else -1
        if not oldest <= found <= newest:
            race.report.wrong.append(f"{path} said {found}, true were {oldest} to {newest} ({state})")
    connection.close()
