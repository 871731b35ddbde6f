"""What others made of the product: pinned by hash, licensed, listed, and without the GPL."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from project.checks import check_settings
from tests import supply
from tests.supply import LICENCES, LOCKS, REQUIRED, ROOT, VENDORED, digest, installed, licence_of, locked, vendored

SECRET = "TopSecretWord42"  # a part of every credential below


def wanted(source: Path) -> set[str]:
    """The names that a requirements file asks for, with those of the file that it includes."""
    lines = [line.partition("#")[0].strip() for line in source.read_text().splitlines()]
    included = [wanted(ROOT / line.split()[1]) for line in lines if line.startswith("-r ")]
    names = {re.split(r"[\[~=<>; ]", line)[0].lower() for line in lines if line and not line.startswith("-")}
    return names.union(*included)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_pins_everything_it_is_asked_for_by_hash(lock: Path) -> None:
    pins = locked(lock)
    assert wanted(lock.with_suffix(".in")) <= {pin.name for pin in pins}
    assert [pin.name for pin in pins if not pin.sha256] == []
    assert len({pin.name for pin in pins}) == len(pins)


def test_development_runs_on_what_production_runs_on() -> None:
    developed = {pin.name: pin.version for pin in locked(LOCKS[1])}
    assert {pin.name: pin.version for pin in locked(REQUIRED)}.items() <= developed.items()


def test_installing_refuses_what_no_hash_names() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^PIP := .* --no-deps .*--require-hashes$", makefile, re.MULTILINE)
    assert set(re.findall(r"\$\(PIP\) -r (\S+)", makefile)) == {lock.name for lock in LOCKS}


def test_line_without_a_version_is_no_pin(tmp_path: Path) -> None:
    (tmp_path / "lock.txt").write_text("django>=5 \\\n    --hash=sha256:00\n")
    with pytest.raises(ValueError, match="not pinned"):
        locked(tmp_path / "lock.txt")


def test_vendored_files_are_those_of_their_releases_with_their_licences() -> None:
    on_disk = {path.relative_to(VENDORED).as_posix() for path in VENDORED.glob("*/*") if path.name != "LICENSE"}
    assert {one.file: one.sha256 for one in vendored()} == {file: digest(VENDORED / file) for file in on_disk}
    assert all((VENDORED / file).with_name("LICENSE").stat().st_size > 100 for file in on_disk)


def test_nothing_required_is_under_the_gpl() -> None:
    said = {pin.name: licence_of(pin.name) for pin in installed(REQUIRED)}
    assert len(said) > 50
    assert [name for name, licence in said.items() if not licence or licence == "UNKNOWN"] == []
    assert [name for name, licence in said.items() if re.search(r"\bA?GPL|(?<!Lesser )General Public", licence)] == []
    assert "pillow-heif" not in {pin.name for pin in locked(REQUIRED)}


def test_licences_are_listed_as_the_packages_state_them() -> None:
    """It fails after a change of requirements.txt: run `make licences`."""
    listed = set(LICENCES.read_text().splitlines())
    assert [line for line in supply.licences().splitlines() if line not in listed] == []


def test_bill_of_materials_holds_every_required_package_and_every_vendored_file() -> None:
    bom = json.loads(supply.bill_of_materials())
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    named = {(one["name"], one["version"]) for one in bom["components"]}
    assert named == {(one.name, one.version) for one in [*locked(REQUIRED), *vendored()]}
    hashes = {one["hashes"][0]["content"] for one in bom["components"] if "hashes" in one}
    assert hashes == {one.sha256 for one in vendored()}


# --- The audit -----------------------------------------------------------------------------------


def answering(known: dict[str, list[str]], asked: int) -> Any:
    return lambda service, lock: (asked, known)


def test_known_vulnerability_fails_the_audit(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(supply, "_ask", answering({"django": ["PYSEC-1"]}, 1))
    assert supply.audit() == 1
    assert "django: PYSEC-1" in capsys.readouterr().out


def test_audit_that_could_not_ask_says_so_and_does_not_fail(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(supply, "_ask", answering({}, 0))
    assert supply.audit() == 0
    said = capsys.readouterr().out
    assert "COULD NOT BE AUDITED" in said
    assert "known vulnerability" not in said


def test_package_that_the_audit_skipped_was_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = [{"name": "a", "skip_reason": "not found"}, {"name": "b", "vulns": [{"id": "V1"}]}]
    done = subprocess.CompletedProcess([], 1, stdout=json.dumps({"dependencies": packages}))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    assert supply._ask("pypi", REQUIRED) == (1, {"b": ["V1"]})


# --- Secrets -------------------------------------------------------------------------------------

ENVIRONMENT = {
    "SECRET_KEY": f"key-{SECRET}",
    "DATABASE_URL": f"postgres://user:{SECRET}@127.0.0.1:1/name",
    "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
    "BROKER_URL": f"redis://:{SECRET}@127.0.0.1:1/1",
    "EMAIL_URL": f"smtp+tls://user:{SECRET}@127.0.0.1:1",
    "X_TOKEN": SECRET,
    "INSTAGRAM_TOKEN": SECRET,
    "TIKTOK_TOKEN": SECRET,
    "REDDIT_TOKEN": f"two words {SECRET}",
    "ALERT_WEBHOOK_URL": f"https://hooks.example.org/{SECRET}",
    "ALERT_WEBHOOK_SECRET": SECRET,
    "TWILIO_ACCOUNT_SID": "AC1",
    "TWILIO_AUTH_TOKEN": SECRET,
    "TWILIO_FROM": "+14155552671",
    "LOG_LEVEL": "DEBUG",
    "TIDEMARK_TESTING": "0",
}


@pytest.mark.parametrize(
    "command",
    [["manage.py", "migrate"], ["-m", "celery", "-A", "project", "inspect", "ping"]],
    ids=["no database", "no Redis"],
)
def test_command_that_fails_tells_no_secret(tmp_path: Path, command: list[str]) -> None:
    environment = os.environ | ENVIRONMENT | {"DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode
    assert "refused" in said
    assert SECRET not in said


@pytest.mark.parametrize("url", ["http://{}@127.0.0.1/{}", "https://127.0.0.1/{}{}", "https://[{}/{}"])
def test_refused_webhook_address_is_not_repeated(settings: Any, url: str) -> None:
    settings.ALERT_WEBHOOK_URL = settings.WORKITEM_WEBHOOK_URL = url.format(SECRET, SECRET)
    settings.ALERT_WEBHOOK_SECRET = settings.WORKITEM_WEBHOOK_SECRET = SECRET
    said = [f"{one.msg} {one.hint}" for one in check_settings(None) if one.id == "tidemark.E010"]
    assert len(said) == 2
    assert SECRET not in "".join(said)
