"""Worker hosts of their own: network namespaces, each on a wire to this one that can be cut and mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.db import connection

from project import children
from project.embedded import Valkey, free_port
from scraping import ledger
from tests import processes, services
from tests.chaos.gathering import Gathering

NETWORK = "10.219"  # ours alone inside these namespaces: host number n has 10.219.n.2, this machine 10.219.n.1
DISPATCH_SECONDS = 4.0
CUT_SECONDS = 20.0  # twice the lease: what the host held goes to the other one meanwhile


def allowed() -> str:
    """Why namespaces cannot be made here; empty where they can."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return "needs root and iproute2"
    made = subprocess.run(["ip", "netns", "add", "tmk-try"], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", "tmk-try"], capture_output=True, check=False)
    return made.stderr.strip()


def ip(*arguments: str) -> None:
    """Run `ip` with `arguments`; raises CalledProcessError."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Host:
    """A network namespace with one wire to here; database, Redis and platforms are reached over it alone."""

    def __init__(self, number: int) -> None:
        self.name = f"tmk-{os.getpid()}-{number}"
        self.near, self.far = f"{NETWORK}.{number}.1", f"{NETWORK}.{number}.2"
        self.wire = f"tm{os.getpid() % 100_000}n{number}"
        ip("netns", "add", self.name)
        ip("link", "add", self.wire, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        ip("address", "add", f"{self.near}/24", "dev", self.wire)
        ip("link", "set", self.wire, "up")
        ip("-n", self.name, "address", "add", f"{self.far}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            ip("-n", self.name, "link", "set", device, "up")

    def start(self, name: str, command: list[str], env: dict[str, str]) -> processes.Process:
        """Start `python command…` in this namespace."""
        log = services.FOLDER / f"{name}-{time.monotonic_ns()}.log"
        inside = ["ip", "netns", "exec", self.name, sys.executable, *command]
        with log.open("wb") as output:
            return processes.Process(children.spawn(inside, env=env, cwd=processes.ROOT, output=output), log)

    def cut(self) -> None:
        """From now on nothing goes over the wire; neither side is told."""
        ip("link", "set", self.wire, "down")

    def mend(self) -> None:
        """The wire carries again."""
        ip("link", "set", self.wire, "up")

    def remove(self) -> None:
        """Take the namespace away, and its wire with it."""
        ip("netns", "del", self.name)


class GatheringOnHosts(Gathering):
    """A scrape by one worker on each of `hosts`; its further fault cuts the wire of the first of them for a while."""

    def __init__(self, fakes_url: str, valkey: Valkey, hosts: list[Host], **options: Any) -> None:
        super().__init__(fakes_url, valkey, workers=len(hosts), **options)
        self.hosts, self._mend_at = hosts, 0.0
        self.relays: list[processes.Process] = []
        self._port = free_port()  # of the database, as the hosts see it
        self._lay_out()

    def _lay_out(self) -> None:
        """Let each host reach the three servers: through its wire, and the platforms as its own loopback."""
        fakes, redis = (f"127.0.0.1:{urlsplit(url).port}" for url in (self.fakes_url, self.valkey.url()))
        pairs = []
        for host in self.hosts:
            pairs += [f"{host.near}:{end.rpartition(':')[2]}={end}" for end in (fakes, redis)]
            pairs += [f"{host.near}:{self._port}={database_end()}"]
        self.relays = [processes.start("relay", ["-m", "tests.chaos.relay", *pairs], dict(os.environ))]
        for host in self.hosts:
            pair = f"{fakes}={host.near}:{fakes.rpartition(':')[2]}"
            self.relays.append(host.start("relay", ["-m", "tests.chaos.relay", pair], dict(os.environ)))

    def _start_worker(self) -> processes.Process:
        missing = (worker is None or worker.popen.poll() is not None for worker in self.workers)
        host = self.hosts[list(missing).index(True)]
        near = {name: self.env[name].replace("127.0.0.1", host.near) for name in ("BROKER_URL", "REDIS_URL")}
        asked = {key: connection.settings_dict[key] for key in ("USER", "PASSWORD", "NAME")}
        person = ":".join(filter(None, (asked["USER"], asked["PASSWORD"])))
        near["DATABASE_URL"] = f"postgres://{person}@{host.near}:{self._port}/{asked['NAME']}"
        env = processes.environment(**self.env | near)
        options = [
            "--concurrency",
            str(self.concurrency),
            "--loglevel",
            "info",
            "--without-gossip",
            "--without-mingle",
            "--hostname",
            f"worker@{host.name}",
        ]
        return host.start("worker", ["-m", "celery", "-A", "project", "worker", *options], env)

    def _beat(self) -> None:
        """As seldom as beat itself does: every question crosses a wire and a relay here."""
        if time.monotonic() - self._dispatched > DISPATCH_SECONDS:
            self._dispatched = time.monotonic()
            self._send("scraping.tasks.dispatch")
            self._look(ledger.sweep)

    def _host_cuts(self) -> bool:
        if self._mend_at:
            return False
        self.hosts[0].cut()
        self._mend_at = time.monotonic() + CUT_SECONDS
        return True

    def _keep_alive(self) -> None:
        if self._mend_at and time.monotonic() > self._mend_at:
            self._mend_at = 0.0
            self.hosts[0].mend()
        super()._keep_alive()

    def close(self) -> None:
        """End the relays."""
        for relay in self.relays:
            relay.kill()


def database_end() -> str:
    """Where the tests' PostgreSQL listens: host:port, or the path of its socket."""
    parts = urlsplit(os.environ["TEST_DATABASE_URL"])
    folder = parse_qs(parts.query).get("host", [""])[0]
    return f"{folder}/.s.PGSQL.{parts.port or 5432}" if folder else f"{parts.hostname}:{parts.port or 5432}"
