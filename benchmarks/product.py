"""The whole product as `manage.py up` starts it, in a folder of its own; people for it, and its processes' memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ground import ROOT
from project import children
from project.embedded import free_port

START_SECONDS = 600.0  # on a machine that others use too
STOP_SECONDS = 30.0
UNSET = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "SECRET_KEY", "TIDEMARK_TESTING", "MEDIA_ROOT", "BASE_URL")
"""What would lead the product away from its own folder."""
KINDS = {
    "project.web": "web",
    " worker": "worker",
    " beat": "beat",
    "fakeplatforms": "fake platforms",
    "valkey": "valkey",
    "postgres": "postgres",
    "rendering": "decoder of photos",
    " up": "up",
}
"""What a process is by a word of its command line; the first that fits."""


@dataclass(frozen=True, slots=True)
class Product:
    """A running one: its folder, its port, the process of `up` and the environment in which commands join it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    env: Mapping[str, str]

    def manage(self, *arguments: str) -> str:
        """What `manage.py …` prints on this product's data. Raises CalledProcessError."""
        return self._run("manage.py", *arguments)

    def people(self, wanted: Mapping[str, int]) -> dict[str, list[tuple[str, str]]]:
        """So many new people of each role: their names and passwords."""
        told: dict[str, list[tuple[str, str]]] = json.loads(self._run("-m", "benchmarks.people", json.dumps(wanted)))
        return told

    def _run(self, *command: str) -> str:
        ended = subprocess.run(  # noqa: S603  # our own commands
            [sys.executable, *command], cwd=ROOT, env=dict(self.env), stdout=subprocess.PIPE, text=True, check=True
        )
        return ended.stdout

    def memory(self) -> dict[str, float]:
        """MB of each kind of process now: proportional set sizes, so that what they share counts once. Linux only."""
        found: dict[str, float] = defaultdict(float)
        for pid in descendants(self.process.pid):
            with suppress(OSError, StopIteration):  # it ended meanwhile
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                kilobytes = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
                found[next((kind for word, kind in KINDS.items() if word in command), "other")] += kilobytes / 1024
        return dict(found)


def descendants(pid: int) -> Iterator[int]:
    """`pid` and all that descend from it."""
    yield pid
    with suppress(OSError):  # it ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


@contextmanager
def running(database: str = "sqlite") -> Iterator[Product]:
    """The demo, started from an empty folder on `database` (sqlite or postgres); all of it is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="tidemark-load-", dir="/tmp") as held:
        folder, port = Path(held) / "data", free_port()
        Path(held).chmod(0o711)  # PostgreSQL may have to run as another user
        env = {name: value for name, value in os.environ.items() if name not in UNSET}
        env |= {"DATA_DIR": str(folder), "PORT": str(port), "DB": database, "DEMO": "1", "DEBUG": "0"}
        log = Path(held) / "up.log"
        with log.open("wb") as output:
            process = children.spawn([sys.executable, "manage.py", "up"], env=env, cwd=ROOT, output=output)
        try:
            _wait(process, log)
            yield Product(folder, port, process, env)
        finally:
            children.stop(process, grace=STOP_SECONDS)  # it stops its own


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when it serves. Raises RuntimeError with what it said when it does not."""
    deadline = time.monotonic() + START_SECONDS
    while not re.search(r"^Tidemark runs at", log.read_text(), re.MULTILINE):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the product did not start:\n{log.read_text()}")
        time.sleep(0.2)
