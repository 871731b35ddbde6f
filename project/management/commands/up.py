"""`manage.py up`: the whole product in one terminal, from an empty folder."""

from __future__ import annotations

import http.client
import logging
import secrets
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from project import demo
from project.launch import ROOT, House
from project.progress import Progress
from project.rollout import Rollout, WebServer
from project.supervisor import Program, Supervisor

TICK = 0.25  # seconds between two looks at the children


class Command(BaseCommand):
    """Starts and watches web server, worker and beat; stops them all on Ctrl-C."""

    help = (
        "Run Tidemark: embedded services, migrations, web server, worker and beat, until Ctrl-C. "
        "Everything is chosen by environment variables; docs/operations.md lists them."
    )
    stealth_options = ("house",)
    _rollout: Generator[None] | None = None

    def handle(self, *, house: House | None = None, **options: Any) -> None:
        """Prepare the data, start the programs, then watch them until interrupted."""
        if house is None:
            raise CommandError("Start it as `manage.py up`.")
        logging.disable(logging.WARNING)  # this terminal shows what happens; slow statements of a first start do not
        self._prepare(house)
        supervisor = Supervisor(house.services, self._say)
        try:
            self._start(house, supervisor)
            progress = Progress(self._say)
            if house.demo:
                progress.follow(demo.request_first_scrape())
            while not house.interrupted:
                supervisor.tick()
                self._restart_when_asked(house, supervisor)
                progress.show()
                time.sleep(TICK)
        finally:
            if self._rollout is not None:
                self._rollout.close()
            self._say("Stopping …")
            supervisor.stop()

    def _restart_when_asked(self, house: House, supervisor: Supervisor) -> None:
        """Begin, or go on with, the rolling restart that SIGHUP asks for; one after the other when it asks twice."""
        if self._rollout is None and house.restart_wanted:
            house.restart_wanted = False
            if settings.DEBUG:
                self._say("Nothing to restart: development loads changed code by itself.")
                return
            self._rollout = self._roll(house, supervisor)
        if self._rollout is not None:
            try:
                next(self._rollout)
            except StopIteration:
                self._rollout = None

    def _roll(self, house: House, supervisor: Supervisor) -> Generator[None]:
        new = _programs(house)
        prepare = Program("prepare", [sys.executable, str(ROOT / "manage.py"), "prepare"], _logs(house))
        rollout = Rollout(supervisor, self._say, settings.CELERY_TASK_TIME_LIMIT)
        if (yield from rollout.steps(prepare, self._running, new)):
            self._running |= new

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self, house: House) -> None:
        """Tables, static files, the administrator and the demo's data, each only as far as it is missing."""
        call_command("prepare")
        try:
            demo.refuse_mixture(demo=house.demo)
        except demo.Mixture as refusal:
            raise CommandError(str(refusal)) from refusal
        self._make_administrator()
        if house.demo:
            for line in demo.prepare():
                self._say(line)

    def _make_administrator(self) -> None:
        users = get_user_model().objects
        if users.exists():
            return
        password = secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        self._say(f"Administrator: admin   Password: {password}   (shown only this once)")

    def _start(self, house: House, supervisor: Supervisor) -> None:
        """Start the web server first, for whoever waits for a page; then the fakes, and last who asks them."""
        programs = _programs(house)
        self._running = dict(programs)
        if settings.DEBUG and house.listener is not None:
            house.listener.close()  # Django's own server wants to open it itself
        supervisor.start(programs.pop("web"))
        _wait(house, supervisor, settings.HOST, settings.PORT)
        kind = "demo data" if house.demo else "real platforms"
        logs = "" if settings.DEBUG else f"; logs in {house.folder / 'log'}"
        self._say(f"Tidemark runs at {settings.BASE_URL}/ ({kind}; Ctrl-C stops it{logs})")
        if settings.DEBUG:
            self._say(
                f"The toolbar is on every page, Silk at {settings.BASE_URL}/silk/; `make plant` is for trying them."
            )
        if house.demo:
            supervisor.start(programs.pop("fakes"))
            _wait(house, supervisor, "127.0.0.1", _fakes_port())
        for program in programs.values():
            supervisor.start(program)


def _programs(house: House) -> dict[str, Program]:
    """Everything that runs beside this process, by its name."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    celery = [sys.executable, "-m", "celery", "--app", "project", "--quiet", "--workdir", str(ROOT)]
    concurrency = ["--concurrency", str(settings.WORKER_PROCESSES)]
    alone = ["--without-gossip", "--without-mingle"]  # one worker has nobody to greet; greeting costs a second
    name = ["--hostname", f"{secrets.token_hex(4)}@%h"]  # a rolling restart has two for a while
    commands = {
        "worker": [*celery, "worker", *name, *concurrency, *alone],
        "beat": [*celery, "beat", "--schedule", str(house.folder / "beat-schedule"), "--pidfile="],
    }
    if house.demo:
        commands["fakes"] = [*manage, "fakeplatforms", "--port", str(_fakes_port())]
    folder = _logs(house)
    return {"web": _web(house)} | {name: Program(name, command, folder) for name, command in commands.items()}


def _web(house: House) -> Program:
    if settings.DEBUG or house.listener is None:
        address = f"{settings.HOST}:{settings.PORT}"
        return Program("web", [sys.executable, str(ROOT / "manage.py"), "runserver", address], None)
    command = [sys.executable, "-m", "project.web", "--workers", str(settings.WEB_PROCESSES)]
    return WebServer(command, _logs(house), house.listener.fileno(), settings.WEB_PROCESSES)


def _logs(house: House) -> Path | None:
    return None if settings.DEBUG else house.folder / "log"


def _fakes_port() -> int:
    return int(settings.FAKE_PLATFORMS_URL.rpartition(":")[2])


def _wait(house: House, supervisor: Supervisor, host: str, port: int) -> None:
    """Return when something answers at `host`:`port`, restarting meanwhile whoever dies."""
    while not house.interrupted and not _answers(host, port):
        supervisor.tick()
        time.sleep(TICK / 2)


def _answers(host: str, port: int) -> bool:
    """Whether something speaks HTTP at `host`:`port`; any status will do."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
