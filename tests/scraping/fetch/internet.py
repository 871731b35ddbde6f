"""An internet of two machines for attacks on the outgoing edge: one that may be asked, and this one, which counts.

Nothing of the product is replaced: only where packets to port 443 end, what names resolve to, and that TLS is left out.
"""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from typing import Any

import aiohappyeyeballs
import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from scraping.connectors.base import CallFailed, Request, Response
from scraping.fetch import Fetcher
from tests.scraping.fetch.conftest import OK, RawServer

PUBLIC = "93.184.215.14"  # where everything is that may be asked
LOOPBACKS = ("127.0.0.2", "::1")
HERE = ("localhost", "localhost.localdomain", "ip6-localhost", "a.localhost", "127.0.0.2.nip.example")
SECRET = b"what only this network may read"


class Counting(RawServer):
    """Counts whoever connects to this machine, by any of its loopback addresses."""

    def __init__(self) -> None:
        super().__init__(LOOPBACKS[0])

    async def _listen(self) -> None:
        await super()._listen()
        for address in LOOPBACKS[1:]:
            await asyncio.start_server(self._answer, address, self.port)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits += 1
        writer.write(OK + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET)
        writer.close()


class Names(AbstractResolver):
    """What names resolve to: each its list of answers, one after the other and the last one for ever; else PUBLIC."""

    known: dict[str, list[list[str]]]

    def __init__(self) -> None:
        self.known, self.asked = {}, []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[dict[str, Any]]:
        self.asked.append(host)
        answers = self.known.get(host.lower(), [[as_the_c_library_reads(host) or PUBLIC]])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in answer
        ]

    async def close(self) -> None:
        pass


def as_the_c_library_reads(host: str) -> str:
    """The address that getaddrinfo takes `host` for, empty for a name."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""


class Internet:
    """The two machines and the names, and what was reached."""

    def __init__(self, asked: RawServer, forbidden: Counting) -> None:
        self.asked, self.forbidden, self.names = asked, forbidden, Names()
        self.opened: list[str] = []  # addresses other than PUBLIC that a socket was opened for
        asked.hits, forbidden.hits = 0, 0
        asked.paths = defaultdict(lambda: OK + b"Content-Length: 2\r\n\r\n{}")
        for name in HERE:
            self.names.known[name] = self.names.known[f"{name}."] = [["127.0.0.2"]]

    def fetch(self, url: str, *, hosts: set[str], **request: Any) -> Response | CallFailed:
        """What came of a call as production makes it."""

        async def call() -> Response:
            async with Fetcher(deadline=5.0, resolver=self.names) as fetcher:
                return await fetcher.fetch(Request(url, **request), hosts=hosts)

        try:
            return asyncio.run(call())
        except CallFailed as failed:
            return failed

    def route(self, address: str) -> tuple[str, int]:
        """Where a packet to port 443 of `address` ends: all gateways lead back to this machine."""
        if address == PUBLIC:
            return "127.0.0.1", self.asked.port
        return "::1" if ":" in address else "127.0.0.2", self.forbidden.port

    def is_untouched(self) -> bool:
        """Whether this machine was neither reached nor called."""
        return not self.opened and not self.forbidden.hits


async def connect(internet: Internet, infos: Any, *, socket_factory: Any, **how: Any) -> socket.socket:
    """`start_connection` of the library: the guard is shown the true address, the packet goes where it is routed."""
    true = {}
    for info in infos:
        true[(*info[:4], (*internet.route(info[4][0]), *info[4][2:]))] = info

    def opened(routed: Any) -> socket.socket:
        made: socket.socket = socket_factory(true[routed])
        internet.opened += {true[routed][4][0]} - {PUBLIC}
        return made

    return await start_connection(list(true), socket_factory=opened, **how)


start_connection = aiohappyeyeballs.start_connection


def join(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every Fetcher live in `internet`, with an environment that names a proxy on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.2:{internet.forbidden.port}")

    async def routed(addr_infos: Any, **how: Any) -> socket.socket:
        return await connect(internet, addr_infos, **how)

    monkeypatch.setattr(aiohappyeyeballs, "start_connection", routed)
    monkeypatch.setattr(aiohttp.TCPConnector, "_get_ssl_context", lambda *_: None)
    monkeypatch.setattr(aiohttp, "ThreadedResolver", lambda: internet.names)
