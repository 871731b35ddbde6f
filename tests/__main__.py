"""`python -m tests`: every test, part by part, the audit of what is locked, and one closing line that counts them all.

The parts must not disturb each other: what measures time runs alone, what kills processes apart.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tests import services, supply
from tests.parts import PARTS, Part

ROOT = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NO_TESTS = 5  # pytest's exit code when nothing was collected


def main() -> int:
    """Run the parts and count; the exit code."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of hundreds of processes compiles every module anew
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)  # importing the product set it; pytest would read its settings early
    services.start_database()
    try:
        return run_all()
    finally:
        services.stop()


def run_all() -> int:
    """All parts on the database that runs, and the closing lines; the exit code."""
    counts: Counter[str] = Counter()
    chromium = install_chromium()
    for part in PARTS:
        if part.mark == "browser" and not chromium:
            continue
        print(f"\n=== {part.title} ===", flush=True)
        counts += run(part)
    print("\n=== Known vulnerabilities ===", flush=True)
    counts["failed"] += supply.audit()
    if not chromium:
        print("\n!!! THE BROWSER TESTS DID NOT RUN: there is no Chromium here. As root: apt-get install chromium !!!")
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


def run(part: Part) -> Counter[str]:
    """One part's results; a run that broke off counts as a failure."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *part.arguments()]
        code = subprocess.run(command, cwd=ROOT, env=os.environ | part.environment, check=False).returncode
        counts = read(report) if report.exists() else Counter()
    if code not in {0, NO_TESTS} and not counts["failed"]:
        counts["failed"] += 1
    return counts


def read(report: Path) -> Counter[str]:
    """The counts of pytest's own report."""
    counts: Counter[str] = Counter()
    for suite in ElementTree.parse(report).iter("testsuite"):  # noqa: S314  # pytest has just written it
        said = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        counts["failed"] += said["failures"] + said["errors"]
        counts["skipped"] += said["skipped"]
        counts["passed"] += said["tests"] - said["failures"] - said["errors"] - said["skipped"]
    return counts


def install_chromium() -> bool:
    """Whether there is a Chromium to drive, installed by apt where we may."""
    if any(map(shutil.which, BROWSERS)):
        return True
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-q", "update"], ["apt-get", "-qy", "install", "chromium"]):
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    return shutil.which("chromium") is not None


if __name__ == "__main__":
    sys.exit(main())
