"""`manage.py up`: the whole product in one terminal, from an empty folder."""

from __future__ import annotations

import http.client
import io
import logging
import secrets
import sys
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from project import demo
from project.bodies import THREADS
from project.launch import ROOT, House
from project.progress import Progress
from project.statics import collect_when_changed
from project.supervisor import Program, Supervisor

TICK = 0.25  # seconds between two looks at the children


class Command(BaseCommand):
    """Starts and watches web server, worker and beat; stops them all on Ctrl-C."""

    help = (
        "Run Tidemark: embedded services, migrations, web server, worker and beat, until Ctrl-C. "
        "Everything is chosen by environment variables; docs/operations.md lists them."
    )
    stealth_options = ("house",)

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
                progress.show()
                time.sleep(TICK)
        finally:
            self._say("Stopping …")
            supervisor.stop()

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self, house: House) -> None:
        """Tables, roles, static files, the administrator and the demo's data, each only as far as it is missing."""
        call_command("migrate", interactive=False, verbosity=0)
        call_command("sync_roles", stdout=io.StringIO())  # its changes are in the audit log
        try:
            demo.refuse_mixture(demo=house.demo)
        except demo.Mixture as refusal:
            raise CommandError(str(refusal)) from refusal
        if not settings.DEBUG:
            collect_when_changed()
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
        programs = {program.name: program for program in _programs(house)}
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


def _programs(house: House) -> list[Program]:
    """Everything that runs beside this process."""
    manage = [sys.executable, str(ROOT / "manage.py")]
    celery = [sys.executable, "-m", "celery", "--app", "project", "--quiet", "--workdir", str(ROOT)]
    concurrency = ["--concurrency", str(settings.WORKER_PROCESSES)]
    alone = ["--without-gossip", "--without-mingle"]  # one worker has nobody to greet; greeting costs a second
    commands = {
        "web": [*manage, "runserver", f"{settings.HOST}:{settings.PORT}"] if settings.DEBUG else _granian(),
        "worker": [*celery, "worker", *concurrency, *alone],
        "beat": [*celery, "beat", "--schedule", str(house.folder / "beat-schedule"), "--pidfile="],
    }
    if house.demo:
        commands["fakes"] = [*manage, "fakeplatforms", "--port", str(_fakes_port())]
    folder = None if settings.DEBUG else house.folder / "log"
    return [Program(name, command, folder) for name, command in commands.items()]


def _fakes_port() -> int:
    return int(settings.FAKE_PLATFORMS_URL.rpartition(":")[2])


def _granian() -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--working-dir", str(ROOT)),
        *("--http", "1", "--host", settings.HOST, "--port", str(settings.PORT)),
        *("--workers", str(settings.WEB_PROCESSES), "--blocking-threads", str(THREADS), "--respawn-failed-workers"),
        "project.wsgi:application",
    ]


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
