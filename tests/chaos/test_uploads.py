"""Photos over connections cut at every stage, to a server that is killed: none is lost, none is stored twice."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import struct
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from project.models import AccessToken
from tests import factories, processes
from tests.workitems.conftest import draft
from tests.workitems.photo_files import picture
from workitems import janitor
from workitems.models import Photo, Upload, WorkItem
from workitems.workflow import submit

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

TRIES = 20
TWO_DAYS = 172_800  # seconds; the janitor takes what is older than one


class Cut(Exception):
    """The connection ended before there was an answer."""


@dataclass(slots=True)
class Device:
    """A phone that sends one photo of `item` and forgets it only when it is told that it is stored.

    `cuts` says for each request that it makes how many of its bytes leave before the connection is gone, negative
    from the end; `deaf` ones are sent whole and cut before the answer is read. None goes through.
    """

    url: str
    token: str
    item: str
    content: bytes
    key: str
    cuts: Iterator[int | str | None]
    name: str = "IMG_0001.jpg"

    def send(self) -> dict[str, Any]:
        """The upload as the server tells it in the end."""
        for _ in range(TRIES):
            try:
                told = self.promise()
                while told["state"] == "open":
                    told = self.piece(told["id"], told["offset"])
            except Cut:
                continue
            return told
        raise AssertionError(f"{self.key} was not stored in {TRIES} tries")

    def promise(self) -> dict[str, Any]:
        """Say what comes."""
        sha256 = hashlib.sha256(self.content).hexdigest()
        said = {"item": self.item, "key": self.key, "name": self.name, "size": len(self.content), "sha256": sha256}
        body = json.dumps(said).encode()
        return self.exchange(self.request("POST", "/api/uploads", body, "Content-Type: application/json"))

    def piece(self, upload: str, offset: int) -> dict[str, Any]:
        """Send what is not there yet; where the server has more or less of it, its word counts."""
        return {"state": "open", "id": upload} | self.exchange(self.request_of_piece(upload, offset))

    def request_of_piece(self, upload: str, offset: int) -> bytes:
        """The bytes of that request."""
        return self.request("PATCH", f"/api/uploads/{upload}", self.content[offset:], f"Upload-Offset: {offset}")

    def request(self, method: str, path: str, body: bytes, header: str) -> bytes:
        """The bytes of a request, alone on its connection."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            f"Authorization: Bearer {self.token}",
        ]
        lines += ["Accept: application/json", f"Content-Length: {len(body)}", header, "Connection: close", "", ""]
        return "\r\n".join(lines).encode() + body

    def connected(self) -> socket.socket:
        """A connection to the server."""
        return socket.create_connection(("127.0.0.1", urlsplit(self.url).port or 0), timeout=10)

    def exchange(self, request: bytes) -> dict[str, Any]:
        """The answer's JSON. Raises Cut where the next of `cuts` says so, or the server is gone."""
        cut = next(self.cuts, None)
        with self.connected() as link:
            try:
                link.sendall(request if cut in (None, "deaf") else request[: int(cut)])
                if cut is not None:
                    raise Cut
                answer = b"".join(iter(lambda: link.recv(65_536), b""))
            except OSError as error:
                raise Cut from error
        head, _, body = answer.partition(b"\r\n\r\n")
        if not body:
            raise Cut
        assert head.split()[1] in (b"200", b"201", b"409"), answer
        told: dict[str, Any] = json.loads(body)
        return told


@pytest.fixture
def server(settings: Any, tmp_path: Path) -> Iterator[Any]:
    """Starts the web server with the test's storage."""
    settings.MEDIA_ROOT = tmp_path
    started: list[processes.Process] = []

    def start(**env: str) -> processes.Process:
        started.append(processes.start_server(MEDIA_ROOT=str(tmp_path), **env))
        return started[-1]

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def phone() -> Any:
    """Makes the devices of one of the crew, all for one item."""
    mark = factories.user("crew", password=None)
    token = AccessToken.objects.make(mark, "phone", "crew")[1]
    item = submit(draft(), mark)

    def make(url: str, key: str, *cuts: int | str | None) -> Device:
        content = picture(640, 480, shade=len(key) * 7) + key.encode() * 40_000
        return Device(url, token, item.number, content, key, iter(cuts))

    return make


def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    """Wait until `holds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


STAGES: dict[str, tuple[int | str | None, ...]] = {
    "no-byte-of-the-promise": (0,),
    "head-of-the-promise": (40,),
    "words-of-the-promise": (-10,),
    "answer-to-the-promise": ("deaf",),
    "head-of-a-piece": (None, 40),
    "first-bytes-of-a-piece": (None, 400),
    "middle-of-a-piece": (None, 200_000, None, 100_000),
    "last-byte-of-a-piece": (None, -1),
    "answer-to-the-last-piece": (None, "deaf"),
    "everything": (0, "deaf", 90_000, "deaf", None, 90_000, None, 40, None, -1, None, "deaf"),
}


def files(folder: Path) -> list[str]:
    """What lies in the storage."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_whole(devices: list[Device], folder: Path) -> None:
    """Each photo is stored once, as it was sent, and nothing else lies in the storage."""
    there = {photo.key: photo for photo in Photo.objects.all()}
    assert sorted(there) == sorted(device.key for device in devices)
    for device in devices:
        assert (folder / str(there[device.key].original)).read_bytes() == device.content
    assert files(folder) == sorted(str(photo.original) for photo in there.values())
    assert not Upload.objects.open().exists()
    item = WorkItem.objects.get()
    assert (item.photo_count, item.photos_due) == (len(devices), 0)


def test_a_connection_cut_at_any_stage_costs_no_photo_and_leaves_no_file(
    server: Any, phone: Any, tmp_path: Path
) -> None:
    url = server(MAX_PHOTOS=str(len(STAGES))).url
    devices = [phone(url, stage, *cuts) for stage, cuts in STAGES.items()]
    for device in devices:
        assert device.send()["state"] == "stored"
        assert next(device.cuts, "none left") == "none left"
    assert_whole(devices, tmp_path)


def unsent(connection: socket.socket) -> int:
    """Bytes that the other side has not taken yet; see tcp(7), SIOCOUTQ."""
    return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0])


def test_a_server_killed_while_it_receives_costs_no_photo(server: Any, phone: Any, tmp_path: Path) -> None:
    doomed = server()
    devices = [phone(doomed.url, key) for key in ("half", "whole")]
    half, whole = (device.promise()["id"] for device in devices)
    with devices[0].connected() as first, devices[1].connected() as second:
        first.sendall(devices[0].request_of_piece(half, 0)[:150_000])
        until(lambda: unsent(first) == 0)
        second.sendall(devices[1].request_of_piece(whole, 0))
        doomed.kill()
    assert Upload.objects.open().filter(pk=half).exists()
    url = server().url
    for device in devices:
        device.url = url
        assert device.send()["state"] == "stored"
    for path in tmp_path.rglob("*"):
        os.utime(path, (time.time() - TWO_DAYS,) * 2)
    for shard in range(janitor.SHARDS):
        janitor.remove_orphans(shard)  # what came there as the server died, before a row spoke of it
    assert_whole(devices, tmp_path)
