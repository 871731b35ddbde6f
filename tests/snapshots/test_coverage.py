"""Who has a figure of a day, who has none, and why."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Hold
from perf import clock
from scraping.models import JobState, Rank, Recheck, ScrapeJob
from tests import factories
from tests.snapshots.worlds import TODAY, a_history, days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def job(account: Account, state: str, outcome: str = "", **fields: object) -> None:
    now = clock.now()
    given = {"date": TODAY, "reason": "planned", "rank": Rank.REST, "order_at": now, "due_at": now} | fields
    ScrapeJob.objects.create(account=account, platform=account.platform, state=state, outcome=outcome, **given)


def reasons(viewer: Client, query: str = "") -> dict[str, str]:
    return {row["handle"]: row["reason"] for row in viewer.get(f"/api/coverage?{query}").json()["data"]}


def test_coverage_counts_active_accounts_and_names_the_missing(viewer: Client) -> None:
    a_history("seen")
    factories.snapshot(factories.account(handle="late"), days_ago(4), followers=None)
    factories.account("youtube", "never")
    factories.account(handle="off", is_active=False)
    answer = viewer.get("/api/coverage").json()
    assert (answer["day"], answer["accounts"], answer["covered"], answer["total"]) == (str(TODAY), 3, 1, 2)
    rows = [(row["platform"], row["handle"], row["last_date"]) for row in answer["data"]]
    assert rows == [("x", "late", str(days_ago(4))), ("youtube", "never", None)]


def test_coverage_of_an_earlier_day(viewer: Client) -> None:
    a_history("seen", 1)
    factories.snapshot(factories.account(handle="then"), days_ago(4))
    answer = viewer.get(f"/api/coverage?day={days_ago(4)}").json()
    assert (answer["covered"], [row["handle"] for row in answer["data"]]) == (1, ["seen"])
    assert viewer.get("/api/coverage?day=2999-01-01").json()["covered"] == 0


def test_coverage_without_any_account_is_empty(viewer: Client) -> None:
    answer = viewer.get("/api/coverage").json()
    assert (answer["accounts"], answer["covered"], answer["total"], answer["data"]) == (0, 0, 0, [])


def test_every_missing_account_says_why(viewer: Client) -> None:
    named = {name: factories.account(handle=name) for name in ("walled", "waits", "now", "doubted", "gone", "rare")}
    job(named["walled"], JobState.DEAD, "blocked")
    job(named["waits"], JobState.DUE, "rate_limited")
    job(named["now"], JobState.LEASED, lease_until=clock.now())
    job(named["doubted"], JobState.DONE, "suspect")
    factories.snapshot(named["doubted"], quality="suspect")
    job(named["gone"], JobState.DONE, "ok")
    Recheck.objects.note({named["rare"].pk: ("hidden", TODAY)})
    factories.account(handle="held", held=Hold.REASSIGNED, held_at=clock.now())
    factories.account(handle="unasked")
    assert reasons(viewer, f"day={TODAY}") == {
        "walled": "blocked",
        "waits": "rate_limited",
        "now": "fetching",
        "doubted": "suspect",
        "gone": "removed",
        "rare": "hidden",
        "held": "on_hold",
        "unasked": "not_asked",
    }
    rows = {row["handle"]: row for row in viewer.get(f"/api/coverage?day={TODAY}").json()["data"]}
    assert rows["walled"]["why"] == "The platform showed a wall instead of the profile"
    assert (rows["walled"]["until"], rows["waits"]["until"] is None) == (None, False)


def test_the_newest_try_of_the_day_says_why_and_another_days_does_not(viewer: Client) -> None:
    account = factories.account(handle="tried")
    job(account, JobState.DEAD, "blocked", reason="requested")
    job(account, JobState.DONE, "hidden")
    job(account, JobState.DEAD, "timeout", date=days_ago(1))
    assert reasons(viewer, f"day={TODAY}") == {"tried": "hidden"}


def test_coverage_is_paged_by_name(viewer: Client) -> None:
    for n in range(5):
        factories.account(handle=f"h{n}")
    first = viewer.get("/api/coverage?per_page=3").json()
    rest = viewer.get("/api/coverage", {"per_page": 3, "page": 2, "after": first["next"]}).json()
    assert [row["handle"] for row in first["data"] + rest["data"]] == [f"h{n}" for n in range(5)]


def test_coverage_asks_no_more_for_more_accounts(viewer: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get("/api/coverage").status_code == 200
        return len(captured)

    factories.account()
    viewer.get("/api/coverage")  # who asks is known from here on
    before = queries()
    for _ in range(5):
        factories.account()
    assert queries() == before


@pytest.mark.parametrize(
    ("query", "handles"), [("core=true", {"core"}), ("platform=yt", {"tube"}), ("freshness=late", {"late"})]
)
def test_coverage_is_narrowed_as_every_list_is(viewer: Client, query: str, handles: set[str]) -> None:
    factories.account(handle="core", is_core=True)
    factories.account("youtube", "tube")
    factories.snapshot(factories.account(handle="late"), days_ago(9))
    assert set(reasons(viewer, f"{query}&day={TODAY}")) == handles


def test_coverage_refuses_a_day_that_is_none(viewer: Client) -> None:
    response = viewer.get("/api/coverage?day=2025-02-29")
    assert (response.status_code, "day" in response.json()["error"]) == (400, True)


def test_coverage_is_for_those_who_may_see_figures_and_accounts() -> None:
    assert Client().get("/api/coverage").status_code == 401
    crew = Client()
    crew.force_login(factories.user("crew", password=None))
    assert crew.get("/api/coverage").status_code == 403
