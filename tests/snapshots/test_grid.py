"""The grid's orders, pages and totals, asked for as the API is asked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import cache, clock, pagination
from snapshots import filters
from snapshots.filters import FigureFilters
from snapshots.grid import SORTED_BY, GridFilters, grid_page
from snapshots.models import LatestSnapshot, Snapshot
from snapshots.recording import record
from snapshots.weighing import Sighting
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

TODAY = clock.today()
PER_PAGE = 6


@pytest.fixture
def world(django_capture_on_commit_callbacks: Any) -> list[Account]:
    """17 accounts of 3 platforms and 4 offices, alike in many columns and unknown in some, on one to three days."""
    with django_capture_on_commit_callbacks(execute=True):
        return _world()


def _world() -> list[Account]:
    offices = [factories.organization(name) for name in ("beta", "Alpha", "gamma", "Äther")]
    made = []
    for n in range(17):
        platform = ("x", "youtube", "flickr")[n % 3]
        account = factories.account(platform, f"{'aBc'[n % 3]}{n * 7 % 17}", organization=offices[n % 4])
        made.append(account)
    Account.objects.filter(pk__in=[row.pk for row in made[::2]]).update(display_name="Same name")
    record(_sightings(made))
    return made


def _sightings(accounts: list[Account]) -> Iterator[Sighting]:
    for n, account in enumerate(accounts):
        for ago in range(n % 3, -1, -1):
            figure = None if n % 4 == 1 else 1_000 + n % 5 * 10 - ago * (n % 2)
            seen = clock.now() - dt.timedelta(days=ago, minutes=n % 6)
            yield Sighting(
                account.pk, TODAY - dt.timedelta(days=ago), seen, ("observed", "imported")[n % 2], figure,
                followers_rounded=n % 3 == 0, following=None if n % 2 else n, videos=n % 4, likes=n % 3 or None,
            )  # fmt: skip


def ask(**query: Any) -> dict[str, Any]:
    """The page that the API gives a person who may see everything."""
    reader = get_user_model()(is_superuser=True, is_active=True)
    answer: dict[str, Any] = orjson.loads(grid_page(GridFilters.model_validate(query), reader))
    return answer


def read_on(**query: Any) -> Iterator[list[list[Any]]]:
    """The rows of each page, following `next`."""
    page, after = 1, ""
    while True:
        answer = ask(**query, page=page, after=after)
        yield answer["data"]
        if "next" not in answer:
            return
        page, after = page + 1, answer["next"]


def whole(day: str, sort: str) -> list[int]:
    """The ids of all accounts as the database sorts them at one go, unknown values last."""
    rows: Any = LatestSnapshot.objects.known() if day == "latest" else Snapshot.objects.filter(date=day)
    value = F(SORTED_BY[sort.removeprefix("-")])
    first = value.desc(nulls_last=True) if sort[0] == "-" else value.asc(nulls_last=True)
    ordered = rows.order_by(first, "-account_id" if sort[0] == "-" else "account_id")
    return list(ordered.values_list("account_id", flat=True))


@pytest.mark.req("A51")
@pytest.mark.parametrize(
    ("day", "names"), [("latest", SORTED_BY), (TODAY.isoformat(), ["handle", "org", "followers", "observed_at"])]
)
def test_every_column_sorts_both_ways_by_cursor(world: list[Account], day: str, names: Iterable[str]) -> None:
    ids = {(account.platform, account.handle): account.pk for account in world}
    for sort in [f"{sign}{name}" for name in names for sign in ("", "-")]:
        pages = list(read_on(day=day, sort=sort, fields="platform,handle", per_page=PER_PAGE))
        assert [ids[platform, handle] for page in pages for platform, handle in page] == whole(day, sort), sort


@pytest.mark.req("A51")
@pytest.mark.parametrize("sort", ["-followers", "org", "source"])
def test_a_page_by_number_is_the_page_by_cursor(world: list[Account], sort: str) -> None:
    query = {"day": "latest", "sort": sort, "per_page": PER_PAGE}
    assert [ask(**query, page=n)["data"] for n in (1, 2, 3, 4)] == [*read_on(**query), []]


@pytest.mark.parametrize("query", [{}, {"platform": "x"}, {"day": TODAY.isoformat()}, {"core": "false"}], ids=str)
@pytest.mark.parametrize("sort", ["-date", "date"])
def test_a_day_before_the_page_is_skipped_by_its_total(world: list[Account], sort: str, query: dict[str, Any]) -> None:
    query |= {"sort": sort, "per_page": 4}
    numbers = range(1, -(-ask(**query)["total"] // 4) + 2)
    assert [ask(**query, page=n)["data"] for n in numbers] == [*read_on(**query), []]


def test_a_days_figures_are_known_without_counting(world: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "COUNT_MAX", 2)
    Account.objects.filter(pk=world[0].pk).deactivate(None)
    factories.snapshot(world[15], TODAY - dt.timedelta(days=1), quality="suspect")
    day = (TODAY - dt.timedelta(days=1)).isoformat()
    for query in ({}, {"platform": "youtube"}):
        with CaptureQueriesContext(connection) as captured:
            answer = ask(day=day, sort="-followers", **query)
        assert not any("COUNT(" in asked["sql"] for asked in captured)
        assert (answer["total"], "total_is_lower_bound" in answer) == (meant(day, query), False)
        assert answer["total"] > 2


FILTERS: list[dict[str, Any]] = [
    {"platform": "youtube"},
    {"organization": "Alpha"},
    {"organization": "nobody's"},
    {"core": "true"},
    {"active": "false"},
    {"q": "a1"},
    {"q": "alpha same"},
    {"tag": ["news"]},
    {"freshness": "late"},
    {"freshness": "none"},
    {"freshness": "fresh", "platform": "x", "q": "1"},
]


@pytest.mark.parametrize("day", ["all", "latest", TODAY.isoformat()])
def test_few_accounts_and_many_are_found_alike(world: list[Account], day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for account in world[:3]:
        factories.snapshot(account, TODAY - dt.timedelta(days=30))
    Account.objects.filter(pk__in=[row.pk for row in world[5:9]]).deactivate(None)
    Account.objects.filter(pk__in=[row.pk for row in world[:6]]).retag(None, add=["News"])
    Account.objects.filter(pk=world[2].pk).update(is_core=True)
    Snapshot.objects.filter(account__in=world[:2], date__gt=TODAY - dt.timedelta(days=30)).delete()
    for query in FILTERS:
        found = []
        for few in (0, 1_000):
            monkeypatch.setattr(filters, "FEW", few)
            cache.clear()
            pages = list(read_on(**query, day=day, per_page=4, fields="platform,handle,date"))
            found.append([row for page in pages for row in page])
        answer = ask(**query, day=day)
        assert found[0] == found[1], query
        assert (answer["total"], len(found[0])) == (len(found[0]), meant(day, query)), query


def meant(day: str, query: dict[str, Any]) -> int:
    """How many rows the plain condition lets through."""
    accounts = FigureFilters.model_validate(query).accounts(Account.objects.all())
    if day == "latest":
        return LatestSnapshot.objects.known().filter(account__in=accounts).count()
    rows = Snapshot.objects.published().filter(account__in=accounts)
    return rows.count() if day == "all" else rows.filter(date=day).count()


@pytest.mark.req("A26")
def test_totals_are_counted_once_until_a_figure_changes(
    world: list[Account], django_capture_on_commit_callbacks: Any, django_assert_num_queries: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        factories.snapshot(world[0], TODAY - dt.timedelta(days=40))
    first = ask(per_page=5)
    with django_assert_num_queries(1):
        second = ask(per_page=5, page=2, after=first["next"])
    assert first["total"] == second["total"] == Snapshot.objects.count()
    with django_capture_on_commit_callbacks(execute=True):
        factories.snapshot(world[0], TODAY - dt.timedelta(days=41))
    assert ask()["total"] == first["total"] + 1
