"""A closed loop of HTTP/1.1 connections: as many requests as the answers allow, and how long each took.

python -m benchmarks.load PORT CONNECTIONS SECONDS FILE: FILE is a JSON list of whole requests; every connection sends
them in turn, from a place of its own. Prints one line of JSON. Anything but 200 ends the run: a refusal is fast.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import Any

CHUNK = 1 << 18
SECOND = 1_000_000_000
WARM_UP = 0.25  # seconds before anything counts, and until every connection has had an answer
FEWEST = 20  # answers that are waited for beyond the given time
PATIENCE = 60.0  # seconds after which a server that answers nothing is given up
END = b"\r\n\r\n"


class Refused(Exception):
    """An answer that is not 200, or none."""


class Loop:
    """The connections and what they measured; times in nanoseconds."""

    def __init__(self, port: int, requests: Sequence[bytes], connections: int) -> None:
        self.requests = requests
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.turn: dict[int, int] = {}
        self.sent: dict[int, int] = {}
        self.parts: dict[int, bytes] = {}
        self.missing: dict[int, int] = {}
        self.times: list[int] = []
        self.cpu = 0.0  # seconds of ours
        for number in range(connections):
            one = socket.create_connection(("127.0.0.1", port))
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            place = one.fileno()
            self.sockets[place], self.turn[place], self.missing[place] = one, number * 7919, 0
            self.poll.register(place, select.EPOLLIN)

    def run(self, seconds: float) -> float:
        """Send and receive for `seconds` after a warm-up; the seconds it took. Raises Refused."""
        for place in self.sockets:
            self._send(place)
        self._until(WARM_UP, len(self.sockets))
        self.times.clear()
        started, before = perf_counter_ns(), process_time()
        self._until(seconds, FEWEST)
        self.cpu = process_time() - before
        return (perf_counter_ns() - started) / SECOND

    def close(self) -> None:
        """Let the server go."""
        self.poll.close()
        for one in self.sockets.values():
            one.close()

    def _until(self, seconds: float, answers: int) -> None:
        """Go on for `seconds` and until there are so many `answers`."""
        poll, receive, times = self.poll.poll, self._receive, self.times
        started = perf_counter_ns()
        end, last = started + int(seconds * SECOND), started + int(PATIENCE * SECOND)
        while (now := perf_counter_ns()) < end or len(times) < answers:
            if now > last:
                raise Refused(f"{len(times)} answers in {PATIENCE:.0f} s")
            for place, _ in poll(1.0):
                receive(place)

    def _send(self, place: int) -> None:
        request = self.requests[self.turn[place] % len(self.requests)]
        self.turn[place] += 1
        self.sent[place] = perf_counter_ns()
        self.sockets[place].send(request)

    def _receive(self, place: int) -> None:
        """Take what has come; when the answer is whole, note its time and ask for the next."""
        data = self.sockets[place].recv(CHUNK)
        if not data:
            raise Refused("the server closed a connection")
        missing = self.missing[place]
        if missing:
            missing -= len(data)
        else:
            data = self.parts.pop(place, b"") + data
            end = data.find(END)
            if end < 0:
                self.parts[place] = data
                return
            missing = _length(data[:end]) - (len(data) - end - len(END))
        self.missing[place] = missing
        if not missing:
            self.times.append(perf_counter_ns() - self.sent[place])
            self._send(place)


def _length(head: bytes) -> int:
    """The bytes of the body that `head` announces."""
    if head[9:12] != b"200":
        raise Refused(head.decode("latin-1"))
    lower = head.lower()
    start = lower.index(b"content-length:") + 15
    end = lower.find(b"\r", start)
    return int(lower[start:end] if end > 0 else lower[start:])


def request(path: str, *headers: str) -> str:
    """A GET of `path` as it goes over the wire."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""])


def main() -> None:
    """Measure and print {"requests", "seconds", "cpu", "p50", "p99"}: seconds, and milliseconds."""
    port, connections, seconds, file = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    loop = Loop(port, [text.encode("latin-1") for text in json.loads(file.read_text())], connections)
    try:
        took = loop.run(seconds)
    finally:
        loop.close()
    times = sorted(loop.times)
    made: dict[str, Any] = {"requests": len(times), "seconds": took, "cpu": loop.cpu}
    made |= {f"p{part}": times[min(len(times) * part // 100, len(times) - 1)] / 1e6 for part in (50, 99)}
    print(json.dumps(made))


if __name__ == "__main__":
    main()
