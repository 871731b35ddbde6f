"""Three beats at once, as when a second host starts one by mistake: all they ask for is done once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessLog
from celery import current_app

from perf import clock
from project.models import AuditEntry
from scraping import ledger
from scraping.models import Alert, Notice, ScrapeJob, ScrapeRun
from tests import factories

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
BEATS, OLD, SECONDS = 3, 300, 60
ASKED = {name: entry for name, entry in current_app.conf.beat_schedule.items() if name != "dispatch"}
"""Everything but what says that beat lives."""


@pytest.fixture
def world() -> None:
    """Something to plan, to alert and to delete."""
    for _ in range(5):
        factories.account("flickr")
    factories.user("admin", email="ann@example.org")
    AccessLog.objects.bulk_create(AccessLog(username="ann", ip_address="192.0.2.1") for _ in range(OLD))
    AccessLog.objects.update(attempt_time=clock.now() - timedelta(days=400))
    with clock.shifted(-timedelta(hours=2)):
        ledger.beat("beat")


def test_what_three_beats_ask_for_happens_once(world: None, worker: Any, tmp_path: Any) -> None:
    running = worker(concurrency=BEATS, MEDIA_ROOT=str(tmp_path), FAKE_PLATFORMS_URL="http://127.0.0.1:9")
    for entry in ASKED.values():
        for _ in range(BEATS):
            current_app.send_task(entry["task"], **entry["options"] | {"expires": SECONDS})
    deadline = time.monotonic() + SECONDS
    while (told := running.output()).count(" succeeded in ") < BEATS * len(ASKED):
        assert " raised " not in told, told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    assert " raised " not in told
    assert (ScrapeRun.objects.count(), ScrapeJob.objects.count()) == (1, 5)
    (alert,) = Alert.objects.filter(kind=Alert.Kind.SILENT, key="beat")
    notices = list(Notice.objects.filter(alert=alert).values_list("event", "channel", "address"))
    assert notices
    assert len(notices) == len(set(notices))
    assert not AccessLog.objects.exists()
    pruned = AuditEntry.objects.filter(action="retention.pruned").values_list("detail", flat=True)
    assert sum(one.get("sign-ins", 0) for one in pruned) == OLD
