"""The beacon: what browsers may tell, who may, how much and how often, and for how long it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from perf import clock, expiring, reading, retention, storing
from perf.flushing import flush
from perf.models import PageView
from perf.views.beacon import MAX_BYTES
from tests import factories

pytestmark = pytest.mark.django_db

BEACON = "/performance/beacon/"
TOLD = {"route": "snapshots:overview", "loaded_ms": "412", "painted_ms": "388", "long_tasks": "0", "long_ms": "0"}


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(factories.user("viewer"))
    return client


@pytest.mark.req("A100")
def test_timings_of_a_page_are_stored_without_who_or_where(viewer: Client) -> None:
    answer = viewer.post(BEACON, TOLD | {"address": "/accounts/x/secret/", "user": "me"})
    assert (answer.status_code, answer.content) == (204, b"")
    row = PageView.objects.values().get()
    assert abs(row.pop("at") - clock.now()) < timedelta(seconds=30)
    del row["id"]
    assert row == {
        "route": "snapshots:overview", "answered_ms": None, "ready_ms": None, "loaded_ms": 412, "painted_ms": 388,
        "interaction_ms": None, "long_tasks": 0, "long_ms": 0,
    }  # fmt: skip


def test_without_monitoring_what_browsers_tell_is_not_kept(viewer: Client, settings: Any) -> None:
    settings.ENABLE_MONITORING = False
    assert viewer.post(BEACON, TOLD).status_code == 204
    assert not PageView.objects.exists()


@pytest.mark.req("A100")
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"route": "/accounts/x/secret/"}, 400),
        ({"route": ""}, 400),
        ({"loaded_ms": "-1"}, 400),
        ({"loaded_ms": "soon"}, 400),
        ({"loaded_ms": "3600001"}, 400),
        ({"padding": "x" * MAX_BYTES}, 413),
    ],
)
def test_what_is_no_timing_or_too_large_is_refused(viewer: Client, change: dict[str, str], status: int) -> None:
    assert viewer.post(BEACON, TOLD | change).status_code == status
    assert not PageView.objects.exists()


@pytest.mark.req("A100")
def test_nobody_tells_timings_signed_out_or_from_another_site(client: Client) -> None:
    assert client.post(BEACON, TOLD)["Location"].startswith("/login/")
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(factories.user("viewer"))
    assert checked.post(BEACON, TOLD, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert not PageView.objects.exists()


def test_timings_are_told_only_so_often(viewer: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {"beacons": (1, 60)}
    assert [viewer.post(BEACON, TOLD).status_code for _ in range(2)] == [204, 429]


def test_views_of_pages_are_forgotten_after_thirty_days() -> None:
    for days in (29, 31):
        PageView.objects.create(route="snapshots:overview", at=clock.now() - timedelta(days=days))
    retention.prune()
    assert [clock.now() - view.at < timedelta(days=30) for view in PageView.objects.all()] == [True]


def test_old_views_go_in_batches_however_many_an_hour_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiring, "CHUNK", 2)
    for _ in range(50):
        PageView.objects.create(route="snapshots:overview", at=clock.now() - timedelta(days=31))
    retention.prune()
    assert not PageView.objects.exists()


def test_deleting_old_views_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SECONDS", 0.0)
    PageView.objects.create(route="snapshots:overview", at=clock.now() - timedelta(days=31))
    retention.prune()
    assert PageView.objects.exists()


def test_in_memory_mode_timings_are_recorded_and_no_row_is_written(viewer: Client, settings: Any) -> None:
    settings.PERF_STORE = "memory"
    storing.forget()
    assert viewer.post(BEACON, TOLD).status_code == 204
    flush()
    assert [one.count for one in reading.totals("page.loaded", reading.window("1h")).values()] == [1]
    assert not PageView.objects.exists()
