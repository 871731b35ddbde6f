"""The list of accounts and the account page."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse

from accounts.models import Account
from perf import clock
from snapshots.models import Source
from snapshots.recording import Sighting, record
from tests import factories
from tests.snapshots.worlds import see, text_of

INLINE = re.compile(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", re.IGNORECASE)


@pytest.fixture
def viewer(client, db):
    person = factories.user("viewer")
    client.force_login(person)
    return client


@pytest.fixture
def editor(client, db):
    client.force_login(factories.user("editor"))
    return client


# --- List -------------------------------------------------------------------------------------------


@pytest.mark.req("A23", "A24")
def test_queries_of_the_list_do_not_grow_with_rows(viewer, django_assert_num_queries):
    def grow(number):
        offices = [factories.organization() for _ in range(3)]
        Account.objects.bulk_create(
            Account(platform="x", handle=f"{number}_{i}", handle_key=f"{number}_{i}", organization=offices[i % 3])
            for i in range(number)
        )
        seen = {"date": clock.today(), "observed_at": clock.now(), "source": Source.OBSERVED}
        record([Sighting(account_id=pk, followers=pk, **seen) for pk in Account.objects.values_list("pk", flat=True)])

    grow(10)
    viewer.get("/accounts/")
    with CountQueries() as few:
        viewer.get("/accounts/")
    grow(190)
    with django_assert_num_queries(few.number):
        assert viewer.get("/accounts/").status_code == 200


def handles(response):
    return [account.handle for account in response.context["page"].object_list]


def test_accounts_with_most_followers_come_first_and_unknown_ones_last(viewer):
    factories.account("x", "unknown")
    see(factories.account("x", "small"), 5)
    see(factories.account("x", "large"), 50)
    response = viewer.get("/accounts/")
    assert handles(response) == ["large", "small", "unknown"]
    assert "No figure yet" in text_of(response)


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=LAR", ["large"]), ("q=labs", ["large"]), ("platform=youtube", ["tube"]), ("platform=nonsense", None),
     ("organization=Labs", ["large"]), ("core=1", ["tube"]), ("active=0", ["resting"]),
     ("active=all", ["large", "resting", "small", "tube"]), ("sort=handle", ["large", "small", "tube"]),
     ("sort=-handle", ["tube", "small", "large"]), ("sort=password", None), ("q=%00", None), ("page=x", None),
     ("core=perhaps&q=lar", ["large"]), ("freshness=fresh", ["large", "tube"]), ("freshness=late", ["small"]),
     ("freshness=none&active=all", ["resting"]), ("freshness=x", None), ("tag=News", ["large"]),
     ("tag=news&tag=daily", []), ("tag=" + "x" * 60, None), ("sort=-observed_at", None)],
)  # fmt: skip
def test_the_address_filters_and_sorts(viewer, query, found):
    see(factories.account("x", "large", organization=factories.organization("Labs")), 50)
    see(factories.account("youtube", "tube", is_core=True), 40)
    see(factories.account("x", "small"), 5, ago=2)
    factories.account("x", "resting", is_active=False)
    Account.objects.filter(handle="large").retag(None, add=["News"])
    listed = handles(viewer.get(f"/accounts/?{query}"))
    usual = ["tube", "large", "small"] if "observed_at" in query else ["large", "tube", "small"]
    assert (sorted(listed) if "active" in query else listed) == (usual if found is None else found)


def test_a_search_without_result_says_how_to_go_on(viewer):
    factories.account()
    assert "No account matches" in text_of(viewer.get("/accounts/?q=nobody"))


@pytest.mark.req("A50", "A51")
def test_row_51_is_on_the_second_page_and_links_keep_the_filters(viewer):
    organization = factories.organization("Agency")
    for number in range(60):
        factories.account("x", f"unit{number:02}", organization=organization)
    Account.objects.retag(None, add=["news", "daily"])
    first = viewer.get("/accounts/?q=unit&tag=news&tag=daily&freshness=none&sort=handle")
    assert handles(first)[-1] == "unit49"
    link = re.search(r'href="(\?[^"]*page=2[^"]*)"', first.content.decode()).group(1)
    assert "q=unit&amp;tag=news&amp;tag=daily&amp;freshness=none&amp;sort=handle" in link
    second = viewer.get(f"/accounts/{unescape(link)}")
    assert handles(second)[0] == "unit50"
    assert "Showing 51 to 60 of 60 accounts" in text_of(second)


def test_past_the_end_is_no_error(viewer):
    see(factories.account("x", "only"), 5)
    assert handles(viewer.get("/accounts/?page=99")) == ["only"]


def test_only_editors_are_offered_changes(viewer, client):
    see(factories.account("x", "nih"), 5)
    assert "Scrape now" not in text_of(viewer.get("/accounts/x/nih/"))
    client.force_login(factories.user("editor"))
    assert "Scrape now" in text_of(client.get("/accounts/x/nih/"))


# --- Account ----------------------------------------------------------------------------------------


def test_account_page_shows_figures_with_their_source_and_gaps_as_gaps(viewer):
    account = factories.account("x", "nih")
    see(account, 1_000, ago=3)
    see(account, 1_050, ago=1, posts=0)
    see(account, 1_041, source=Source.SIMULATED)
    response = viewer.get("/accounts/x/nih/")
    days = [(day.figure and day.figure.followers, day.change) for day in response.context["recent"]]
    assert days == [(1_041, -9), (1_050, None), (None, None), (1_000, None)]
    page = text_of(response)
    assert "1,041" in page
    assert "simulated" in page
    assert "No figure the day before" in page
    assert "It was not asked for on that day." in page


def test_rounded_figures_say_so(viewer):
    see(factories.account("youtube", "NIH"), 1_020_000, followers_rounded=True)
    assert "≈ 1,020,000" in text_of(viewer.get("/accounts/youtube/NIH/"))


def test_account_without_figures_shows_dashes_and_no_zero(viewer):
    factories.account("x", "new")
    response = viewer.get("/accounts/x/new/")
    assert response.context["latest"] is None
    assert "No figure yet" in text_of(response)
    assert re.search(r"\b0\b", text_of(response).split("Attempts")[0].split("History")[0]) is None


@pytest.mark.parametrize("asked", ["NIH", "nih"])
def test_a_handle_in_another_case_or_a_former_one_answers_301(viewer, asked):
    account = factories.account("x", "nih_gov" if asked == "NIH" else "NIH")
    if asked == "NIH":
        account.handle = "NIH_now"
        account.save()
        asked, now = "nih_gov", "NIH_now"
    else:
        now = "NIH"
    response = viewer.get(f"/accounts/x/{asked}/")
    assert (response.status_code, response["Location"]) == (301, f"/accounts/x/{now}/")


def test_unknown_account_is_404(viewer):
    assert viewer.get("/accounts/x/nobody/").status_code == 404


def test_a_hostile_bio_is_text(viewer):
    Account.objects.filter(pk=factories.account("x", "evil").pk).update(
        bio="<script>alert(1)</script>", display_name="<img src=x onerror=alert(1)>"
    )
    page = viewer.get("/accounts/x/evil/").content.decode()
    assert "&lt;script&gt;" in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("path", ["/", "/accounts/", "/accounts/x/nih/", "/nothing/"])
def test_no_page_carries_inline_code_or_style(editor, path):
    see(factories.account("x", "nih"), 5)
    assert INLINE.findall(editor.get(path).content.decode()) == []


@pytest.mark.parametrize("name", ["accounts", "trend"])
def test_crew_see_no_social_pages(client, db, name):
    client.force_login(factories.user("crew"))
    assert client.get(reverse(f"snapshots:{name}")).status_code == 403


def test_crew_find_their_own_page_where_others_find_the_figures(client, db):
    client.force_login(factories.user("crew"))
    led = client.get(reverse("snapshots:overview"))
    assert (led.status_code, led["Location"], led.content) == (302, reverse("workitems:dashboard"), b"")


class CountQueries:
    """How many queries a block makes."""

    def __enter__(self):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self._context = CaptureQueriesContext(connection)
        self._context.__enter__()
        return self

    def __exit__(self, *error):
        self._context.__exit__(*error)
        self.number = len(self._context)


def test_the_percentage_of_a_change_is_of_what_it_changed_from(viewer):
    account = factories.account("x", "doubled")
    see(account, 1_000, ago=7)
    see(account, 2_000)
    page = text_of(viewer.get("/accounts/x/doubled/"))
    assert "+1,000 +100 %" in page.replace("\xa0", " ")


def test_other_organisations_without_a_figure_are_not_said_to_have_none(viewer):
    for number in range(10):
        see(factories.account("x", f"seen{number}"), 50)
    factories.account("x", "unseen")
    page = text_of(viewer.get("/"))
    assert "Others 1 – No figure yet" in page


@pytest.mark.parametrize("path", ["/accounts/x/{}/", "/api/accounts/x/{}", "/api/history/x/{}"])
def test_a_renamed_account_can_have_its_old_handle_back(viewer, path):
    account = factories.account("x", "before")
    account.rename("after")
    moved = viewer.get(path.format("before"))
    assert moved.status_code == 301
    assert "no-cache" in moved["Cache-Control"]  # a browser keeps a bare 301 for good
    account.rename("before")
    assert viewer.get(path.format("after")).status_code == 301
    assert viewer.get(path.format("before")).status_code == 200


@pytest.mark.parametrize("handle", ["before", "AFTER"])
def test_the_way_to_an_accounts_present_address_keeps_the_query(viewer, handle):
    factories.account("x", "before").rename("after")
    moved = viewer.get(f"/accounts/x/{handle}/?days=7&q=caf%C3%A9")
    assert (moved.status_code, moved["Location"]) == (301, "/accounts/x/after/?days=7&q=caf%C3%A9")


@pytest.mark.parametrize("path", ["/", "/accounts/", "/accounts/youtube/nih/"])
def test_a_rounded_count_wears_its_sign_wherever_it_stands(viewer, path):
    factories.snapshot(factories.account("youtube", "nih"), followers=1_230_000, followers_rounded=True)
    page = re.sub(r"<[^>]+>", "", viewer.get(path).content.decode())
    shown = re.findall(r"(≈?) ?(?:1,230,000|1\.23)", page)
    assert shown
    assert set(shown) == {"≈"}


def test_an_exact_count_wears_no_sign(viewer):
    factories.snapshot(factories.account("x", "nih"), followers=1_230_000)
    assert "≈" not in viewer.get("/").content.decode()
