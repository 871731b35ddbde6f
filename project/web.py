"""`python -m project.web`: the web server on a socket that outlives it, so that a restart refuses and breaks nothing.

granian gives each process a listening socket of its own (SO_REUSEPORT); the kernel resets what still queues there when
its process ends. Here all share one, which whoever started us may hold: `manage.py up` or a socket unit of systemd.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from granian._granian import SocketHolder  # granian.net makes it fit to be sent to a process
from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from project.listening import BACKLOG, LEAVE_SECONDS, LONGEST_REQUEST, THREADS, inherited, listen, tell_manager

ROOT = Path(__file__).resolve().parent.parent

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Server(MPServer):
    """granian on `listener`. SIGTERM ends it after the requests in flight; SIGQUIT lets its clients leave first.

    Each process that has loaded the product says so: to systemd, and by a byte to `ready`, a descriptor or None.
    """

    def __init__(self, listener: socket.socket, ready: int | None, **options: Any) -> None:
        super().__init__("project.wsgi:application", interface=Interfaces.WSGI, working_dir=ROOT, **options)
        self._listener = listener
        self._ready = ready
        self._leaving = False

    def run(self) -> None:
        """Serve until a signal ends it."""
        host, port = self._listener.getsockname()[:2]
        self.bind_addr, self.bind_port = host, port
        self.serve(target_loader=_Loader(self._ready), wrap_loader=False)

    def _init_shared_socket(self) -> None:
        self._sso: Any = None
        self._shd: Any = SocketHolder(self._listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]  # stub is old

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        """Start the processes, then listen to SIGQUIT as well."""
        super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGQUIT, self._leave)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._leaving = True
        self.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    def shutdown(self, exit_code: int = 0) -> None:
        """Tell clients to leave and wait a little, if that was asked for; then end the processes."""
        if self._leaving:
            self.main_loop_interrupt.clear()
            for worker in self.wrks:
                with suppress(ProcessLookupError):  # it has just died
                    os.kill(worker.inner.pid, signal.SIGQUIT)
            self.main_loop_interrupt.wait(LEAVE_SECONDS)  # or until SIGTERM says at once
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]


class _Loader:
    """Loads the product in a process of the server and says so."""

    def __init__(self, ready: int | None) -> None:
        self._ready = ready

    def __call__(self) -> Application:
        door = Door()
        signal.signal(signal.SIGQUIT, door.close)
        from django.urls import get_resolver  # noqa: PLC0415  # each process reads the code that lies there when it starts

        from project.wsgi import application  # noqa: PLC0415  # likewise

        _ = get_resolver().url_patterns  # imports every view; otherwise the first request would, and wait for it
        door.application = application
        if self._ready is not None:
            with suppress(BrokenPipeError, BlockingIOError):  # a process that starts again later has nobody to tell
                os.write(self._ready, b".")
        tell_manager("READY=1")
        return door


class Door:
    """The application; once closed, each answer asks its client to come back over a new connection."""

    application: Application

    def __init__(self) -> None:
        self._closed = False

    def close(self, number: int = 0, frame: FrameType | None = None) -> None:
        """From now on; a signal handler."""
        self._closed = True

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The application's own answer."""
        if not self._closed:
            return self.application(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return self.application(environ, start)


def main() -> None:
    """Serve on the socket that was given, or on one of our own at --host and --port."""
    parser = argparse.ArgumentParser(prog="python -m project.web", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--fd", type=int, default=inherited(), help="an inherited socket, instead of host and port")
    parser.add_argument("--ready-fd", type=int, help="where each process writes a byte when it can serve")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--blocking-threads", type=int, default=THREADS, help="of each process")
    chosen = parser.parse_args()
    listener = listen(chosen.host, chosen.port) if chosen.fd is None else socket.socket(fileno=chosen.fd)
    listener.setblocking(False)  # also one that was given: several wait for it, each for other things too
    multiprocessing.set_start_method("fork")  # processes inherit the socket
    Server(
        listener,
        chosen.ready_fd,
        http=HTTPModes.http1,  # streams of one connection would share a thread
        workers=chosen.workers,
        blocking_threads=chosen.blocking_threads,
        respawn_failed_workers=True,
        workers_kill_timeout=LONGEST_REQUEST,
    ).run()


if __name__ == "__main__":
    main()
