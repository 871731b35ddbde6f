"""The whole product as `manage.py up` starts it, while its servers hang and each of its processes is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from secrets import token_hex

from PIL import Image

from benchmarks import product
from benchmarks.browsing import Browser, Seen
from benchmarks.product import Product, descendants
from perf.benchmark import percentile
from tests.chaos.hanging import stopped
from tests.chaos.rounds import ROLES, STREAMS, People

SLOWER = 0.3  # seconds by which the p95 may grow while Redis hangs
LONGEST = 10.0  # seconds that an answer may take whatever hangs
BACK = 60.0  # seconds within which everything has to work again after a kill
VICTIMS = {
    "web server": ("-m project.web", ""),
    "web process": ("-m project.web", "child"),
    "worker": (" worker ", ""),
    "beat": (" beat ", ""),
    "Valkey": ("valkey-server", ""),
    "PostgreSQL": ("bin/postgres -D", ""),
}
"""What is killed: a word of its command line, and whether it is the process itself or the first it started."""


def pid_of(running: Product, victim: str) -> int:
    """The process of `up` that is called so."""
    word, which = VICTIMS[victim]
    found = [pid for pid in _children(running.process.pid) if word in _command(pid)]
    return _children(found[0])[-1] if which else found[0]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> str:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def photo() -> bytes:
    """A JPEG that nobody sent before."""
    made = BytesIO()
    Image.effect_noise((640, 480), 90).convert("RGB").save(made, "JPEG")
    return made.getvalue()


@contextmanager
def house() -> Iterator[tuple[Product, People]]:
    """The demo on PostgreSQL, with one person of each role who may ask as often as they like."""
    os.environ |= {"RATE_LIMIT_READS": "0", "RATE_LIMIT_EXPORTS": "0", "RATE_LIMIT_SCRAPES": "0"}
    with product.running("postgres") as running:
        known = running.people(dict.fromkeys(ROLES, 1))
        yield running, People(running.port, {role: told[0] for role, told in known.items()}, (photo(),))


def hangs() -> tuple[Mapping[str, object], list[str]]:
    """Every address and act with Redis well and Redis hung, then with PostgreSQL hung: what was seen, what is wrong."""
    with house() as (running, people):
        _round(people)  # so that both rounds find what a first one has to make
        well = _round(people)
        with stopped(pid_of(running, "Valkey")):
            hung = _round(people)
        with stopped(pid_of(running, "PostgreSQL")):
            away = people.read()
        started = time.monotonic()
        _until(lambda: ready(running.port))
        back = time.monotonic() - started
    wrong = [f"{one.kind}: {one.status or 'no answer'} while Redis hung" for one in hung if _failed(one)]
    p95, slower = _p95(well), _p95(hung)
    if slower > p95 + SLOWER:
        wrong.append(f"p95 {slower:.3f} s while Redis hung, {p95:.3f} s before")
    wrong += [f"{one.kind}: {one.status} while PostgreSQL hung" for one in away if one.status in {0, 500}]
    wrong += [f"{one.kind} took {one.seconds:.1f} s" for one in hung + away if _slow(one)]
    rows = {
        "answers with everything well": f"{len(well)}, p95 {p95:.3f} s",
        "answers while Redis hung": f"{len(hung)}, p95 {slower:.3f} s, 5xx {sum(map(_failed, hung))}",
        "answers while PostgreSQL hung": f"{len(away)}, 503 {sum(one.status == 503 for one in away)}, "
        f"slowest {max(one.seconds for one in away):.1f} s, median {percentile([o.seconds for o in away], 0.5):.3f} s",
        "ready again after PostgreSQL went on": f"{back:.1f} s",
    }
    return rows, wrong


def _round(people: People) -> list[Seen]:
    return [*people.sign_in(), *people.read(), *people.act()]


def _failed(one: Seen) -> bool:
    return one.status == 0 or one.status >= 500


def _slow(one: Seen) -> bool:
    return one.seconds > LONGEST and not one.kind.startswith(STREAMS)


def _p95(seen: list[Seen]) -> float:
    return percentile([one.seconds for one in seen if not one.kind.startswith(STREAMS)], 0.95)


def ready(port: int) -> bool:
    """Whether database, cache and broker answer through the web server."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def _until(holds: Callable[[], bool], seconds: float = BACK) -> None:
    """Return once `holds`; after `seconds` whoever asks sees for himself that it does not."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)


@dataclass(eq=False)  # threads are told apart by identity
class Crew(threading.Thread):
    """Somebody who sends one item after the other, each until it is told that it is stored."""

    port: int
    name_and_password: tuple[str, str]
    stored: dict[str, str] = field(default_factory=dict)  # key → number
    refused: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        """Send until it is over; what was begun is brought to its end."""
        browser = Browser(self.port)
        name, password = self.name_and_password
        while not self.over.is_set():
            key = token_hex(8)
            words = {"location": "Engine room", "description": f"kill {key}", "detail": "Renew it.", "key": key}
            while key not in self.stored:
                told = browser.send("item", "POST", "/api/workitems", words)
                if told.status in {200, 201}:
                    self.stored[key] = told.json()["number"]
                elif told.status in {401, 403}:
                    browser.post("sign-in", "/login/", {"username": name, "password": password, "next": ""})
                else:
                    self.refused += 1
                    time.sleep(0.2)


def kills(rounds: int) -> tuple[Mapping[str, object], list[str]]:
    """Kill −9 each process in turn while people send items and a scrape runs: what was seen, and what is wrong."""
    rows: dict[str, object] = {}
    wrong: list[str] = []
    with house() as (running, people):
        people.sign_in()
        people.browser("editor").send("scrape", "POST", "/api/scrapes", {"scope": "all"})
        crew = [Crew(running.port, people.passwords["crew"]) for _ in range(3)]
        for one in crew:
            one.start()
        for victim in VICTIMS:
            times = [_kill(running, victim, crew) for _ in range(rounds)]
            rows[f"{victim} killed {rounds} ×, writing again after"] = f"{max(times):.1f} s at most"
            wrong += [f"{victim}: not back after {BACK:.0f} s"] * (max(times) >= BACK)
        for one in crew:
            one.over.set()
        for one in crew:
            one.join(BACK)
        stored = {key: number for one in crew for key, number in one.stored.items()}
        found = _kept(people, stored)
        _until(lambda: _finished(people), 4 * BACK)
        rows |= {"items told stored": len(stored), "tries that were refused": sum(one.refused for one in crew)}
        rows |= {"of them lost": len(stored) - found, "scrapes that did not end": 0 if _finished(people) else 1}
    wrong += [f"{len(stored) - found} items lost"] * (found != len(stored))
    wrong += ["two items with one number"] * (len(set(stored.values())) != len(stored))
    wrong += ["a scrape did not end"] * (rows["scrapes that did not end"] != 0)
    return rows, wrong


def _kill(running: Product, victim: str, crew: list[Crew]) -> float:
    """Seconds from the death of `victim` until something is stored again and everything is ready."""
    old = pid_of(running, victim)
    for pid in [old, *descendants(old)] if victim == "PostgreSQL" else [old]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    started, before = time.monotonic(), sum(len(one.stored) for one in crew)
    _until(lambda: ready(running.port) and sum(len(one.stored) for one in crew) > before + len(crew))
    seconds = time.monotonic() - started
    time.sleep(2)  # or the next would strike what is not up yet
    return seconds


def _kept(people: People, stored: Mapping[str, str]) -> int:
    """How many of the items are there, with the words that they were sent with."""
    people.sign_in()
    reviewer = people.browser("reviewer")
    told = {key: reviewer.api("item", f"/api/workitems/{number}") for key, number in stored.items()}
    return sum(one.status == 200 and one.json()["description"] == f"kill {key}" for key, one in told.items())


def _finished(people: People) -> bool:
    rows = people.browser("editor").api("scrapes", "/api/scrapes").json()["data"]
    return all(row["finished_at"] for row in rows)
