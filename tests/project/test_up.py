"""`manage.py up` for real: from an empty folder to pages with data, through deaths of its children, to a stop."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import pytest

from project.embedded import free_port
from tests.processes import ROOT, environment

SECONDS = 120
UNSET = (
    "DATABASE_URL",
    "REDIS_URL",
    "BROKER_URL",
    "SECRET_KEY",
    "TIDEMARK_TESTING",
    "TEST_DATABASE_URL",
    "TEST_REDIS_URL",
)


class Up:
    """One running `manage.py up` of the code at `root`, and what it said."""

    def __init__(self, folder: Path, root: Path = ROOT, **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder.with_suffix(".log")
        inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=root,
                env=inherited | {"DATA_DIR": str(folder), "PORT": str(self.port), "WEB_PROCESSES": "1"} | env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return when it has said `pattern`."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self.said)):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"never said {pattern!r}:\n{self.said}")
            time.sleep(0.1)
        return found

    def children(self) -> dict[int, str]:
        """The command lines of its living direct children by pid."""
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {
            int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in task.read_text().split()
        }

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `up` on one folder; what still runs at the end is stopped."""
    started: list[Up] = []

    def start(**env: Any) -> Up:
        started.append(Up(tmp_path / "var", **env))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.stop()


def line_of(up: Up) -> str:
    """The single line of a start that was refused."""
    assert up.process.wait(SECONDS) == 1
    lines = up.said.splitlines()
    assert len(lines) == 1, up.said
    return lines[0]


def until(holds: Callable[[], bool]) -> None:
    """Return when `holds` does."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def ready(up: Up) -> bool:
    """Whether database, cache and broker all answer."""
    try:
        urlopen(f"{up.url}/readyz", timeout=30).close()  # noqa: S310  # our own server on loopback
    except HTTPError:
        return False
    return True


def signed_in(url: str, password: str) -> Callable[[str], str]:
    """A browser's way in; returns what fetches a page as text."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def page(path: str, **form: str) -> str:
        data = urlencode(form).encode() if form else None
        with opener.open(url + path, data, timeout=30) as answer:
            body: bytes = answer.read()
        return body.decode()

    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page("/login/"))
    assert token
    page("/login/", username="admin", password=password, csrfmiddlewaretoken=token[1])
    return page


@pytest.mark.req("A89")
@pytest.mark.chaos
@pytest.mark.timeout(400)
def test_empty_folder_becomes_a_scraped_demo_that_stops_starts_again_and_refuses_to_be_real(
    up: Callable[..., Up],
) -> None:
    first = up(DEMO="1")
    password = first.wait_for(r"Password: (\S+)")[1]
    first.wait_for(r"Tidemark runs at")
    page = signed_in(first.url, password)
    first.wait_for(r"First scrape .* (9\d) of 99")
    assert '"total":99' in page("/api/accounts").replace(" ", "")

    (worker,) = [pid for pid, command in first.children().items() if " worker " in command]
    (valkey,) = [pid for pid, command in first.children().items() if "valkey-server" in command]
    os.kill(worker, signal.SIGKILL)
    os.kill(valkey, signal.SIGKILL)
    first.wait_for(r"worker stopped \(exit code -9\); starting it again now")
    first.wait_for(r"valkey stopped \(exit code -9\); starting it again now")
    until(lambda: ready(first) and " worker " in "".join(first.children().values()))
    children = first.children()
    assert first.stop() == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []

    second = up(DEMO="1")
    second.wait_for(r"Tidemark runs at")
    assert "Password" not in second.said
    assert "Demo" in signed_in(second.url, password)("/")
    assert second.stop() == 0

    assert "simulated figures of the demo: start with DEMO=1" in line_of(up(DEMO="0"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code, which a test may change."""
    parts = ("perf", "project", "accounts", "scraping", "snapshots", "workitems", "static", "templates")
    for part in parts:
        shutil.copytree(ROOT / part, tmp_path / "checkout" / part)
    shutil.copy2(ROOT / "manage.py", tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.mark.parametrize(
    "own",
    [pytest.param(False, marks=pytest.mark.chaos), pytest.param(True, marks=pytest.mark.drill)],
    ids=["given database", "own PostgreSQL"],
)
@pytest.mark.timeout(400)
def test_hup_replaces_all_but_the_services_by_the_code_that_lies_there_now(
    transactional_db: None, up: Callable[..., Up], checkout: Path, own: bool
) -> None:
    database = {"DB": "postgres"} if own else {"DATABASE_URL": environment()["DATABASE_URL"]}
    one = up(DEMO="0", root=checkout, **database)
    password = one.wait_for(r"Password: (\S+)")[1]
    one.wait_for(r"Tidemark runs at")
    until(lambda: ready(one))
    assert '"total":0' in signed_in(one.url, password)("/api/accounts").replace(" ", "")
    before = one.children()
    view = checkout / "project/health.py"
    view.write_text(view.read_text().replace('HttpResponse("ok\\n"', 'HttpResponse("of the new version\\n"'))

    services = {pid for pid, command in before.items() if "postgres" in command or "valkey" in command}
    one.process.send_signal(signal.SIGHUP)
    one.wait_for(r"Restarted\.")
    until(lambda: one.children().keys() & before.keys() <= services)

    with urlopen(f"{one.url}/healthz", timeout=30) as answer:  # noqa: S310  # our own server on loopback
        assert answer.read() == b"of the new version\n"
    assert "Sign out" in signed_in(one.url, password)("/")
    children = one.children()
    assert len(services) == 1 + own
    assert services < children.keys()
    assert one.stop() == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("nonsense", "DATABASE_URL names neither PostgreSQL nor SQLite"),
        ("postgres://u:p@h:port/x", "DATABASE_URL cannot be read"),
        ("postgres://u:secret@127.0.0.1:1/x", "The database does not answer: connection to server at"),
        ("sqlite:////dev/null/x.sqlite3", "The database does not answer: unable to open database file"),
    ],
)
def test_broken_database_url_is_one_line(up: Callable[..., Up], url: str, line: str) -> None:
    said = line_of(up(DATABASE_URL=url))
    assert line in said
    assert "secret" not in said


def test_taken_port_is_one_line(up: Callable[..., Up]) -> None:
    port = free_port()
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        assert f"port {port}" in line_of(up(PORT=str(port)))


def test_up_is_told_apart_from_its_command() -> None:
    help_text = subprocess.run(
        [sys.executable, "manage.py", "up", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Run Tidemark" in help_text.stdout
