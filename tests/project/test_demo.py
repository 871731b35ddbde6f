"""The demo's data: a simulated year, never mixed with observed figures, and gone without a trace on request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum

from accounts.models import Account, Organization
from perf.clock import today
from project import demo, demo_items
from project.models import AuditEntry
from scraping.fakes.curves import figures
from scraping.models import ScrapeJob, ScrapeRun
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot, Source
from snapshots.recording import Sighting, record
from tests import factories

pytestmark = pytest.mark.django_db
DAYS = 3
FIGURES_MADE = 98 * DAYS  # one of the 99 is a person on LinkedIn, whom no connector reads


@pytest.fixture(autouse=True)
def _short_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HISTORY_DAYS", DAYS)
    monkeypatch.setattr(demo_items, "seed_items", lambda: 0)  # shown by test_demo_items


def see(account: Account, source: str, followers: int = 10) -> None:
    """Store one figure of today."""
    record([Sighting(account.pk, today(), datetime.now(UTC), source, followers=followers)])


def forget_demo(*options: str) -> str:
    out = StringIO()
    call_command("forget_demo", *options, stdout=out)
    return out.getvalue()


@pytest.mark.both_dbs
def test_roster_gives_99_accounts_of_49_organisations() -> None:
    list(demo.prepare())
    assert (Account.objects.count(), Organization.objects.count()) == (99, 49)


@pytest.mark.both_dbs
def test_history_is_what_the_fakes_say_of_each_day() -> None:
    account = factories.account("x", "CDCgov")
    assert demo.seed_history() == DAYS
    rows = Snapshot.objects.filter(account=account).order_by("date")
    yesterday = today() - timedelta(days=1)
    assert [row.date for row in rows] == [yesterday - timedelta(days=n) for n in reversed(range(DAYS))]
    assert {row.source for row in rows} == {Source.SIMULATED}
    said = figures("x", "CDCgov", yesterday)
    assert {name: getattr(rows[DAYS - 1], name) for name in said} == said


@pytest.mark.both_dbs
def test_history_reaches_latest_rows_and_totals() -> None:
    account = factories.account("x", "CDCgov")
    demo.seed_history()
    newest = Snapshot.objects.latest("date")
    assert LatestSnapshot.objects.get(account=account).followers == newest.followers
    assert DailyTotal.objects.get(date=newest.date).followers == newest.followers


def test_profile_that_no_connector_reads_gets_no_history() -> None:
    factories.account("linkedin", "in:hhscybersecurity")
    assert demo.seed_history() == 0


def test_second_seeding_adds_only_what_is_missing() -> None:
    factories.account("x", "CDCgov")
    demo.seed_history()
    Snapshot.objects.filter(date=today() - timedelta(days=2)).delete()
    assert (demo.seed_history(), demo.seed_history()) == (1, 0)


def test_roster_is_not_imported_over_a_registry_somebody_keeps() -> None:
    factories.account("x", "mine")
    list(demo.prepare())
    assert Account.objects.count() == 1


def test_demo_is_refused_where_figures_were_observed() -> None:
    see(factories.account(), Source.OBSERVED)
    with pytest.raises(demo.Mixture, match="1 observed figures"):
        demo.refuse_mixture(demo=True)
    demo.refuse_mixture(demo=False)


def test_real_start_is_refused_where_figures_are_simulated() -> None:
    see(factories.account(), Source.SIMULATED)
    with pytest.raises(demo.Mixture, match="forget_demo"):
        demo.refuse_mixture(demo=False)
    demo.refuse_mixture(demo=True)


def test_one_first_scrape_a_day() -> None:
    factories.account()
    first = demo.request_first_scrape()
    assert first is not None
    assert demo.request_first_scrape() == first
    assert ScrapeJob.objects.count() == 1


def test_empty_registry_asks_for_no_scrape() -> None:
    assert demo.request_first_scrape() is None


@pytest.mark.both_dbs
def test_forgetting_leaves_nothing_of_the_demo() -> None:
    list(demo.prepare())
    demo.request_first_scrape()
    forget_demo("--yes")
    kinds: tuple[Any, ...] = (Account, Organization, Snapshot, LatestSnapshot, ScrapeRun, ScrapeJob)
    assert [kind.objects.count() for kind in kinds] == [0] * len(kinds)
    assert not DailyTotal.objects.aggregate(sum=Sum("followers"))["sum"]


def test_forgetting_keeps_what_was_observed_and_its_totals() -> None:
    list(demo.prepare())
    kept = Account.objects.at("x", "HHSGov").get()
    see(kept, Source.OBSERVED, followers=123)
    forget_demo("--yes")
    assert list(Account.objects.all()) == [kept]
    assert [row.source for row in Snapshot.objects.all()] == [Source.OBSERVED]
    assert DailyTotal.objects.aggregate(sum=Sum("followers"))["sum"] == 123


def test_forgetting_keeps_accounts_that_the_roster_did_not_bring() -> None:
    mine = factories.account("x", "mine")
    demo.seed_history()
    forget_demo("--yes")
    assert list(Account.objects.all()) == [mine]
    assert not Snapshot.objects.exists()


def test_forgetting_is_audited_with_its_counts() -> None:
    list(demo.prepare())
    forget_demo("--yes")
    assert AuditEntry.objects.get(action="demo.forget").detail["simulated figures"] == FIGURES_MADE


def test_forgetting_asks_and_takes_no_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    list(demo.prepare())
    monkeypatch.setattr("builtins.input", lambda question: "")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        forget_demo()
    assert Snapshot.objects.count() == FIGURES_MADE


def test_running_demo_is_not_forgotten(settings: Any) -> None:
    settings.FAKE_PLATFORMS_URL = "http://127.0.0.1:1"
    with pytest.raises(CommandError, match="stop it first"):
        forget_demo("--yes")


def test_nothing_to_forget_is_said() -> None:
    assert "nothing to forget" in forget_demo()
