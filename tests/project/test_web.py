"""The web server's processes: loaded once, each with its own connections, replaced when they die, ended when told."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from perf import reading
from project.embedded import free_port
from tests import processes

pytestmark = pytest.mark.django_db(transaction=True)


def listens(port: int) -> bool:
    """Whether somebody does, whoever will answer."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children(pid: int) -> list[int]:
    """The living processes that `pid` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def sockets(pid: int) -> set[str]:
    """The sockets that a process holds, by their numbers in the system: who shares one has the same."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(link.readlink()))
    return {name for name in found if name.startswith("socket:")}


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT])
def test_server_that_is_told_to_end_while_it_loads_ends(sig: signal.Signals) -> None:
    port = free_port()
    loading = processes.start("web", ["-m", "project.web", "--port", str(port)])
    loading.wait_until(lambda: listens(port))
    time.sleep(0.1)  # it listens, then it loads for seconds
    assert loading.stop(sig) == 0


SLOW = """
import time
from project import web

class Slow(web._Loader):
    def __call__(self):
        time.sleep(0.7)
        return super().__call__()

web._Loader, web.load = Slow, lambda: None
web.main()
"""


def test_server_that_is_told_to_end_while_its_processes_are_born_ends() -> None:
    loading = processes.start("web", ["-c", SLOW, "--port", str(free_port())])
    loading.wait_until(lambda: len(children(loading.popen.pid)) == 2)
    assert loading.stop() == 0


QUICK = """
from project import web

def application(environ, start):
    start("200 OK", [("Content-Length", "0")])
    return [b""]

web.load, web._pass_on = lambda: application, lambda: None
web.main()
"""


def test_process_that_leaves_answers_over_old_connections_and_takes_no_new_ones() -> None:
    port = free_port()
    server = processes.start("web", ["-c", QUICK, "--port", str(port), "--workers", "1"])
    server.wait_until(lambda: processes.answers(f"http://127.0.0.1:{port}/"))
    old = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with socket.socket() as new:
        old.request("GET", "/")
        with old.getresponse() as answer:
            assert answer.headers["Connection"] is None
            answer.read()
        os.kill(children(server.popen.pid)[0], signal.SIGQUIT)
        time.sleep(0.2)
        new.connect(("127.0.0.1", port))
        new.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        new.settimeout(0.5)
        with pytest.raises(TimeoutError):
            new.recv(1)
        old.request("GET", "/")
        assert old.getresponse().headers["Connection"] == "close"
        assert server.stop() == 0


def test_processes_share_nothing_but_the_socket_that_listens_and_pass_on_what_they_recorded() -> None:
    """Neither a connection of the parent's, who has none, nor one of each other."""
    server = processes.start_server(2, PERF_FLUSH_SECONDS="86400")
    pids = [server.popen.pid, *children(server.popen.pid)]
    pages = [f"{server.url}/login/", f"{server.url}/readyz"] * 8

    def lasting() -> list[set[str]]:
        """What each of them holds before all these questions and after them."""
        before = [sockets(pid) for pid in pids]
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(processes.answers, pages))
        return [had & sockets(pid) for had, pid in zip(before, pids, strict=True)]

    try:
        server.wait_until(lambda: min(map(len, lasting()[1:])) >= 3)  # to the database and to Redis as well
        main, one, two = lasting()
        assert len(main) == 1
        assert one & two == main
    finally:
        code = server.stop(signal.SIGHUP)  # its code is loaded for good: who starts it again starts the new one
    assert code == 0
    asked = [labels.get("route") for _, labels, _ in reading.histograms("request", reading.window("1h"))]
    assert "login" in asked


def test_process_that_dies_again_and_again_is_replaced_without_loading_the_product_again(
    server: processes.Process,
) -> None:
    main = server.popen.pid
    [new] = children(main)
    for _ in range(3):
        gone = [[], [new]]
        os.kill(new, signal.SIGKILL)
        server.wait_until(lambda: children(main) not in gone and processes.answers(f"{server.url}/healthz"))  # noqa: B023
        [new] = children(main)
    user, system = Path(f"/proc/{new}/stat").read_text().rpartition(") ")[2].split()[11:13]
    assert int(user) + int(system) < os.sysconf("SC_CLK_TCK"), "a second of a processor; to load takes several"
