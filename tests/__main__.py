"""`python -m tests`: every test, part by part, the audit of what is locked, and one closing line that counts them all.

The parts must not disturb each other: what measures time runs alone, what kills processes apart. Thousands of tests
wait for servers, workers and browsers on two cores; up to three of a part that fail are run again, one after the other.
One that passes then did not get its turn in time: it is named in the end, so that it is mended, and fails nothing.
"""

from __future__ import annotations

import json
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
FAILURES, NO_TESTS = 1, 5  # pytest's exit codes: tests failed, nothing was collected
MOST_AGAIN = 3  # more do not fail by chance


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
    late: list[str] = []
    chromium = install_chromium()
    for part in PARTS:
        if part.mark == "browser" and not chromium:
            continue
        print(f"\n=== {part.title} ===", flush=True)
        counts += run(part, late)
    print("\n=== Known vulnerabilities ===", flush=True)
    counts["failed"] += supply.audit()
    if not chromium:
        print("\n!!! THE BROWSER TESTS DID NOT RUN: there is no Chromium here. As root: apt-get install chromium !!!")
    for test in late:
        print(f"\nPASSED ONLY WHEN RUN AGAIN, ALONE: {test}")
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


def run(part: Part, late: list[str]) -> Counter[str]:
    """One part's results; a run that broke off counts as a failure. `late` gains what passed only when run again."""
    with tempfile.TemporaryDirectory() as folder:
        code, counts = _pytest(part, Path(folder), part.options)
        failed = _failed(Path(folder))
        if code == FAILURES and 0 < len(failed) <= MOST_AGAIN:
            print(f"\n=== {part.title}: what failed, again and alone ===", flush=True)
            code, again = _pytest(part, Path(folder), ["--last-failed", "--last-failed-no-failures=none"])
            mended = sorted(set(failed) - set(_failed(Path(folder)))) if code in {0, FAILURES} else []
            late += mended
            counts["passed"] += len(mended)
            counts["failed"] = again["failed"]
    if code not in {0, NO_TESTS} and not counts["failed"]:
        counts["failed"] += 1
    return counts


def _pytest(part: Part, folder: Path, options: list[str]) -> tuple[int, Counter[str]]:
    """The exit code and counts of one run of `part` with `options`; what failed is kept in `folder`."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    kept = ["-o", f"cache_dir={folder}", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", "-q", *kept, *options, *part.selection()]
    code = subprocess.run(command, cwd=ROOT, env=os.environ | part.environment, check=False).returncode
    return code, read(report) if report.exists() else Counter()


def _failed(folder: Path) -> list[str]:
    """The tests that failed in the last run that kept them in `folder`."""
    kept = folder / "v" / "cache" / "lastfailed"
    return list(json.loads(kept.read_text())) if kept.exists() else []


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
