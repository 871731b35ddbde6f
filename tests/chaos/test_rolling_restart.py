"""Web servers replaced under load: no request fails, over old connections, new ones, or in the middle of an upload."""

from __future__ import annotations

import http.client
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from project.listening import LEAVE_SECONDS, listen
from project.models import AccessToken
from project.rollout import Rollout, WebServer
from project.supervisor import Program, Supervisor
from tests import factories, processes
from tests.chaos.test_uploads import Device
from tests.workitems.conftest import draft
from tests.workitems.photo_files import picture
from workitems.models import Photo
from workitems.workflow import submit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

READERS = 6
UPLOADS = 2  # begun in each round
PAUSE = 0.5  # seconds between two bytes of a slow upload
SECONDS = 180.0  # for anything on a busy machine


class Load:
    """What clients saw until `done`: answers by their status, and what went wrong."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.done = threading.Event()
        self.replaced = threading.Event()
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []

    def reading(self, *, keep: bool) -> None:
        """Ask again and again; with `keep` over one connection for as long as the server keeps it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.done.is_set():
            try:
                connection.request("GET", "/login/")
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            if not keep:
                connection.close()
            time.sleep(0.02)

    def uploading(self, device: Device, upload: str) -> None:
        """Begin to send a promised photo, in one request, and end it once its server was replaced."""
        request = device.request_of_piece(upload, 0)
        sent = len(request) // 2
        try:
            with device.connected() as link:
                link.settimeout(60)
                link.sendall(request[:sent])
                while not self.replaced.wait(PAUSE):
                    link.sendall(request[sent : sent + 1])
                    sent += 1
                link.sendall(request[sent:])
                self.answers[int(link.recv(65_536).split()[1])] += 1
        except OSError as error:
            self.failures.append(f"upload: {error!r}")


class World:
    """Two web processes on one socket, beside a worker and a beat that do nothing; replaced as `up` does it."""

    def __init__(self, listener: socket.socket, folder: Path) -> None:
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor({}, self.said.append)
        self.running = self.programs()
        for program in self.running.values():
            self.supervisor.start(program)
        self.until(self.running["web"].ready)

    def programs(self) -> dict[str, Program]:
        command = [sys.executable, "-m", "project.web", "--workers", "2"]
        web = WebServer(command, self.folder, self.listener.fileno(), 2)
        return {"web": web} | {name: Program(name, ["sleep", "600"], self.folder) for name in ("worker", "beat")}

    def replace(self, replaced: threading.Event) -> None:
        """Replace all of them; what the old web server still answers ends when `replaced` is set, and so does it."""
        old, new = self.running, self.programs()
        steps = Rollout(self.supervisor, self.said.append, 5.0).steps(
            Program("prepare", ["true"], self.folder), old, new
        )
        while self.said[-1:] != ["Restarted. What was begun before is still brought to its end."]:
            next(steps, None)
            assert not [line for line in self.said if line.startswith("Not restarted")], self.log()
            self.pause()
        self.said.clear()
        self.running = new
        left = time.monotonic() + LEAVE_SECONDS + 1
        self.until(lambda: time.monotonic() > left)
        assert old["web"].running()  # for it is sent something
        replaced.set()
        self.until(lambda: not self.supervisor.retiring(old["web"]))
        assert old["web"].process is not None
        assert old["web"].process.returncode == 0  # it ended by itself, with nothing left to do

    def until(self, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.log()
            self.pause()

    def pause(self) -> None:
        self.supervisor.tick()
        time.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "web.log").read_text()


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    settings.MEDIA_ROOT = tmp_path / "media"
    for name, value in processes.environment(MEDIA_ROOT=str(settings.MEDIA_ROOT)).items():
        monkeypatch.setenv(name, value)
    with listen("127.0.0.1", 0) as listener:
        made = World(listener, tmp_path / "log")
        yield made
        made.supervisor.stop()


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.chaos), pytest.param(4, marks=pytest.mark.drill)])
def test_no_request_fails_while_web_servers_are_replaced(world: World, rounds: int) -> None:
    load = Load(world.port)
    mark = factories.user("crew", password=None)
    token = AccessToken.objects.make(mark, "phone", "crew")[1]
    item = submit(draft(), mark).number
    url = f"http://127.0.0.1:{world.port}"
    devices = [Device(url, token, item, picture(64, 48, shade=n), f"{n}", iter(())) for n in range(rounds * UPLOADS)]
    promised = [device.promise()["id"] for device in devices]
    uploads = [threading.Thread(target=load.uploading, args=pair) for pair in zip(devices, promised, strict=True)]
    readers = [threading.Thread(target=load.reading, kwargs={"keep": n % 2 == 0}) for n in range(READERS)]
    for reader in readers:
        reader.start()
    for number in range(rounds):
        load.replaced.clear()
        for upload in uploads[number * UPLOADS : (number + 1) * UPLOADS]:
            upload.start()
        world.replace(load.replaced)
    for upload in uploads:
        upload.join()
    load.done.set()
    for reader in readers:
        reader.join()
    assert load.failures == []
    assert set(load.answers) == {200}, load.answers
    assert load.answers[200] > rounds * READERS
    assert sorted(Photo.objects.values_list("key", flat=True)) == sorted(device.key for device in devices)
