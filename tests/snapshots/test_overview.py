"""The overview: what it shows of a period, and what it costs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
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


def test_change_is_what_accounts_gained_and_not_who_came_or_went(viewer: Client) -> None:
    old = factories.account("x")
    see(old, 1_000, ago=30)
    see(old, 1_100)
    see(factories.account("x"), 5_000)  # new: its 5,000 are no growth
    see(factories.account("x"), 7_000, ago=30)  # not seen since: no loss of 7,000
    context = viewer.get("/?days=30").context
    assert (context["total"].changed.change, context["total"].changed.base) == (100, 8_000)
    assert [row.changed.change for row in context["platforms"]] == [100]


def test_change_is_shown_beside_that_of_the_period_before(viewer: Client) -> None:
    account = factories.account("x")
    for ago, followers in ((14, 1_000), (7, 1_300), (0, 1_350)):
        see(account, followers, ago=ago)
    page = text_of(viewer.get("/?days=7"))
    assert "+50 " in page
    assert "+300 in the period before" in page


def test_change_without_two_figures_is_missing_and_not_zero(viewer: Client) -> None:
    see(factories.account("x"), 5_000)
    response = viewer.get("/?days=90")
    assert response.context["total"].changed.change is None
    assert "No account has two figures in this period" in text_of(response)


def test_accounts_unseen_since_yesterday_need_a_look_longest_first(viewer: Client) -> None:
    see(factories.account("x", "fresh"), 10)
    see(factories.account("x", "yesterday"), 10, ago=1)
    see(factories.account("x", "stale"), 10, ago=5)
    see(factories.account("x", "staler"), 10, ago=9)
    see(factories.account("x", "resting", is_active=False), 10, ago=20)
    factories.account("x", "never")
    context = viewer.get("/").context
    assert [row.account.handle for row in context["looks"]] == ["never", "staler", "stale"]
    assert (context["look_count"], context["total"].late, context["total"].unseen) == (3, 2, 1)


def test_organisations_past_ten_are_summed_as_others(viewer: Client) -> None:
    for number in range(12):
        see(factories.account("x"), 100 + number)
    rows = viewer.get("/").context["organizations"]
    assert len(rows) == 11
    assert (rows[-1].name, rows[-1].accounts, rows[-1].followers) == ("Others", 2, 100 + 101)


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


def test_one_account_with_one_day_says_what_is_not_known_yet(viewer: Client) -> None:
    see(factories.account("x", "only"), 7)
    page = text_of(viewer.get("/"))
    assert "1 account · 1 organisation · 1 fresh today" in page
    assert "Nobody gained or lost a follower" in page
    assert "Nothing. Every active account has a fresh figure." in page


def test_everything_leads_to_what_is_behind_it(viewer: Client) -> None:
    account = factories.account("x", "nih", organization=factories.organization("Labs & Co"))
    see(account, 5_000, ago=9)
    see(account, 6_000, ago=2)
    factories.account("youtube", "new")
    page = viewer.get("/?days=7").content.decode()
    for link in (
        "/accounts/?freshness=late", "/accounts/?freshness=none", "/accounts/?platform=x",
        "/accounts/?organization=Labs%20%26%20Co", "?account=x/nih&amp;days=7", "?days=7&amp;by=organization",
    ):  # fmt: skip
        assert f'href="{link}"' in page


def test_lines_by_organisation_are_named_in_the_address(viewer: Client) -> None:
    see(factories.account("x"), 5)
    page = viewer.get("/?by=organization").content.decode()
    assert "/trend/?days=30&amp;by=organization&amp;traced=1" in page
    assert "Followers by organisation" in page
    assert "Followers by platform" in viewer.get("/?by=nonsense").content.decode()


def test_new_accounts_are_named_beside_the_chart(viewer: Client) -> None:
    old = factories.account("x")
    for ago in (9, 3, 0):
        see(old, 100, ago=ago)
    see(factories.account("x"), 900, ago=3)
    note = text_of(viewer.get("/?days=7"))
    assert "New accounts step up: 1 on " in note
    assert "New accounts step up" not in text_of(viewer.get("/?from=2026-01-01&to=2026-01-09"))


def test_who_may_not_see_scrapes_is_offered_none_and_reads_the_own_list(client: Client) -> None:
    factories.account("x", "never")
    person = factories.user()
    person.user_permissions.add(Permission.objects.get(codename="view_snapshot"))
    client.force_login(person)
    page = client.get("/").content.decode()
    assert "/scraping/" not in page
    assert "never" in page
