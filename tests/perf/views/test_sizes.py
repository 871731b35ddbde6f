"""The pages of storage and processes, and the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from perf import clock, flushing
from perf.models import PageView
from perf.sizes import contents, redis_servers, sampling
from perf.sizes.redis_servers import Silent
from perf.sizes.tables import Measured
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


@pytest.fixture
def _anew() -> Iterator[None]:
    """As if this process had not reported itself yet."""
    sampling._Reported.pid = 0
    yield
    sampling._Reported.pid = 0


def sampled(hours: int) -> None:
    """Everything was looked at that many hours ago, and an hour before."""
    for ago in (hours + 1, hours):
        with clock.shifted(timedelta(hours=-ago)):
            sampling.sample_database()
            sampling.sample_redis()
            sampling.sample_counts()
            flushing.flush()


def words(client: Client, address: str) -> str:
    """The page's text in one line, without the marks between which it stands."""
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


@pytest.mark.req("B59", "B60", "A103", "A104")
def test_storage_shows_true_sizes_with_their_growth(admin: Client) -> None:
    factories.item(photos=2)
    sampled(hours=3)
    factories.item(photos=3)
    PageView.objects.bulk_create(PageView(route="x" * 100) for _ in range(2_000))
    said = admin.get("/api/performance/storage").json()
    page = words(admin, "/performance/storage/")
    counts = {one["name"]: one for one in said["counts"]}
    tables = {one["name"]: one for one in said["tables"]}
    assert counts["workitems.items"]["total"] == 2
    assert (counts["workitems.photos"]["total"], counts["workitems.photos"]["gained"]) == (5, 3)
    assert said["database"]["bytes"] > sum(table["bytes"] for table in said["tables"]) > 1_000_000
    assert said["database"]["gained"] > 0
    assert tables["perf_pageview"]["gained"] > 200_000
    assert tables["perf_pageview"]["app"] == "perf"
    assert said["redis"][0]["used"] > 100_000
    assert (said["redis"][0]["policy"], said["redis"][0]["evicted_in_period"]) == ("noeviction", 0)
    assert "<strong>Photos</strong>" in page
    assert "<strong>perf_pageview</strong>" in page
    assert "Redis: cache and queue" in page
    assert "Memory of Redis, cache and queue" in page  # drawn, as two looks can be joined
    assert "Size of the database" in page


@pytest.mark.req("B60")
def test_refused_size_is_not_available_and_says_why(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Measured(why=["The size of the whole database: PostgreSQL did not tell (permission denied)."])
    monkeypatch.setattr(contents, "MEASURES", dict.fromkeys(contents.MEASURES, lambda _: refusal))
    page = words(admin, "/performance/storage/")
    assert '<strong class="perf-number">N/A</strong>' in page
    assert "did not tell (permission denied)" in page
    assert admin.get("/api/performance/storage").json()["database"] == {"bytes": None, "gained": None, "since": None}


def test_first_look_says_when_growth_will_be_known(admin: Client) -> None:
    page = words(admin, "/performance/storage/")
    assert "growth is known from the second look on" in page
    assert "Size of the database" not in page


def test_redis_that_is_away_or_missing_is_told(admin: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Silent(redis_servers.servers()[0], "Connection refused")
    monkeypatch.setattr(redis_servers, "measure", lambda: [silent])
    page = words(admin, "/performance/storage/")
    assert "It does not answer: Connection refused." in page
    assert '<strong class="state bad">Now.</strong> The cache and queue server' in page
    [said] = admin.get("/api/performance/storage").json()["redis"]
    assert (said["answers"], said["why"], said["used"]) == (False, "Connection refused", None)
    monkeypatch.setattr(redis_servers, "measure", list)
    assert "<strong>No Redis.</strong>" in words(admin, "/performance/storage/")


@pytest.mark.usefixtures("_anew")
@pytest.mark.req("B116")
def test_processes_and_machine_are_shown(admin: Client) -> None:
    sampling.report_process()
    sampling.sample_host()
    flushing.flush()
    said = admin.get("/api/performance/processes?period=1h").json()
    page = words(admin, "/performance/processes/?period=1h")
    [own], [machine] = said["running"], said["machines"]
    assert own["memory"] > 10_000_000
    assert own["threads"] >= 1
    assert own["cpu"] is None  # of one look nothing can be said
    assert 0 < machine["available"] < machine["memory"]
    assert f"<strong>{own['kind']} {own['number']}</strong>" in page
    assert f"pid {own['pid']}" in page
    assert "left of" in page
    assert "Disk of uploaded files" in page


def test_before_the_first_report_the_page_says_when_it_comes(admin: Client) -> None:
    assert "No process has reported itself yet." in words(admin, "/performance/processes/")


def test_unknown_period_is_the_days_on_the_page_and_refused_by_the_api(admin: Client) -> None:
    assert 'href="?period=24h" aria-current="true"' in words(admin, "/performance/storage/?period=2w")
    assert admin.get("/api/performance/processes?period=2w").status_code in {400, 422}
