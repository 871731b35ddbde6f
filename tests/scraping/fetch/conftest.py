"""A server that answers with raw bytes, and calls to it as a connector makes them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter

import pytest
from aiohttp.abc import AbstractResolver

from scraping.connectors.base import CallFailed, Request
from scraping.fetch import Fetcher

HOST = "api.example.org"
HOSTS = {HOST, "other.example.org"}
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"  # as the server does after each answer


class RawServer:
    """A server on `address` that answers each path with raw bytes, or with a coroutine of ours; it counts its hits."""

    def __init__(self, address="127.0.0.1"):
        self.address, self.hits, self.paths, self.requests = address, 0, {}, []
        self.seen = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(5)

    def _run(self):
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self._listen())
        self.loop.call_soon(self._ready.set)  # inside run_forever, so that a stop right away is not lost
        self.loop.run_forever()
        answers = asyncio.all_tasks(self.loop)
        for answer in answers:
            answer.cancel()
        if answers:
            self.loop.run_until_complete(asyncio.wait(answers))
        self.loop.close()

    async def _listen(self):
        self.server = await asyncio.start_server(self._answer, self.address, 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _answer(self, reader, writer):
        self.hits += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            answer = self.paths[head.split(" ")[1]]
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.seen["lost"] += 1
        finally:
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)


@pytest.fixture
def server():
    running = RawServer()
    yield running
    running.stop()


@pytest.fixture
def forbidden():
    running = RawServer("127.0.0.2")
    yield running
    running.stop()


@pytest.fixture
def get(server, settings):
    """Fetch `https://api.example.org/<path>` from the raw server; `deadline` in seconds."""
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"

    def fetch(path="/x", *, deadline=5.0, hosts=HOSTS, **request):
        async def call():
            async with Fetcher(deadline=deadline) as fetcher:
                return await fetcher.fetch(Request(f"https://{HOST}{path}", **request), hosts=hosts)

        return asyncio.run(call())

    return fetch


def plain(body, *headers):
    return OK + b"".join(h + b"\r\n" for h in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def redirect(location):
    head = b"HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n"
    return head + b"Location: " + location.encode() + b"\r\n\r\n"


def trouble_of(call, *args, **kwargs):
    with pytest.raises(CallFailed) as caught:
        call(*args, **kwargs)
    return caught.value.trouble


def direct(url, *, hosts, resolver=None, settings=None):
    """Fetch `url` without fake platforms, as production does."""
    settings.FAKE_PLATFORMS_URL = ""

    async def call():
        async with Fetcher(deadline=5.0, resolver=resolver) as fetcher:
            return await fetcher.fetch(Request(url), hosts=hosts)

    return asyncio.run(call())


class Rebinding(AbstractResolver):
    """Resolves a name to a public address once, and to the forbidden server afterwards."""

    def __init__(self, *answers, port):
        self.answers, self.port, self.asked = answers, port, 0

    async def resolve(self, host, port=0, family=socket.AF_INET):
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        base = {"hostname": host, "port": self.port, "proto": 0, "flags": 0}
        return [
            base | {"host": found, "family": socket.AF_INET6 if ":" in found else socket.AF_INET} for found in answer
        ]

    async def close(self):
        self.answers = ()
