"""The systemd units: systemd itself reads them without a word, and each is walled in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project.listening import BACKLOG, LEAVE_SECONDS, LONGEST_REQUEST

ROOT = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (ROOT / "deploy").glob("*.service"))
UNITS = [*SERVICES, "tidemark-web.socket", "tidemark-backup.timer"]
EXPOSURE = 20  # of 100, by systemd's own count; a unit without any of its walls has 96
systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here: units unread")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The root of a machine that has the units and the programs they name."""
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for name in UNITS:
        text = (ROOT / "deploy" / name).read_text()
        (units / name).write_text(text)
        for program in re.findall(r"^Exec\w+=(/\S+)", text, re.MULTILINE):
            (tmp_path / program[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy("/bin/sh", tmp_path / program[1:])
    return tmp_path


def analyze(machine: Path, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", verb, f"--root={machine}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@systemd
def test_systemd_reads_every_unit_without_a_word(machine: Path) -> None:
    told = analyze(machine, "verify", "--man=no", "--recursive-errors=no", *(u.replace("@.", "@1.") for u in UNITS))
    assert (told.returncode, told.stderr) == (0, "")


@systemd
@pytest.mark.parametrize("unit", SERVICES)
def test_unit_is_walled_in(machine: Path, unit: str) -> None:
    told = analyze(machine, "security", "--offline=yes", f"--threshold={EXPOSURE}", "--no-pager", unit)
    assert told.returncode == 0, told.stdout.splitlines()[-1]


def directive(unit: str, name: str) -> str:
    """What `unit` sets `name` to, once."""
    [value] = re.findall(rf"^{name}=(.+)$", (ROOT / "deploy" / unit).read_text(), re.MULTILINE)
    return str(value)


@pytest.mark.parametrize("unit", SERVICES)
def test_unit_runs_as_a_user_without_rights_and_writes_to_its_own_folder_alone(unit: str) -> None:
    lines = (ROOT / "deploy" / unit).read_text().splitlines()
    assert {"NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"} <= set(lines)
    assert {"User=tidemark", "DynamicUser=yes"} & set(lines)
    assert directive(unit, "StateDirectory") == ("valkey-%i" if unit.startswith("valkey") else "tidemark")
    assert [line for line in lines if line.startswith(("ReadWritePaths", "BindPaths", "AmbientCapabilities"))] == []


def test_web_servers_end_by_turns_on_a_socket_that_stays() -> None:
    """systemd waits for each as long as the server lets requests end, and hands it the socket as it needs it."""
    web = "tidemark-web@.service"
    assert directive(web, "Sockets") == "tidemark-web.socket"
    assert (directive(web, "Type"), directive(web, "NotifyAccess")) == ("notify", "all")
    assert (directive(web, "KillSignal"), directive(web, "KillMode")) == ("SIGQUIT", "mixed")
    assert int(directive(web, "TimeoutStopSec")) > LEAVE_SECONDS + LONGEST_REQUEST
    assert directive("tidemark-web.socket", "Backlog") == str(BACKLOG)
    assert f"server {directive('tidemark-web.socket', 'ListenStream')};" in (ROOT / "deploy/nginx.conf").read_text()


def test_what_strangers_send_waits_on_a_disk_and_not_in_memory() -> None:
    """Many machines have /tmp in memory; `tidemark doctor` looks where the web server writes."""
    assert directive("tidemark-web@.service", "Environment") == "TMPDIR=/var/tmp"
    assert "\nTMPDIR=/var/tmp\n" in (ROOT / "deploy/tidemark").read_text()


def test_what_runs_stays_in_the_version_it_began_with(tmp_path: Path) -> None:
    """Of packages, too, that are imported after the link to the version leads to another one."""
    link = tmp_path / "venv"
    link.symlink_to(sys.prefix)
    told = "import sys; print(*sys.path); import project; print(*sys.path)"
    command = [link / "bin/python", "-c", told]
    before, after = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert str(link) in before
    assert str(link) not in after
    assert f"{Path(sys.prefix).resolve()}/lib" in after
