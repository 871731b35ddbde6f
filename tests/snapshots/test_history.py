from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import cache, clock
from perf.clock import shifted
from snapshots.models import Snapshot
from tests import factories
from tests.snapshots.worlds import TODAY, Committed, a_history, days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_history_has_every_day_and_leaves_gaps(viewer: Client) -> None:
    account = factories.account(handle="CDCgov")
    for ago, followers in ((5, 100), (3, 120), (2, None), (1, 150)):
        factories.snapshot(account, days_ago(ago), followers, engagements=followers)
    answer = viewer.get("/api/history/x/cdcGOV").json()
    assert answer["handle"] == "CDCgov"
    assert answer["dates"] == [days_ago(ago).isoformat() for ago in (5, 4, 3, 2, 1)]
    assert answer["followers"] == [100, None, 120, None, 150]
    assert answer["engagement"] == [100, None, 120, None, 150]
    assert answer["marks"] == {}


def test_history_marks_days_whose_followers_are_rounded(viewer: Client) -> None:
    account = factories.account(handle="cdcgov")
    for ago, rounded in ((3, False), (2, True), (1, True), (0, False)):
        factories.snapshot(account, days_ago(ago), followers_rounded=rounded)
    answer = viewer.get("/api/history/x/cdcgov").json()
    assert answer["marks"] == {"followers_rounded": [[days_ago(2).isoformat(), days_ago(1).isoformat()]]}


def test_history_says_how_the_platform_rounds_where_the_platform_says_so(viewer: Client) -> None:
    for platform in ("youtube", "x"):
        factories.snapshot(factories.account(platform, "nih"), followers=1_230_000, followers_rounded=True)
    answers = viewer.get("/api/history?account=x/nih&account=youtube/nih").json()["accounts"]
    assert [one["rounding"] for one in answers] == [None, {"digits": 3, "how": "down"}]


def test_history_marks_what_was_not_observed(viewer: Client) -> None:
    account = factories.account(handle="a")
    for ago, source in ((5, "simulated"), (4, "simulated"), (3, "imported"), (2, "observed")):
        factories.snapshot(account, days_ago(ago), 100, source=source)
    factories.snapshot(account, days_ago(1), 9, quality="suspect")
    factories.snapshot(account, days_ago(0), 8, quality="rejected")
    answer = viewer.get("/api/history/x/a").json()
    assert answer["followers"] == [100, 100, 100, 100]
    assert answer["marks"] == {
        "simulated": [[days_ago(5).isoformat(), days_ago(4).isoformat()]],
        "imported": [[days_ago(3).isoformat()] * 2],
        "suspect": [[days_ago(1).isoformat()] * 2],
    }


def test_a_mark_does_not_reach_over_days_without_a_figure(viewer: Client) -> None:
    account = factories.account(handle="a")
    for ago in (9, 8, 2):
        factories.snapshot(account, days_ago(ago), source="imported")
    days = [[days_ago(first).isoformat(), days_ago(last).isoformat()] for first, last in ((9, 8), (2, 2))]
    assert viewer.get("/api/history/x/a").json()["marks"] == {"imported": days}


def test_history_of_suspects_alone_has_their_marks_and_no_figure(viewer: Client) -> None:
    account = factories.account(handle="a")
    factories.snapshot(account, days_ago(1), 9, quality="suspect")
    answer = viewer.get("/api/history/x/a").json()
    assert (answer["dates"], answer["followers"]) == ([], [])
    assert answer["marks"] == {"suspect": [[days_ago(1).isoformat()] * 2]}


def test_history_growth_is_worked_out_from_the_days_before(viewer: Client) -> None:
    account = factories.account(handle="a", opened_on=days_ago(102))
    factories.snapshot(account, days_ago(9), 100, engagements=3, posts=50)
    factories.snapshot(account, days_ago(2), 150, engagements=3, posts=50, total_video_views=10, videos=3)
    metrics = "follower_growth_absolute,follower_growth_rate,engagement_rate,posts_per_day,average_views_per_video"
    answer = viewer.get(f"/api/history/x/a?days=5&metrics={metrics}").json()
    assert [answer[name] for name in metrics.split(",")] == [[50], [50.0], [2.0], [0.5], [3.33]]
    assert viewer.get("/api/history/x/a?metrics=posts_per_day&days=5").json()["posts_per_day"] == [0.5]
    assert viewer.get("/api/history/x/a?metrics=follower_growth_rate").json()["follower_growth_rate"][0] == 0.0


def three_years(account: Account) -> list[Snapshot]:
    """A figure on each of three years' days up to today, followers and engagements with a peak and a dip each."""
    rows = [
        Snapshot(
            account=account,
            date=days_ago(ago),
            observed_at=clock.now(),
            source="imported" if ago in (700, 701) else "observed",
            followers=1_000 + ago % 90,
            engagements=50 + ago % 7,
        )
        for ago in range(3 * 365)
    ]
    rows[500].followers, rows[510].followers = 9_999, 3
    rows[720].engagements, rows[730].engagements = 8_888, 1
    return [row for row in rows if row.date not in {days_ago(ago) for ago in range(300, 340)}]


