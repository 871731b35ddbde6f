"""Nobody is left to look: how it is told that no worker is at work."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from perf import clock
from scraping import alerts, heartbeats, ledger
from tests import factories


def test_silence_is_shown_though_nobody_is_left_to_alert(db: None) -> None:
    assert alerts.banners() == []
    with clock.shifted(-timedelta(minutes=11)):
        ledger.beat("worker")
    ((alert, words),) = alerts.banners()
    assert (alert.pk, words.title) == (None, "No worker for 10 minutes")
    alerts.evaluate()
    assert [words.title for _, words in alerts.banners()] == ["No worker for 10 minutes"]


@pytest.mark.django_db(transaction=True)
def test_beat_tells_that_no_worker_is_at_work(settings: Any, monkeypatch: Any) -> None:
    settings.MAIL = True
    factories.user("editor", email="editor@example.org")
    monkeypatch.setattr(alerts, "EVERY", 0.01)
    with clock.shifted(-timedelta(minutes=11)):
        ledger.beat("worker")
    stop = threading.Event()
    watch = alerts.watch

    def once() -> None:
        watch()
        stop.set()

    monkeypatch.setattr(alerts, "watch", once)
    thread = threading.Thread(target=alerts.watch_for_workers, args=[stop])
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert [message.subject for message in mail.outbox] == ["Tidemark: No worker for 10 minutes"]


@pytest.mark.django_db(transaction=True)
def test_beat_goes_on_looking_after_an_error(monkeypatch: Any) -> None:
    monkeypatch.setattr(alerts, "EVERY", 0.01)
    stop, calls = threading.Event(), []

    def silent() -> dict[str, Any]:
        calls.append("asked")
        if len(calls) == 2:
            stop.set()
        raise OSError("no route")

    monkeypatch.setattr(heartbeats, "seen", silent)
    alerts.watch_for_workers(stop)
    assert calls == ["asked", "asked"]
