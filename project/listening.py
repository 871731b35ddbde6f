"""The socket that the web server listens on, whoever holds it, and how long those who use it get to leave."""

from __future__ import annotations

import os
import socket

BACKLOG = 1024
LEAVE_SECONDS = 5.0  # every answer says “Connection: close”, so that nobody sends into a connection that ends
LONGEST_REQUEST = 120  # seconds that a request in flight gets to end, an upload from a slow line for example
WEB_THREADS = 4  # more would wait for the same interpreter, each with a database connection of its own
READERS = 256  # bodies that one process reads at once; a thread that waits for bytes costs next to nothing
SENDERS = 64  # files that one process sends at once, at the pace of whoever reads them
THREADS = READERS + SENDERS + WEB_THREADS + 12  # of the server: 8 for streams, and some to refuse
DEAF_SECONDS = 120  # after which a connection ends whose client takes nothing of what was sent (Linux)
SILENT_SECONDS = 60  # after which a client of whom nothing comes is asked whether it is still there, DEAF_SECONDS long
FIRST_INHERITED = 3  # the descriptor of systemd's first socket, see sd_listen_fds(3)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at `host`:`port`; who comes before anybody serves it waits. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end_lost_connections(listener)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def end_lost_connections(listener: socket.socket) -> socket.socket:
    """Have the system end what `listener` accepts once its client takes nothing any more, or is gone without a word.

    A phone that lost its network in the middle of an upload says nothing, and would keep its place for ever.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {
        "TCP_KEEPIDLE": SILENT_SECONDS,
        "TCP_KEEPINTVL": max(1, SILENT_SECONDS // 4),
        "TCP_USER_TIMEOUT": DEAF_SECONDS * 1000,
    }.items():
        if hasattr(socket, name):  # Linux has them all
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return listener


def inherited() -> int | None:
    """The descriptor that a socket unit of systemd gave this process, if one did."""
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        return FIRST_INHERITED
    return None


def tell_manager(state: str) -> None:
    """Tell systemd `state`, such as READY=1, if it waits to be told, see sd_notify(3). Raises OSError."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address is None:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.sendto(state.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
