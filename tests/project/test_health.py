from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from perf import clock
from project import health
from scraping import ledger

NOBODY = "redis://127.0.0.1:9/0"  # the discard port: nothing listens there


def test_living_process_says_so_without_asking_the_database(client: Client) -> None:
    """No `db` mark: any query fails the test."""
    assert client.get("/healthz").content == b"ok\n"


def test_living_process_says_so_to_whoever_is_signed_in(client: Client) -> None:
    """No `db` mark: the session is not read either."""
    client.cookies["session"] = "a" * 32
    assert client.get("/healthz").content == b"ok\n"


@pytest.mark.django_db
def test_ready_when_every_part_answers(client: Client) -> None:
    response = client.get("/readyz")
    parts = {"database": "ok", "cache": "ok", "broker": "ok"}
    assert (response.status_code, response.json()) == (200, parts | {"worker": "never", "beat": "never"})


@pytest.mark.django_db
def test_silent_workers_are_named_and_pages_stay_ready(client: Client) -> None:
    ledger.beat("beat")
    with clock.shifted(-timedelta(minutes=11)):
        ledger.beat("worker")
    response = client.get("/readyz")
    assert response.status_code == 200
    assert (response.json()["worker"], response.json()["beat"]) == ("silent", "ok")


@pytest.mark.django_db
@pytest.mark.parametrize(("setting", "part"), [("REDIS_URL", "cache"), ("BROKER_URL", "broker")])
def test_not_ready_names_the_part_that_is_down(setting: str, part: str, client: Client, settings: Any) -> None:
    setattr(settings, setting, NOBODY)
    started = time.monotonic()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert [name for name, state in response.json().items() if state == "down"] == [part]
    assert "127.0.0.1" not in response.content.decode()
    assert time.monotonic() - started < 5


@pytest.mark.django_db
def test_not_ready_without_the_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def refuse() -> None:
        raise OperationalError("no route")

    monkeypatch.setitem(health.PARTS, "database", refuse)
    assert client.get("/readyz").json()["database"] == "down"
