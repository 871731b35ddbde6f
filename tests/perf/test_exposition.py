"""/metrics: every series as Prometheus' own parser reads it, for the few who may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_format
from prometheus_client.samples import Sample

from perf import clock, exemplars, flushing, reading, recording, storing
from perf.exposition import SERIES, buckets, described_as, metric_name
from perf.gauges import Gauge
from perf.histograms import Histogram
from perf.series import HISTOGRAM
from project.roles import Scope
from project.views import make_token
from tests import factories

pytestmark = pytest.mark.django_db

SECONDS = {"method": "GET", "route": "snapshots:overview", "status": "200"}


@pytest.fixture
def scraper(client: Client) -> Client:
    """Whoever holds a token for figures."""
    secret = make_token(factories.user("admin"), name="prometheus", scope=Scope.METRICS, expires_at=None)
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {secret}"
    return client


def samples(text: str, name: str) -> list[Sample]:
    return next(family.samples for family in text_format(text) if family.name == name)


@pytest.mark.req("B115")
def test_every_series_is_told_with_its_type_and_words(scraper: Client) -> None:
    for seconds in (0.004, 0.03, 0.03, 7.0):
        recording.record("request", seconds, **SECONDS)
    recording.record("harbour.tide", 0.2, buoy='North "7"\n')
    recording.count("cache", 3, family="grid", outcome="hits")
    recording.count("cache.saved", 1_500_000, family="grid")
    recording.gauge("redis.used_bytes", 10.0, server="cache")
    recording.gauge("redis.used_bytes", 11.0, server="cache")
    flushing.flush()

    answer = scraper.get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    told = answer.content.decode()
    families = {family.name: family for family in text_format(told)}
    assert {name: families[name].type for name in ("perf_request_seconds", "perf_cache", "perf_redis_used_bytes")} == {
        "perf_request_seconds": "histogram",
        "perf_cache": "counter",
        "perf_redis_used_bytes": "gauge",
    }
    assert families["perf_request_seconds"].documentation == "How long answering took, by route, method and status."
    assert all(family.documentation for family in families.values())

    request = {(one.name, one.labels.get("le")): one for one in families["perf_request_seconds"].samples}
    assert request["perf_request_seconds_count", None].labels == SECONDS
    assert request["perf_request_seconds_sum", None].value == pytest.approx(7.064)
    within = {le: one.value for (_, le), one in request.items() if le}
    assert (within["0.0025"], within["0.005"], within["0.05"], within["5.0"], within["+Inf"]) == (0, 1, 3, 3, 4)

    assert samples(told, "perf_harbour_tide_seconds")[0].labels["buoy"] == 'North "7"\n'
    assert [(one.name, one.value) for one in samples(told, "perf_cache_saved_seconds")] == [
        ("perf_cache_saved_seconds_total", 1.5)
    ]
    assert [one.value for one in samples(told, "perf_redis_used_bytes")] == [11.0]


def test_no_two_names_of_ours_are_one_to_prometheus() -> None:
    ours = [*SERIES, "query.repeated", "query.repeated.seconds"]
    told = {name: metric_name(name, described_as(HISTOGRAM, name).unit) for name in ours}
    assert len(set(told.values())) == len(told)
    assert (told["query.repeated"], told["query.repeated.seconds"]) == (
        "perf_query_repeated",
        "perf_query_repeated_seconds",
    )


def test_counters_begin_anew_at_midnight_and_what_stopped_is_told_no_more(
    scraper: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording.count("cache", family="grid", outcome="hits")
    recording.gauge("process.threads", 4, kind="web")
    flushing.flush()
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=1))
    recording.count("cache", 2, family="grid", outcome="hits")
    flushing.flush()
    told = scraper.get("/metrics").content.decode()
    assert [one.value for one in samples(told, "perf_cache")] == [2.0]
    assert "perf_process_threads" not in told


def test_counts_that_take_another_permission_are_not_scraped(scraper: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Gauge("crew.ill", "Ill", lambda: 3, permission="crew.view_health")
    monkeypatch.setattr("perf.exposition.gauges", lambda: [own, Gauge("crew.aboard", "Aboard", lambda: 9)])
    for gauge in ("crew.ill", "crew.aboard"):
        recording.gauge("app.count", 3, gauge=gauge, part="")
    flushing.flush()
    told = samples(scraper.get("/metrics").content.decode(), "perf_app_count")
    assert [one.labels["gauge"] for one in told] == ["crew.aboard"]


def test_a_sum_never_sinks_as_what_arrived_is_merged(scraper: Client) -> None:
    """Prometheus takes a counter that sinks for one that began anew, and adds all of it once more."""
    told = []
    for number in range(12):
        recording.record("request", 7.3 / (number + 1), **SECONDS)
        storing.keep()
        for _ in range(2):
            found = samples(scraper.get("/metrics").content.decode(), "perf_request_seconds")
            told.append(next(one.value for one in found if one.name.endswith("_sum") and one.labels == SECONDS))
            storing.roll_up()
    assert told == sorted(told)


def test_openmetrics_is_given_to_who_asks_for_it(scraper: Client) -> None:
    recording.record("request", 0.1, **SECONDS)
    flushing.flush()
    answer = scraper.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "perf_request_seconds" in {family.name for family in open_metrics(answer.content.decode())}


def test_only_tokens_for_figures_and_administrators_may_scrape(client: Client) -> None:
    assert client.get("/metrics").status_code == 401
    admin = factories.user("admin")
    read = make_token(admin, name="dashboard", scope=Scope.READ, expires_at=None)
    assert client.get("/metrics", headers={"authorization": f"Bearer {read}"}).status_code == 403
    client.force_login(admin)
    assert client.get("/metrics").status_code == 200


def test_whole_numbers_count_at_their_edge_and_not_above() -> None:
    queries = Histogram()
    queries.extend([0, 1, 2, 5, 5, 6, 20])
    assert buckets(queries, (0, 1, 2, 5, 10, 20)) == [
        ("0.0", 1),
        ("1.0", 2),
        ("2.0", 3),
        ("5.0", 5),
        ("10.0", 6),
        ("20.0", 7),
        ("+Inf", 7),
    ]


def test_what_single_requests_did_is_left_out(scraper: Client) -> None:
    scraper.get("/healthz")
    flushing.flush()
    assert exemplars.of("healthz", reading.window("1h")) is not None
    assert "healthz" in scraper.get("/metrics").content.decode()
