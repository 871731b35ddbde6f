"""`manage.py doctor` tells what a recipe of docs/operations.md got wrong, and nothing where it is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import F
from django.utils.functional import empty

from perf.clock import shifted
from project import recipes
from scraping import heartbeats, ledger
from scraping.models import Heartbeat
from tests.project.backups import worlds

pytestmark = pytest.mark.django_db


def told(check: Callable[[], Iterator[recipes.Finding]]) -> list[tuple[str, str]]:
    """Each finding's level and first word."""
    return [(level, text.partition(" ")[0]) for level, text in check()]


@pytest.mark.parametrize(
    ("check", "changed", "found"),
    [
        (recipes.key, {"SECRET_KEY": "replace-with-50-random-characters"}, [("fail", "SECRET_KEY")]),
        (recipes.key, {"SECRET_KEY": "short"}, [("fail", "SECRET_KEY")]),
        (recipes.key, {"SECRET_KEY": "k" * 50}, []),
        (recipes.proxy, {"HTTPS": True, "TRUSTED_PROXIES": []}, [("fail", "BASE_URL")]),
        (recipes.proxy, {"HTTPS": True, "TRUSTED_PROXIES": ["127.0.0.1"]}, []),
        (recipes.proxy, {"HTTPS": False, "TRUSTED_PROXIES": []}, []),
        (recipes.debugging, {"DEBUG": True, "BASE_URL": "https://tidemark.example.org"}, [("fail", "DEBUG")]),
        (recipes.debugging, {"DEBUG": True, "BASE_URL": "http://localhost:8000"}, []),
    ],
)
def test_setting_of_a_recipe_is_judged(
    check: Callable[[], Iterator[recipes.Finding]], changed: dict[str, Any], found: list[Any], settings: Any
) -> None:
    for name, value in changed.items():
        setattr(settings, name, value)
    assert told(check) == found


def test_missing_static_files_are_told(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "project.statics.StaticFiles"}}
    assert told(recipes.static) == [("fail", "No")]
    (tmp_path / "staticfiles.json").write_text("{}")
    assert told(recipes.static) == []


@pytest.mark.parametrize(
    ("locked", "found"),
    [
        ("django==4.2.1 \\\n    --hash=sha256:0\n", "django 5."),
        ("no-such-package==1.0 \\\n", "no-such-package is missing instead of 1.0"),
        ("no-such-package==1.0 ; sys_platform == 'win32' \\\n", None),
    ],
)
def test_packages_that_are_not_those_of_this_version_are_told(
    locked: str, found: str | None, settings: Any, tmp_path: Path
) -> None:
    assert list(recipes.packages()) == []  # of ours
    settings.BASE_DIR = tmp_path
    (tmp_path / "requirements.txt").write_text(locked)
    texts = [text for _, text in recipes.packages()]
    assert [found in text for text in texts] == [True] if found else texts == []


def test_photos_that_are_elsewhere_are_told(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worlds.furnished()
    monkeypatch.setattr(default_storage, "_wrapped", empty)  # as in a process that has not used it yet
    assert told(recipes.photographs) == []
    settings.MEDIA_ROOT = tmp_path / "not mounted"
    [(level, text)] = recipes.photographs()
    assert level == "warn"
    assert "The newest 2 photos of the database have no files in" in text


def test_worker_that_does_not_run_is_told() -> None:
    assert told(recipes.running) == [("warn", "No"), ("warn", "No")]
    ledger.beat("worker")
    ledger.beat("beat")
    assert told(recipes.running) == []
    Heartbeat.objects.update(seen_at=F("seen_at") - 2 * heartbeats.SILENCE)
    assert told(recipes.running) == [("warn", "No")]


def test_backup_that_is_old_is_told(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    assert told(recipes.backups) == []  # they go elsewhere, if anywhere
    made = tmp_path / "backups/tidemark-20261101T030000Z"
    (tmp_path / "backups/tidemark-20261123T030000Z.part").mkdir(parents=True)  # one that was killed
    assert told(recipes.backups) == [("warn", "No")]
    made.mkdir()
    assert told(recipes.backups) == []
    with shifted(recipes.BACKUP_AGE + timedelta(hours=1)):
        assert told(recipes.backups) == [("warn", "No")]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite is this machine's own")
def test_postgresql_that_only_reads_or_has_another_time_is_told() -> None:
    assert told(recipes.writable) == told(recipes.database_clock) == []
    with shifted(timedelta(minutes=1)):
        assert told(recipes.database_clock) == [("warn", "This")]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    assert told(recipes.writable) == [("fail", "DATABASE_URL")]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="nothing pools SQLite")
def test_setting_for_a_pooler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(recipes.pooler) == []
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert told(recipes.pooler) == [("warn", "DB_TRANSACTION_POOLING")]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL is asked over a network")
@pytest.mark.parametrize(("seconds", "found"), [(7_200, [("warn", "PostgreSQL")]), (30, [])])
def test_server_that_never_asks_for_silent_hosts_is_told(
    seconds: int, found: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.settings_dict["HOST"].startswith("/") or not connection.settings_dict["HOST"]:
        pytest.skip("this PostgreSQL is reached over a socket")
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL tcp_keepalives_idle = {seconds}")
    monkeypatch.setitem(connection.settings_dict, "HOST", "db.example.org")
    assert told(recipes.silence) == found
