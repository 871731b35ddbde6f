"""Several accounts' histories in one answer."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from snapshots.models import Snapshot
from tests import factories
from tests.snapshots.worlds import TODAY, Committed, a_history, days_ago

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

PAIR = "/api/history?account=x/one&account=youtube/two"


def test_histories_share_their_dates(viewer: Client) -> None:
    one = factories.account(handle="One")
    for ago in (4, 2):
        factories.snapshot(one, days_ago(ago))
    a_history("two", 2, first=500, platform="youtube")
    answer = viewer.get(PAIR).json()
    assert answer["dates"] == [days_ago(ago).isoformat() for ago in (4, 3, 2, 1, 0)]
    assert [(line["platform"], line["handle"], line["followers"]) for line in answer["accounts"]] == [
        ("x", "One", [1_000, None, 1_000, None, None]),
        ("youtube", "two", [None, None, None, 490, 500]),
    ]


@pytest.mark.req("A52")
def test_thinned_histories_keep_the_peaks_of_each_account(viewer: Client) -> None:
    for handle, high in (("one", 150), ("two", 250)):
        account = a_history(handle, 300, first=9_000, platform="x" if handle == "one" else "youtube")
        Snapshot.objects.filter(account=account, date=days_ago(high)).update(followers=10**6, engagements=0)
    answer = viewer.get(f"{PAIR}&points=40").json()
    assert len(answer["dates"]) <= 40
    for line in answer["accounts"]:
        assert (max(line["followers"]), min(line["engagement"])) == (10**6, 0)


def test_growth_of_each_account_begins_with_what_it_had_before(viewer: Client) -> None:
    a_history("one", 3, first=100)
    a_history("two", 3, first=500, platform="youtube")
    answer = viewer.get(f"{PAIR}&from={TODAY}&metrics=follower_growth_absolute").json()
    assert [line["follower_growth_absolute"] for line in answer["accounts"]] == [[10], [10]]


@pytest.mark.req("A9")
def test_a_new_figure_of_one_account_makes_stale_only_answers_that_show_it(
    viewer: Client, committed: Committed
) -> None:
    one, *_ = committed(lambda: [a_history("one"), a_history("two", platform="youtube"), a_history("three")])
    others = "/api/history?account=youtube/two&account=x/three"
    before = viewer.get(PAIR).content
    viewer.get(others)
    assert [viewer.get(path)["X-Cache"] for path in (PAIR, others)] == ["HIT", "HIT"]
    committed(lambda: Snapshot.objects.filter(account=one, date=TODAY).update(followers=7))
    fresh = viewer.get(PAIR)
    assert (fresh["X-Cache"], fresh.content != before) == ("MISS", True)
    assert viewer.get(others)["X-Cache"] == "HIT"


def test_the_same_accounts_share_one_answer_however_they_are_asked_for(viewer: Client, committed: Committed) -> None:
    committed(lambda: [a_history("one"), a_history("two", platform="youtube")])
    cold = viewer.get(PAIR)
    warm = viewer.get("/api/history?account=YouTube/TWO&account=twitter/One&account=x/one")
    assert (warm["X-Cache"], warm.content) == ("HIT", cold.content)


def test_number_of_queries_does_not_grow_with_accounts(viewer: Client) -> None:
    def asked(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            query = "&".join(f"account=x/h{n}" for n in range(count))
            assert viewer.get(f"/api/history?{query}&days=2&metrics=followers,follower_growth_rate").status_code == 200
        return len(captured)

    for n in range(20):
        a_history(f"h{n}", 2)
    viewer.get("/api/history?account=x/h0")  # who asks is known from here on
    assert asked(2) == asked(20)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "account"),
        ("account=cdcgov", "platform/handle"),
        ("account=x/", "platform/handle"),
        ("account=x/a%00b", "platform/handle"),
        ("&".join(f"account=x/h{n}" for n in range(21)), "at most 20 accounts"),
        ("account=x/one&from=2026-11-02&to=2026-11-01", "is after"),
        ("account=x/one&account=x/two&points=18", "19"),
    ],
)
def test_histories_refuse_what_they_cannot_answer(viewer: Client, query: str, said: str) -> None:
    response = viewer.get(f"/api/history?{query}")
    assert (response.status_code, said in response.json()["error"]) == (400, True)


def test_unknown_accounts_are_all_named(viewer: Client) -> None:
    a_history("one")
    response = viewer.get("/api/history?account=x/nobody&account=x/one&account=myspace/tom")
    assert response.status_code == 404
    assert response.json()["error"] == "Not known here: myspace/tom, x/nobody. Ask again without."


def test_former_handles_redirect_to_the_present_ones(viewer: Client) -> None:
    a_history("one").rename("uno")
    a_history("two", platform="youtube").rename("dos")
    response = viewer.get(f"{PAIR}&account=x/one&days=7")
    assert response.status_code == 301
    assert response["Location"] == "/api/history?account=x%2Funo&account=youtube%2Fdos&days=7"
    assert [line["handle"] for line in viewer.get(response["Location"]).json()["accounts"]] == ["uno", "dos"]
