"""Worlds with something wrong in them, and receivers for the notices of it. For tests only."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from accounts.models import Account
from perf import clock
from scraping.models import Attempt, ScrapeJob
from tests import factories


def tried(platform: str, outcome: str, *, of: Account | None = None, at: datetime | None = None) -> Attempt:
    """One attempt, of a new account unless `of` is given, whose job ended with it."""
    one, at = of or factories.account(platform), at or clock.now()
    failed = outcome == "unparsable"
    job = ScrapeJob.objects.create(
        account=one,
        platform=platform,
        date=at.date(),
        reason="requested",
        rank=0,
        order_at=at,
        due_at=at,
        state="failed" if failed else "done",
        outcome=outcome,
        finished_at=at,
    )
    return Attempt.objects.create(
        job=job, account=one, platform=platform, step="read", started_at=at, seconds=0.1, outcome=outcome, worker="w"
    )


def due(platform: str, since: timedelta = timedelta(0)) -> ScrapeJob:
    """A job that has been due for so long."""
    at = clock.now() - since
    return ScrapeJob.objects.create(
        account=factories.account(platform),
        platform=platform,
        date=at.date(),
        reason="requested",
        rank=0,
        order_at=at,
        due_at=at,
    )


class Smtp(socketserver.StreamRequestHandler):
    """Just enough of SMTP to take mail; refuses recipients whose name starts with "refused"."""

    def handle(self) -> None:
        self.say("220 sink")
        while line := self.rfile.readline().decode().strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                self.say("221 bye")
                return
            if verb == "DATA":
                self.say("354 go on")
                self.server.received.append(self.message())  # type: ignore[attr-defined]
            refused = verb == "RCPT" and "<refused" in line.lower()
            self.say("550 nobody of that name" if refused else "250 ok")

    def message(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class Hook(BaseHTTPRequestHandler):
    """Takes posts and answers each with the server's `status`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    """`server` at work in a thread; what came is in `received`."""
    server.received, server.status = [], 204
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def smtp_sink() -> Any:
    """A mail server on this machine, within `with`."""
    return serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp))


def hook_sink() -> Any:
    """A webhook's receiver on this machine, within `with`."""
    return serving(ThreadingHTTPServer(("127.0.0.1", 0), Hook))
