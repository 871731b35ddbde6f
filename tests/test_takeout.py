"""Perf alone, and workitems with perf below it, run in other projects that have none of our other apps."""

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


@pytest.mark.req("A32", "B103")
@pytest.mark.parametrize("store", ["database", "memory"])
def test_faults_planted_in_another_project_are_named_with_the_line_to_mend(tmp_path: Path, store: str) -> None:
    """An N+1, a slow query and two stampedes in views.py: the page names each, and no value of any query."""
    for source in (SITE.parent / "marina", ROOT / "perf"):
        shutil.copytree(source, tmp_path / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "marina.walk"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "marina.settings", "STORE": store},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
