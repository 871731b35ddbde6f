"""The fake platforms' answers from a server that costs next to nothing: what is measured is who asks.

Each answer is made once by the fake platform itself, before the worker is measured against it, and kept; a call is
answered after a latency drawn for it. No limits, no faults. It speaks as much HTTP as the clients measured here.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from functools import lru_cache, partial

import django
import uvloop

django.setup()

from scraping.fakes.server import BY_HOST  # noqa: E402  # after setup
from scraping.fakes.world import Call, Limit, World  # noqa: E402

CACHED = 100_000  # answers
UNLIMITED = Limit(calls=1_000_000_000, seconds=1, kind="fixed")
world, draw = World(), random.Random(1)  # noqa: S311  # latencies, no secrets


@lru_cache(CACHED)
def answer(method: str, target: str, token: str, body: bytes) -> bytes:
    """The whole answer to a call, headers included, as the fake platform gives it."""
    host, _, rest = target.lstrip("/").partition("/")
    path, _, query = f"/{rest}".partition("?")
    reply = BY_HOST[host].answer(Call(host, method, path, query, {"authorization": token}, body), world)
    text = (reply.data if isinstance(reply.data, str) else json.dumps(reply.data)).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"} | reply.headers | {"Content-Length": str(len(text))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {reply.status} OK\r\n{head}\r\n".encode() + text


class Connection(asyncio.Protocol):
    """One client's connection: calls one after the other, answers after a while."""

    def __init__(self, low: float, high: float) -> None:
        self.latency, self.waiting = (low, high), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the call when it has come in whole."""
        self.waiting += data
        head, ended, body = self.waiting.partition(b"\r\n\r\n")
        if not ended:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) < int(headers.get("content-length", 0)):
            return
        self.waiting = b""
        method, target, _ = first.split(" ")
        whole = answer(method, target, headers.get("authorization", ""), body)
        loop = asyncio.get_running_loop()
        loop.call_later(draw.uniform(*self.latency), partial(self._write, whole))

    def _write(self, whole: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(whole)  # type: ignore[attr-defined]  # a TCP transport writes


async def main(low: float, high: float, platforms: list[str]) -> None:
    """Serve until stopped; prints the address."""
    world.limits |= dict.fromkeys(platforms, UNLIMITED)
    server = await asyncio.get_running_loop().create_server(
        partial(Connection, low, high), "127.0.0.1", 0, backlog=2048
    )
    print(f"serving on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]))
