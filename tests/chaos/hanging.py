"""Servers that hang: they take what they are sent, answer nothing and close nothing, until they are let go again."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from benchmarks.product import descendants

CHUNK = 65_536


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process and all that it started, stopped for the length of the block."""
    family = list(descendants(pid))
    for one in family:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in family:
            with suppress(ProcessLookupError):  # it could not be killed while it was stopped, but by somebody else
                os.kill(one, signal.SIGCONT)


class Relay:
    """Passes bytes on between its own port and a server that others use too, and hangs when it is told to.

    For a PostgreSQL that must not be stopped itself; `host` may be the folder of its socket.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._flowing.set()
        self._listener.close()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Nothing passes for the length of the block; connections are taken all the same."""
        self._flowing.clear()
        try:
            yield
        finally:
            self._flowing.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._pass, args=[self._listener.accept()[0]], daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        with ExitStack() as held, suppress(OSError):
            held.enter_context(closing(near))
            self._flowing.wait()
            far = held.enter_context(closing(self._connected()))
            other = {near: far, far: near}
            while True:
                for ready in select.select([near, far], [], [])[0]:
                    self._flowing.wait()
                    if not (read := ready.recv(CHUNK)):
                        return
                    other[ready].sendall(read)

    def _connected(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far
