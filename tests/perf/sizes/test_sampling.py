"""Sizes over time: what the samplers write is what pages read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from perf import clock, flushing, reading, recording
from perf.models import PageView
from perf.sizes import contents, host, processes, redis_servers, sampling
from perf.sizes.contents import Contents
from perf.sizes.storage import storage
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def anew() -> Iterator[None]:
    """As if this process had not reported itself yet."""
    sampling._Reported.pid = 0
    yield
    sampling._Reported.pid = 0


@pytest.mark.req("A104")
@pytest.mark.both_dbs
def test_size_and_rows_of_each_table_are_read_back_hour_by_hour() -> None:
    if connection.vendor == "postgresql":  # it estimates from what other tests committed, and rolled back, otherwise
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_reset_single_table_counters('perf_pageview'::regclass)")
    for hours in (5, 2):
        with clock.shifted(timedelta(hours=-hours)):
            sampling.sample_database()
            flushing.flush()
        PageView.objects.bulk_create(PageView(route="x" * 100) for _ in range(2_000))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE perf_pageview")  # what PostgreSQL does by itself once it was committed
    now = clock.now().replace(minute=0, second=0, microsecond=0)
    hours_ago = [now - timedelta(hours=5), now - timedelta(hours=2)]
    sizes, rows = (
        {own.get("table"): points for own, points in reading.levels(name, reading.window("24h")).items()}
        for name in ("table.bytes", "table.rows")
    )
    assert sizes.keys() > {"perf_pageview", "auth_user", "django_session"}
    assert [at for at, _ in sizes["perf_pageview"]] == hours_ago
    assert rows["perf_pageview"] == list(zip(hours_ago, [0, 2_000], strict=True))
    shown = storage("24h", factories.user("admin"))
    table = next(table for table in shown.tables if table.of.name == "perf_pageview")
    assert table.gained is not None
    assert table.gained >= 400_000  # 4,000 rows of more than 100 bytes since the first look
    assert shown.gained is not None
    assert shown.course is not None
    assert shown.course.since == now - timedelta(hours=5)


@pytest.mark.usefixtures("anew")
def test_process_reports_itself_under_its_kind_and_number() -> None:
    own = processes.measure()
    sampling.report_process()
    flushing.flush()
    [(labels, [(_, pid)])] = reading.levels("process.pid", reading.window("1h")).items()
    assert (labels.get("kind"), labels.get("number"), pid) == (own.kind, str(own.number), own.pid)
    [[(_, memory)]] = reading.levels("process.memory_bytes", reading.window("1h"), kind=own.kind).values()
    assert memory == pytest.approx(own.memory, rel=0.2)


@pytest.mark.usefixtures("anew")
def test_process_reports_itself_every_quarter_of_a_minute_at_most() -> None:
    for _ in range(3):
        sampling.report_process()
    assert [len(labels) for labels in recording.drained().series.values()] == [1] * 7
    sampling.report_process()
    assert recording.drained().series == {}


def test_what_is_not_known_leaves_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "measure", lambda: Contents("oracle", clock.now()))
    monkeypatch.setattr(host, "measure", lambda: host.Host("a", 2))
    monkeypatch.setattr(redis_servers, "measure", list)
    sampling.sample_database()
    sampling.sample_redis()
    sampling.sample_host()
    assert {name for _, name in recording.drained().series} == {"host.cpus"}


@pytest.mark.req("A103")
def test_redis_is_sampled_by_server_and_silence_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling.sample_redis()
    flushing.flush()
    [(labels, points)] = reading.levels("redis.used_bytes", reading.window("1h")).items()
    assert labels.get("server") == "cache and queue"
    assert points[0][1] > 100_000
    silent = redis_servers.Silent(redis_servers.servers()[0], "away")
    monkeypatch.setattr(redis_servers, "measure", lambda: [silent])
    with clock.shifted(timedelta(minutes=5)):
        sampling.sample_redis()
        flushing.flush()
        assert list(reading.levels("redis.used_bytes", reading.window("1h")).values()) == [points]


def test_nothing_is_sampled_where_nobody_flushes_by_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(flushing, "every", lambda drain: asked.append("every"))
    monkeypatch.setattr(flushing, "periodically", lambda name, seconds, work: asked.append(name))
    sampling.install()
    assert asked == []
    monkeypatch.setattr(sampling, "setting", lambda name: 5.0)
    sampling.install()
    assert asked == ["every", f"perf.host {host.name()}", "perf.redis", "perf.database", "perf.counts"]
