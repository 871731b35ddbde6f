"""The data grid of accounts: its columns, its sums, its past days and its file."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from io import StringIO
from itertools import product
from typing import Any

import orjson
import pytest
from django.test import Client

from accounts.models import Account
from perf import clock
from perf.budgets import cost_of
from snapshots.exports.jobs import ExportJob
from snapshots.listing_columns import FIELDS, KNOWN, SUMMED
from snapshots.models import Snapshot
from tests import factories
from tests.snapshots.worlds import Committed

pytestmark = pytest.mark.django_db
TODAY = clock.today()
WEEK_AGO = TODAY - dt.timedelta(days=7)
ASKED = [
    "", "sort=handle", "sort=-org&active=all", "platform=flickr&sort=likes", "tag=news&columns=tags,followers,active",
    f"day={WEEK_AGO}", f"day={WEEK_AGO}&sort=-observed_at&active=all", "q=b&sort=-change_7&columns=change_7,followers",
    "freshness=none&columns=source,observed_at,date,core", "organization=Alpha&sort=-platform",
]  # fmt: skip  # reads best as a list of addresses


@pytest.fixture
def world(viewer: Client, committed: Committed) -> Client:
    """A viewer's browser; twelve accounts with ties, gaps, rounded figures, three without any and one at rest."""
    committed(_made)
    return viewer


def _made() -> None:
    offices = [factories.organization(name) for name in ("beta", "Alpha")]
    for n in range(12):
        account = factories.account(
            ("x", "flickr")[n % 2], f"{'Ab'[n % 2]}{n}", organization=offices[n % 2], is_active=n != 5, is_core=n == 6
        )
        if n % 4:
            likes = None if n % 3 else 7 * n
            factories.snapshot(account, WEEK_AGO, None if n == 3 else 100 + n, likes=likes)
            factories.snapshot(account, TODAY, 200 + n % 3, likes=likes, followers_rounded=n == 7)
    Account.objects.filter(handle__in=["A2", "b5", "b7"]).retag(None, add=["news", "daily"])


def listed(viewer: Client, query: str) -> Any:
    return viewer.get(f"/accounts/?{query}")


def values(account: Any, name: str) -> Any:
    """What the page knows of one column of a row, as JSON says it."""
    if name == "tags":
        return "; ".join(account.tags.order_by("key").values_list("name", flat=True))
    value = getattr(account, "handle" if name == "handle" else FIELDS[name].split("__")[0])
    value = value.name if name == "org" else value
    return orjson.loads(orjson.dumps(value))


@pytest.mark.both_dbs
@pytest.mark.parametrize("query", ASKED)
def test_the_file_holds_the_rows_order_and_columns_of_the_page(world: Client, query: str) -> None:
    page = listed(world, query).context
    file = b"".join(world.get(f"/exports/accounts.ndjson?{query}"))
    rows = [orjson.loads(line) for line in file.splitlines()]
    fields = page["shown"].fields
    assert [list(row) for row in rows[:1]] == [[*_with_rounded(fields)]]
    assert [{name: row[name] for name in fields} for row in rows] == [
        {name: values(row.account, name) for name in fields} for row in page["rows"]
    ]
    assert rows


def _with_rounded(fields: list[str]) -> list[str]:
    at = fields.index("followers") + 1 if "followers" in fields else len(fields)
    return [*fields[:at], *(["rounded"] if "followers" in fields else []), *fields[at:]]


def test_the_file_is_csv_and_json_as_well_and_no_unknown_kind(world: Client) -> None:
    lines = list(csv.reader(StringIO(b"".join(world.get("/exports/accounts.csv?q=A2")).decode())))
    assert lines[0][:4] == ["handle", "platform", "org", "date"]
    assert lines[1][:4] == ["A2", "x", "beta", TODAY.isoformat()]
    told = orjson.loads(b"".join(world.get("/exports/accounts.json")))
    assert told["total_records"] == listed(world, "").context["page"].total == 11
    assert world.get("/exports/accounts.xlsx").status_code == 404


def test_a_large_list_becomes_an_export_of_the_same_filters(world: Client, settings: Any) -> None:
    settings.EXPORT_STREAM_ROWS = 5
    answer = world.get("/exports/accounts.csv?platform=x&columns=followers", follow=True)
    assert "The export is being written." in answer.content.decode()
    job = ExportJob.objects.get()
    assert job.total == 6
    assert (job.filters["platform"], job.filters["every"]) == ("x", True)
    assert job.filters["fields"] == "handle,followers,rounded"
    assert "X · active accounts" in job.asked_for


