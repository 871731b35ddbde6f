"""`python -m project.web`: the web server on a socket that outlives it, so that a restart refuses and breaks nothing.

granian gives each process a listening socket of its own (SO_REUSEPORT); the kernel resets what still queues there when
its process ends. Here all share one, which whoever started us may hold: `manage.py up` or a socket unit of systemd.

The product is loaded once and its processes are forked off. What it opens while it loads would be everybody's, and each
would read what another was answered: so it opens nothing then, and a process makes its connections, threads and counts
when it needs them (tests/project/test_web.py looks at the sockets).
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

from granian._granian import SocketHolder  # granian.net makes it fit to be sent to a process
from granian.constants import HTTPModes, Interfaces
from granian.server.mp import MPServer

from project.listening import (
    BACKLOG,
    LEAVE_SECONDS,
    LONGEST_REQUEST,
    THREADS,
    end_lost_connections,
    inherited,
    listen,
    tell_manager,
)

ROOT = Path(__file__).resolve().parent.parent
PAUSE = 1.0  # seconds from the start of a process to that of the next in its place
TOLD_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
"""What a process of the server is told to end by."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Server(MPServer):
    """granian on `listener`. SIGTERM ends it after the requests in flight; SIGQUIT lets its clients leave first.

    Each process that can serve says so: to systemd, and by a byte to `ready`, a descriptor or None. One that dies is
    replaced, however often.
    """

    signal_handler_reload = MPServer.signal_handler_interrupt  # our code is loaded for good: who starts us has the new

    def __init__(self, listener: socket.socket, ready: int | None, **options: Any) -> None:
        super().__init__("project.wsgi:application", interface=Interfaces.WSGI, working_dir=ROOT, **options)
        self._listener = listener
        self._ready = ready
        self._leaving = False

    def run(self) -> None:
        """Serve until a signal ends it."""
        host, port = self._listener.getsockname()[:2]
        self.bind_addr, self.bind_port = host, port
        for number in TOLD_BY:  # until `startup` knows better; an import may turn what is raised into another error
            signal.signal(number, lambda *_: os._exit(0))
        self.serve(target_loader=_Loader(load(), self._ready, self._listener), wrap_loader=False)

    def _init_shared_socket(self) -> None:
        self._sso: Any = None
        self._shd: Any = SocketHolder(self._listener.fileno(), False, BACKLOG)  # type: ignore[call-arg]  # stub is old

    def startup(self, spawn_target: Any, target_loader: Any) -> None:
        """Start the processes; listen to SIGQUIT as well, before there are any to be left behind by it."""
        signal.signal(signal.SIGQUIT, self._leave)
        with _held_back():
            super().startup(spawn_target, target_loader)  # type: ignore[no-untyped-call]

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Replace who dies until a signal ends us.

        granian's own gives up after two deaths within seconds, and then nobody answers until the requests in flight
        of the other processes have ended; nor does it notice who dies, or a signal, in the moment it wakes up in.
        """
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(PAUSE if self.interrupt_children else None)
            self.main_loop_interrupt.clear()  # before the look: what is told meanwhile wakes us again
            for index in list(self.interrupt_children):
                if monotonic() - self.wrks[index].birth >= PAUSE:
                    self._replace(index, spawn_target, target_loader)

    def _replace(self, index: int, spawn_target: Any, target_loader: Any) -> None:
        """Start one in the place of the dead one at `index`; where the system has none left, the next look does."""
        worker = self._spawn_worker(index, spawn_target, target_loader)
        try:
            with _held_back():
                worker.start()  # type: ignore[no-untyped-call]
        except OSError as refusal:
            print(f"No process for worker-{index + 1}: {refusal.strerror}", file=sys.stderr, flush=True)
            return
        self.wrks[index] = worker
        self.interrupt_children.remove(index)

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


@contextmanager
def _held_back() -> Iterator[None]:
    """What a process is told while it is forked off waits until it listens: it is born with our handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, TOLD_BY)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def load() -> Application:
    """The product, once: what it costs the processes that are forked from this one is then neither time nor memory."""
    from django.urls import get_resolver  # noqa: PLC0415  # `main` says first what is wrong with its arguments

    from project.wsgi import application  # noqa: PLC0415  # likewise

    _ = get_resolver().url_patterns  # imports every view; otherwise the first request would, and wait for it
    gc.collect()
    gc.freeze()  # or each process would copy every page as soon as its collector looks at it
    return application


def _pass_on() -> None:
    """At the end of a process, what it recorded: one that was forked off skips what Python does then."""
    from perf import flushing  # noqa: PLC0415  # the product is loaded only by now

    flushing.end()


class _Loader:
    """Takes the product over in a process of the server and says so."""

    def __init__(self, application: Application, ready: int | None, listener: socket.socket) -> None:
        self._application = application
        self._ready = ready
        self._listener = listener

    def __call__(self) -> Application:
        door = Door(self._application, self._listener)
        for number in (signal.SIGINT, signal.SIGTERM):  # the parent's handlers came along, and would swallow its word
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGQUIT, door.close)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD_BY)
        Finalize(None, _pass_on, exitpriority=0)
        if self._ready is not None:
            with suppress(BrokenPipeError, BlockingIOError):  # a process that starts again later has nobody to tell
                os.write(self._ready, b".")
        tell_manager("READY=1")
        return door


class Door:
    """The application; once closed, each answer asks its client to come back over a new connection.

    New connections are then left to who else listens: granian closes one unanswered that comes as it ends.
    """

    def __init__(self, application: Application, listener: socket.socket) -> None:
        self.application = application
        self._listener = listener
        self._nowhere: socket.socket | None = None

    def close(self, number: int = 0, frame: FrameType | None = None) -> None:
        """From now on; a signal handler."""
        if self._nowhere is None:
            self._nowhere = socket.create_server(("127.0.0.1", 0))  # where nobody comes
            self._nowhere.setblocking(False)
            _swap(self._listener, self._nowhere)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The application's own answer."""
        if self._nowhere is None:
            return self.application(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *more)

        return self.application(environ, start)


def _swap(old: socket.socket, new: socket.socket) -> None:
    """Put `new` in the place of `old` under each number that this process has it by (Linux; elsewhere nothing)."""
    folder, sought = Path("/proc/self/fd"), os.fstat(old.fileno())
    for number in [int(link.name) for link in folder.iterdir()] if folder.exists() else []:
        with suppress(OSError):  # closed meanwhile, as the folder is
            if os.path.samestat(os.fstat(number), sought):
                os.dup2(new.fileno(), number)


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
    if chosen.fd is None:
        listener = listen(chosen.host, chosen.port)
    else:
        listener = end_lost_connections(socket.socket(fileno=chosen.fd))
    listener.setblocking(False)  # also one that was given: several wait for it, each for other things too
    multiprocessing.set_start_method("fork")  # processes inherit the socket and the product
    Server(
        listener,
        chosen.ready_fd,
        http=HTTPModes.http1,  # streams of one connection would share a thread
        workers=chosen.workers,
        blocking_threads=chosen.blocking_threads,
        workers_kill_timeout=LONGEST_REQUEST,
    ).run()


if __name__ == "__main__":
    main()
