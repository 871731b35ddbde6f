"""Apps' own counts: found, read, and kept from who may not see them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from perf import gauges
from perf.gauges import Gauge, readings
from tests import factories

Monkey = pytest.MonkeyPatch


def found(monkeypatch: Monkey, *by_app: list[Gauge]) -> None:
    """As if apps had these gauges."""
    modules = [(f"app{number}", SimpleNamespace(GAUGES=own)) for number, own in enumerate(by_app)]
    monkeypatch.setattr(gauges, "discovered", lambda name: iter(modules if name == "gauges" else []))


def test_every_app_says_what_it_counts() -> None:
    apps = [gauge.name.partition(".")[0] for gauge in gauges.gauges()]
    assert set(apps) == {"accounts", "scraping", "snapshots", "workitems"}
    assert [gauge.name for gauge in gauges.gauges() if not gauge.note or not gauge.label] == []


def test_two_gauges_of_one_name_are_refused(monkeypatch: Monkey) -> None:
    one = Gauge("a.one", "One", lambda: 1)
    found(monkeypatch, [one], [one])
    with pytest.raises(ImproperlyConfigured, match=r"app1.gauges: there is a gauge a\.one"):
        gauges.gauges()


def test_gauge_has_parts_and_their_sum_only_if_all_are_known(monkeypatch: Monkey) -> None:
    kinds = [
        Gauge("a", "A", lambda: 5),
        Gauge("b", "B", lambda: {"x": 2, "y": 3}),
        Gauge("c", "C", lambda: {"x": 2, "y": None}),
    ]
    found(monkeypatch, [*kinds, Gauge("d", "D", lambda: None)])
    assert [(one.total, one.is_split) for one in readings()] == [(5, False), (5, True), (None, True), (None, False)]


@pytest.mark.django_db
def test_permission_decides_who_sees_a_gauge(monkeypatch: Monkey) -> None:
    found(monkeypatch, [Gauge("a", "A", lambda: 1), Gauge("b", "B", lambda: 2, permission="workitems.view_workitem")])
    admin, crew, viewer = (factories.user(role, username=role) for role in ("admin", "crew", "viewer"))
    seen = {user.username: [one.gauge.name for one in readings(user)] for user in (admin, crew, viewer)}
    assert seen == {"admin": ["a", "b"], "crew": ["b"], "viewer": []}


@pytest.mark.django_db(transaction=True)
def test_gauge_that_fails_says_why_and_fails_alone(monkeypatch: Monkey) -> None:
    def lost() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM nowhere")
        return 1

    found(monkeypatch, [Gauge("a", "A", lost), Gauge("b", "B", lambda: 2)])
    first, second = readings()
    assert (first.total, "nowhere" in first.why) == (None, True)
    assert (second.total, second.why) == (2, "")


def test_gauge_that_its_app_breaks_is_logged_and_fails_alone(
    monkeypatch: Monkey, caplog: pytest.LogCaptureFixture
) -> None:
    found(monkeypatch, [Gauge("a", "A", lambda: 1 // 0), Gauge("b", "B", lambda: 2)])
    assert [(one.total, one.why) for one in readings()] == [(None, "ZeroDivisionError: see the log"), (2, "")]
    assert "The gauge a failed" in caplog.text