@pytest.mark.both_dbs
@pytest.mark.parametrize(
    ("day", "query"), [*product(["latest", WEEK_AGO.isoformat()], ["", "active=all", "platform=x"])]
)
def test_totals_are_the_sums_of_everything_filtered(
    world: Client, monkeypatch: pytest.MonkeyPatch, day: str, query: str
) -> None:
    monkeypatch.setattr("snapshots.listing_views.ROWS_PER_PAGE", 2)
    address = f"{query}&day={day}&columns={','.join(KNOWN)}"
    found = {column.name: total for column, total in listed(world, address).context["totals"] if total}
    monkeypatch.undo()
    rows = [row.account for row in listed(world, address).context["rows"]]
    for name in SUMMED:
        if day != "latest" and name.startswith("change"):
            assert name not in found
            continue
        said = [value for row in rows if (value := getattr(row, name)) is not None]
        assert (name, found[name].value, found[name].counted) == (name, sum(said) if said else None, len(said))
    assert found["followers"].rounded == (1 if day == "latest" and query != "platform=x" else 0)


def test_a_sum_of_nothing_is_missing_and_a_rounded_one_says_so(world: Client) -> None:
    foot = listed(world, "columns=followers,videos").content.decode().split("<tfoot>")[1]
    assert "≈ " in foot
    assert 'title="No account has this figure"' in foot
    assert ">0<" not in foot


def test_totals_follow_a_figure_and_an_account_at_once(world: Client, committed: Committed) -> None:
    def total() -> int:
        found = {column.name: said for column, said in listed(world, "").context["totals"]}
        return int(found["followers"].value)

    before = total()
    committed(lambda: factories.snapshot(Account.objects.get(handle="A0"), followers=1_000))
    assert total() == before + 1_000
    committed(lambda: Account.objects.filter(handle="A0").deactivate(None))
    assert total() == before


def test_a_past_day_shows_its_figures_and_names_the_missing(world: Client) -> None:
    page = listed(world, f"day={WEEK_AGO}&columns=followers,change_7")
    rows = {row.account.handle: row.account.followers for row in page.context["rows"]}
    assert (rows["b1"], rows["A0"], rows["b3"]) == (101, None, None)
    assert f"No figure of {WEEK_AGO.day} {WEEK_AGO:%b %Y}" in page.content.decode()
    assert [column.name for column in page.context["shown"].columns] == ["followers"]


@pytest.mark.parametrize("day", ["2999-01-01", "x", "0000-00-00", "\u0662\u0660\u0662\u0666-11-01"])
def test_a_day_that_has_not_been_means_the_latest(world: Client, day: str) -> None:
    assert listed(world, f"day={day}").context["filters"].day == "latest"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("columns=likes,org", ["org", "likes"]),
        ("columns=likes&columns=org", ["org", "likes"]),
        ("columns=likes,password", ["likes"]),
        ("columns=password", None),
    ],
)
def test_the_address_chooses_the_columns(world: Client, query: str, shown: list[str] | None) -> None:
    usual = listed(world, "").context["shown"].names
    assert listed(world, query).context["shown"].names == (shown or usual)
    assert {"platform", "org", "date", "followers", "engagement", "posts", "likes", "comments", "shares"} < set(usual)


@pytest.mark.parametrize("chosen", ["columns=likes&columns=org", "columns=likes,org"])
def test_a_persons_own_columns_are_the_default_until_taken_back(world: Client, chosen: str) -> None:
    kept = world.get(f"/accounts/?q=b&{chosen}&keep=1")
    assert (kept.status_code, kept["Location"]) == (302, "/accounts/?q=b")
    assert listed(world, "q=b").context["shown"].names == ["org", "likes"]
    assert listed(world, "columns=shares").context["shown"].names == ["shares"]
    world.get("/accounts/?reset=1")
    assert len(listed(world, "").context["shown"].names) > 9


def test_empty_fields_of_the_form_do_not_stay_in_the_address(world: Client) -> None:
    answer = world.get("/accounts/?q=&platform=x&tag=&tag=news&columns=likes")
    assert answer["Location"] == "/accounts/?platform=x&tag=news&columns=likes"


def test_rows_carry_their_tags_and_a_line_of_their_days(world: Client) -> None:
    rows = {row.account.handle: row for row in listed(world, "").context["rows"]}
    assert rows["A2"].tags == ["daily", "news"]
    assert rows["A2"].spark[-1] == 202
    assert rows["A2"].spark[-8] == 102
    assert rows["A2"].spark[-2] is None
    page = listed(world, "columns=tags").content.decode()
    assert 'href="/accounts/?tag=news"' in page


@pytest.mark.parametrize("query", ["", f"day={WEEK_AGO}"])
def test_the_page_costs_the_same_for_more_rows(
    world: Client, committed: Committed, query: str, grow: Callable[[], None]
) -> None:
    listed(world, query)
    committed(lambda: Snapshot.objects.filter(account__handle="A2").update(listed=1))
    few = cost_of(lambda: listed(world, query)).queries
    committed(grow)
    assert cost_of(lambda: listed(world, query)).queries == few


@pytest.fixture
def grow() -> Callable[[], None]:
    """Adds twenty accounts with figures."""

    def add() -> None:
        for n in range(20):
            factories.snapshot(factories.account("x", f"more{n}"), TODAY)

    return add


def test_organisations_are_suggested_while_typing(world: Client) -> None:
    page = world.get("/accounts/organizations/?organization=ALP").content.decode()
    assert page.strip() == '<option value="Alpha"></option>'
    assert "beta" in world.get("/accounts/organizations/").content.decode()
