"""The systemd units' command lines, run as they stand, are the whole product."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from project import children
from tests import processes

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]


def settings_in(path: Path) -> dict[str, str]:
    """What an environment file sets, as systemd reads it."""
    lines = (line.partition("=") for line in path.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}


def command_lines(unit: str, folder: Path, environment: dict[str, str]) -> list[list[str]]:
    """The commands of `unit` as they stand, with this checkout for /opt/tidemark and `folder` for its state."""
    text = (ROOT / "deploy" / f"tidemark-{unit}.service").read_text()
    places = {"/opt/tidemark/.venv/bin": str(Path(sys.executable).parent), "/var/lib/tidemark": str(folder)}
    for place, ours in places.items():
        text = text.replace(place, ours)
    lines = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    return [
        [re.sub(r"\$\{(\w+)\}", lambda name: environment[name[1]], word) for word in line.split()] for line in lines
    ]


@pytest.fixture
def started(transactional_db: None, tmp_path: Path) -> Iterator[processes.Process]:
    """Everything the units start, on an environment file of the documented names; the web server is ready."""
    sample = settings_in(ROOT / "deploy/tidemark.env.example")
    address = processes.SocketUnit(tmp_path)
    ours = {
        "DATA_DIR": str(tmp_path),
        "BASE_URL": f"http://127.0.0.1:{address.port}",
        "ALLOWED_HOSTS": "127.0.0.1",
    }
    environment = {
        "PATH": os.environ["PATH"],
        **sample,
        **{k: v for k, v in processes.environment().items() if k in sample},
    }
    environment |= ours | {"SECRET_KEY": "k" * 50}
    for command in command_lines("prepare", tmp_path, environment):
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    with ExitStack() as stack:
        stack.callback(address.close)
        [command] = command_lines("web@", tmp_path, environment)
        web = address.start(command, environment)
        stack.callback(web.stop)
        for unit in ("worker", "beat"):
            [command] = command_lines(unit, tmp_path, environment)
            with (tmp_path / f"{unit}.log").open("wb") as output:
                stack.callback(
                    children.stop, children.spawn(command, cwd=ROOT, env=environment, output=output), grace=10
                )
        yield web


def test_their_command_lines_start_the_product(started: processes.Process) -> None:
    """Web answers with what `prepare` made; beat asks, and the worker does: /readyz names both."""

    def everything_works() -> bool:
        with urllib.request.urlopen(f"{started.url}/readyz", timeout=20) as answer:  # noqa: S310  # ours
            told = json.load(answer)
        return {told[part] for part in ("database", "cache", "broker", "worker", "beat")} == {"ok"}

    started.wait_until(everything_works)
    with urllib.request.urlopen(f"{started.url}/login/", timeout=5) as page:  # noqa: S310  # ours
        [sheet] = re.findall(r'href="(/static/[^"]+\.css)"', page.read().decode())[:1]
    with urllib.request.urlopen(started.url + sheet, timeout=5) as answer:  # noqa: S310  # ours
        assert "immutable" in answer.headers["Cache-Control"]
