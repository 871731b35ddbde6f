"""The overview: what it shows of a period, and what it costs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock
from snapshots.models import Source
from snapshots.recording import Sighting, record
from tests import factories
from tests.snapshots.worlds import see, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(factories.user("viewer"))
    return client


def queries_of(client: Client, path: str = "/") -> int:
    """How many queries one answer takes."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
        return len(asked)


def test_overview_without_accounts_says_what_to_do(viewer: Client) -> None:
    page = text_of(viewer.get("/"))
    assert "No accounts yet" in page
    assert "0 %" not in page


def test_overview_totals_the_latest_figures_of_active_accounts(viewer: Client) -> None:
    see(factories.account("x"), 1_000_000)
    see(factories.account("youtube"), 234_567, followers_rounded=True)
    see(factories.account("x", is_active=False), 9_000_000)
    response = viewer.get("/")
    assert response.context["total"].followers == 1_234_567
    assert 'title="1,234,567">1.23' in response.content.decode()


def test_change_is_over_accounts_seen_at_both_ends_only(viewer: Client) -> None:
    old = factories.account("x")
    see(old, 1_000, ago=30)
    see(old, 1_100)
    see(factories.account("x"), 5_000)  # new: its 5,000 are no growth
    gone = factories.account("x")
    see(gone, 7_000, ago=30)  # not seen since: no loss of 7,000
    total = viewer.get("/?days=30").context["total"]
    assert (total.changed.change, total.changed.base, total.changed.compared) == (100, 1_000, 1)


def test_change_without_figures_at_both_ends_is_missing_and_not_zero(viewer: Client) -> None:
    see(factories.account("x"), 5_000)
    response = viewer.get("/?days=90")
    assert response.context["total"].changed.change is None
    assert "No account has figures at both ends of this period" in text_of(response)


def test_most_gained_and_most_lost_are_named(viewer: Client) -> None:
    for handle, before, after in (("up", 100, 300), ("upper", 100, 900), ("down", 500, 450), ("downer", 500, 400)):
        account = factories.account("x", handle)
        see(account, before, ago=7)
        see(account, after)
    response = viewer.get("/?days=7")
    assert response.context["gained"].account.handle == "upper"
    assert response.context["lost"].account.handle == "downer"


def test_nobody_is_named_as_losing_when_nobody_lost(viewer: Client) -> None:
    account = factories.account("x")
    see(account, 100, ago=7)
    see(account, 101)
    assert viewer.get("/?days=7").context["lost"] is None


def test_accounts_unseen_since_yesterday_need_a_look_longest_first(viewer: Client) -> None:
    see(factories.account("x", "fresh"), 10)
    see(factories.account("x", "yesterday"), 10, ago=1)
    see(factories.account("x", "stale"), 10, ago=5)
    factories.account("x", "never")
    looks = viewer.get("/").context["looks"]
    assert [account.handle for account in looks] == ["never", "stale"]


def test_organisations_past_ten_are_summed_as_others(viewer: Client) -> None:
    for number in range(12):
        see(factories.account("x"), 100 + number)
    rows = viewer.get("/").context["organizations"]
    assert len(rows) == 11
    assert (rows[-1].name, rows[-1].accounts, rows[-1].followers) == ("Others", 2, 100 + 101)


def test_a_day_that_counts_too_few_accounts_is_a_gap_in_the_trend(viewer: Client) -> None:
    accounts = [factories.account("x") for _ in range(3)]
    for days_ago in range(8, -1, -1):
        for account in accounts if days_ago != 4 else accounts[:1]:
            see(account, 100, ago=days_ago)
    answer = viewer.get("/trend/?days=7").json()
    assert answer["series"] == [{"label": "X", "values": [300, 300, 300, None, 300, 300, 300, 300]}]
    assert answer["dates"][-1] == clock.today().isoformat()


def test_the_first_days_of_a_growing_roster_are_no_gaps(viewer: Client) -> None:
    for number, days_ago in enumerate((3, 2, 1)):
        account = factories.account("x")
        for back in range(days_ago, -1, -1):
            see(account, 100 * (number + 1), ago=back)
    values = viewer.get("/trend/?days=7").json()["series"][0]["values"]
    assert values == [None, None, None, None, 100, 300, 600, 600]


@pytest.mark.req("A23", "A24")
def test_queries_do_not_grow_with_rows(viewer: Client) -> None:
    def grow(number: int) -> None:
        offices = [factories.organization() for _ in range(3)]
        Account.objects.bulk_create(
            Account(platform="x", handle=f"{number}_{i}", handle_key=f"{number}_{i}", organization=offices[i % 3])
            for i in range(number)
        )
        seen = {"date": clock.today(), "observed_at": clock.now(), "source": Source.OBSERVED}
        record([Sighting(account_id=pk, followers=pk, **seen) for pk in Account.objects.values_list("pk", flat=True)])

    grow(10)
    viewer.get("/")
    few = queries_of(viewer)
    grow(190)
    assert queries_of(viewer) == few


@pytest.mark.req("A9", "A26")
@pytest.mark.django_db(transaction=True)
def test_the_overview_is_kept_until_a_figure_or_an_account_changes(client: Client) -> None:
    account = see(factories.account("x", "nih"), 1_000)
    client.force_login(factories.user("viewer"))
    assert "1,000" in text_of(client.get("/"))
    warm = queries_of(client)
    see(account, 1_234)
    cold = queries_of(client)
    assert "1,234" in text_of(client.get("/"))
    account.is_active = False
    account.save()
    assert "No accounts yet" in text_of(client.get("/"))
    assert warm < cold / 2


@pytest.mark.django_db(transaction=True)
def test_the_kept_overview_offers_nobody_what_another_may_do(client: Client) -> None:
    import_link = "/accounts/import/"
    client.force_login(factories.user("editor"))
    assert import_link in client.get("/").content.decode()
    client.force_login(factories.user("viewer"))
    assert import_link not in client.get("/").content.decode()


def test_what_was_asked_for_and_not_given_is_said_on_the_page(viewer: Client) -> None:
    page = text_of(viewer.get("/?from=<b>&to=2026-09-30"))
    assert "“<b>” is no day; the last 30 days are shown." in page
    assert "<b>”" not in viewer.get("/?from=<b>").content.decode()


def test_links_to_other_periods_keep_the_rest_of_the_address(viewer: Client) -> None:
    page = viewer.get("/?from=2026-09-01&to=2026-09-30&by=organization").content.decode()
    assert 'href="?by=organization&amp;days=7"' in page
    assert '<input type="hidden" name="by" value="organization">' in page
    assert 'name="from" value="2026-09-01"' in page
