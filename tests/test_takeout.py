"""Perf alone, and workitems with perf below it, run in another project that has none of our other apps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "tests" / "takeout" / "harbour"


@pytest.mark.parametrize("taken", ["perf", "workitems perf"])
def test_apps_are_taken_alone_into_another_project(tmp_path: Path, taken: str) -> None:
    for source in (SITE, *(ROOT / app for app in taken.split())):
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "harbour.walk"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "harbour.settings", "TAKEN": taken},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr[-3_000:]) == (0, "")
