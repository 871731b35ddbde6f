"""Perf alone, and workitems with perf below it, run in other projects that have none of our other apps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
SITES = ROOT / "tests" / "takeout"


def walk(folder: Path, site: str, *apps: str, **env: str) -> tuple[int, str]:
    """The exit code and the errors of what somebody does in the project `site`, which has nothing but `apps`."""
    for source in (SITES / site, *(ROOT / app for app in apps)):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", f"{site}.walk"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": f"{site}.settings", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr[-3_000:]


@pytest.mark.parametrize("taken", ["perf", "workitems perf"])
def test_apps_are_taken_alone_into_another_project(tmp_path: Path, taken: str) -> None:
    assert walk(tmp_path, "harbour", *taken.split(), TAKEN=taken) == (0, "")


@pytest.mark.parametrize("kept", [{}, {"MEMORY": "1"}])
def test_three_lines_measure_a_project_without_redis_celery_or_ninja(tmp_path: Path, kept: dict[str, str]) -> None:
    """Its own tables or, where it does not migrate perf, its memory: the line that asks again and again is named."""
    assert walk(tmp_path, "quay", "perf", **kept) == (0, "")


@pytest.mark.req("A32")
@pytest.mark.parametrize("store", ["database", "memory"])
def test_faults_planted_in_another_project_are_named_with_the_line_to_mend(tmp_path: Path, store: str) -> None:
    """An N+1, a slow query, an error and two stampedes in views.py: the page names each, and no value of any query."""
    code, errors = walk(tmp_path, "marina", "perf", STORE=store)
    assert code == 0, errors


@pytest.mark.drill
def test_the_same_faults_are_named_on_postgresql_with_readers_in_processes_of_their_own(
    tmp_path: Path, transactional_db: None
) -> None:
    """A stampede of four processes, each of which knows of itself alone, over one Redis."""
    if connection.vendor == "sqlite":
        pytest.skip("a project on PostgreSQL")
    name, ours = f"marina_{os.getpid()}", connection.settings_dict
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}"')
    database = {key: ours[key] for key in ("USER", "PASSWORD", "HOST", "PORT")}
    database |= {"ENGINE": "django.db.backends.postgresql", "NAME": name}
    try:
        kept = {"STORE": "database", "DATABASE": json.dumps(database), "REDIS": os.environ["REDIS_URL"]}
        code, errors = walk(tmp_path, "marina", "perf", **kept)
        assert code == 0, errors
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
