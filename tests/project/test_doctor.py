"""`manage.py doctor`: what is wrong is named with its remedy, and the exit code tells scripts."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from project import recipes
from project.embedded import Valkey, free_port
from project.management.commands import doctor
from scraping import ledger

pytestmark = pytest.mark.django_db


@pytest.fixture
def evicting(tmp_path: Path) -> Iterator[str]:
    """The address of a broker that evicts."""
    valkey = Valkey(tmp_path / "valkey", durable=False)
    valkey.start()
    redis.Redis.from_url(valkey.url()).config_set("maxmemory-policy", "allkeys-lru")
    yield valkey.url(1)
    valkey.stop()


def findings(level: str) -> list[str]:
    return [finding.text for finding in doctor.examine() if finding.level == level]


@pytest.mark.both_dbs
def test_sound_installation_has_nothing_to_mend() -> None:
    ledger.beat("worker")
    ledger.beat("beat")
    out = StringIO()
    call_command("doctor", stdout=out)
    assert out.getvalue().count("ok  ") == len(out.getvalue().splitlines()) >= 6


def test_broker_that_evicts_is_a_failure(settings: Any, evicting: str) -> None:
    settings.BROKER_URL = evicting
    assert any("evicts (allkeys-lru)" in text for text in findings("fail"))


def test_broker_that_does_not_answer_is_a_failure_and_the_rest_is_still_examined(settings: Any) -> None:
    settings.BROKER_URL = f"redis://127.0.0.1:{free_port()}/1"
    assert [text.partition(":")[0] for text in findings("fail")] == ["broker"]
    assert "The secret key is private." in findings("ok")
    assert all("correct BROKER_URL" in text for text in findings("fail"))


def test_database_that_is_gone_is_told_once_with_its_remedy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Iterator[recipes.Finding]:
        raise OperationalError("connection refused\nIs the server running?")

    for name in ("database", "size", "roles", "running"):
        monkeypatch.setitem(doctor.CHECKS, name, gone)
    [told] = findings("fail")
    assert told.startswith("database: connection refused. Start it, or correct DATABASE_URL")
    assert "The secret key is private." in findings("ok")


def test_missing_role_is_a_failure_with_its_remedy() -> None:
    Group.objects.filter(name="crew").delete()
    with pytest.raises(CommandError, match="1 of these"):
        call_command("doctor", stdout=StringIO())
    assert findings("fail") == ["The roles crew are missing: run `manage.py sync_roles`."]


def test_unwritable_media_folder_is_a_failure(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "media").write_text("in the way")
    settings.MEDIA_ROOT = tmp_path / "media"
    assert any(text.startswith("files:") for text in findings("fail"))


def test_readable_key_is_a_failure(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o644)
    assert any("chmod 600" in text for text in findings("fail"))


@pytest.mark.both_dbs
def test_many_workers_are_advised_against_on_sqlite_only(settings: Any) -> None:
    settings.WORKER_PROCESSES = 4
    assert any("SQLite is fit" in text for text in findings("warn")) == (connection.vendor == "sqlite")


def test_clock_that_differs_from_the_brokers_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    real = doctor.clock.now()
    monkeypatch.setattr(doctor.clock, "now", lambda: real + timedelta(hours=1))
    assert any("the broker's are 3600 s apart" in text for text in findings("warn"))


@pytest.mark.both_dbs
@pytest.mark.parametrize(("processes", "warned"), [(2, False), (400, True)])
def test_more_threads_than_postgresql_has_connections_is_a_warning(processes: int, warned: bool, settings: Any) -> None:
    settings.WEB_PROCESSES = processes
    assert any("max_connections" in text for text in findings("warn")) == (warned and connection.vendor == "postgresql")


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connections to count")
def test_pool_smaller_than_the_threads_is_what_a_web_process_takes(settings: Any) -> None:
    before = wanted()
    settings.DATABASES["default"] |= {"POOL_OPTIONS": {"POOL_SIZE": 1, "MAX_OVERFLOW": 1}}
    try:
        assert before - wanted() == settings.WEB_PROCESSES * (doctor.WEB_THREADS + doctor.STREAMS - 2)
    finally:
        del settings.DATABASES["default"]["POOL_OPTIONS"]


def wanted() -> int:
    [text] = [text for text in findings("ok") if "may want" in text]
    return int(text.rstrip(".").split()[-1])