@pytest.mark.req("A52")
def test_three_years_are_thinned_with_every_peak_dip_gap_and_mark(viewer: Client) -> None:
    Snapshot.objects.bulk_create(three_years(factories.account(handle="a")))
    answer = viewer.get("/api/history/x/a?points=100").json()
    assert 50 <= len(answer["dates"]) == len(answer["followers"]) == len(answer["engagement"]) <= 100
    assert (answer["dates"][0], answer["dates"][-1]) == (days_ago(1_094).isoformat(), TODAY.isoformat())
    for name, lowest, highest in (("followers", 3, 9_999), ("engagement", 1, 8_888)):
        known = [value for value in answer[name] if value is not None]
        assert (min(known), max(known)) == (lowest, highest)
    gap = {days_ago(ago).isoformat() for ago in range(300, 340)}
    missing = {day for day, value in zip(answer["dates"], answer["followers"], strict=True) if value is None}
    assert missing
    assert missing <= gap
    assert answer["marks"] == {"imported": [[days_ago(701).isoformat(), days_ago(700).isoformat()]]}


@pytest.mark.req("A52")
@pytest.mark.parametrize(
    ("query", "ago"),
    [
        ("days=3", (2, 1, 0)),
        (f"from={days_ago(9)}&to={days_ago(7)}", (9, 8, 7)),
        (f"days=3&from={days_ago(1)}", (1, 0)),
        (f"from={days_ago(8)}&to={days_ago(8)}", (8,)),
        (f"from={days_ago(-5)}", ()),
        (f"days=3&to={days_ago(5)}", ()),
    ],
)
def test_history_is_windowed(viewer: Client, query: str, ago: tuple[int, ...]) -> None:
    a_history("a", 10)
    assert viewer.get(f"/api/history/x/a?{query}").json()["dates"] == [days_ago(n).isoformat() for n in ago]


@pytest.mark.req("A44")
def test_history_has_a_leap_day_and_iso_dates(viewer: Client) -> None:
    account = factories.account(handle="a")
    for day in (dt.date(2024, 2, 28), dt.date(2024, 3, 1)):
        factories.snapshot(account, day, 5)
    answer = viewer.get("/api/history/x/a?from=2024-02-28").json()
    assert answer["dates"] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert answer["followers"] == [5, None, 5]


def test_the_last_days_are_those_of_our_own_time_zone(viewer: Client, settings: Any) -> None:
    account = factories.account(handle="a")
    for day in (20, 21, 22):
        factories.snapshot(account, dt.date(2026, 11, day), 5)
    late_evening_in_utc = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    with shifted(late_evening_in_utc - clock.now()):
        settings.TIME_ZONE = "Europe/Berlin"  # where it is half past midnight
        assert viewer.get("/api/history/x/a?days=1").json()["dates"][0] == "2026-11-21"
        settings.TIME_ZONE = "America/New_York"
        assert viewer.get("/api/history/x/a?days=1").json()["dates"][0] == "2026-11-20"


def test_history_of_nobody_is_404_in_json(viewer: Client) -> None:
    for path in ("/api/history/x/nobody", "/api/history/myspace/tom"):
        response = viewer.get(path)
        assert (response.status_code, list(response.json())) == (404, ["error"])


def test_history_of_an_account_without_figures_is_empty(viewer: Client) -> None:
    factories.account(handle="new")
    assert viewer.get("/api/history/x/new").json()["dates"] == []


def test_former_handle_redirects_to_the_present_one(viewer: Client) -> None:
    account = a_history("oldname")
    account.rename("newname")
    response = viewer.get("/api/history/x/oldname?days=7")
    assert (response.status_code, response["Location"]) == (301, "/api/history/x/newname?days=7")


def test_the_last_days_are_cached_under_their_first_day(viewer: Client, committed: Committed) -> None:
    committed(lambda: a_history("a", days=3))
    assert len(viewer.get("/api/history/x/a?days=2").json()["dates"]) == 2
    (name,) = cache.stored("history:x:a")
    assert days_ago(1).isoformat() in name


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("metrics=password", "password"),
        ("days=0", "days"),
        ("points=3", "points"),
        ("points=10", "11"),
        ("from=yesterday", "from"),
        ("from=2026-11-02&to=2026-11-01", "from 2026-11-02 is after to 2026-11-01"),
        ("from=2025-02-29", "from"),
    ],
)
def test_history_refuses_what_it_cannot_answer(viewer: Client, query: str, said: str) -> None:
    a_history("one")
    response = viewer.get(f"/api/history/x/one?{query}")
    assert (response.status_code, said in response.json()["error"]) == (400, True)
