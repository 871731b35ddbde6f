"""The pane beside the sidebar: the accounts an address names, what nobody knows said, the rest shown."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from snapshots.pane import MOST
from tests import factories
from tests.snapshots.worlds import a_history, days_ago, see, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_one_account_is_shown_with_its_latest_figures_on_the_page_as_in_the_pane(viewer: Client) -> None:
    account = a_history("CDCgov", days=2, display_name="The CDC")
    see(account, 800, ago=30)
    for path in ("/", "/pane/"):
        answer = viewer.get(f"{path}?account=X/cdcGOV&days=90")
        words = text_of(answer)
        assert re.search(r"The CDC · X · .* Followers 1,000 seen just now Change · 1 day \+10 \+1\.0", words)
        assert "Change · 30 days +200 +25.0" in words
        assert f'data-src="/api/history/x/CDCgov?from={days_ago(90)}"' in answer.content.decode()
    assert "<title>CDCgov · Tidemark</title>" in viewer.get("/?account=x/CDCgov").content.decode()


def test_the_figures_of_all_are_not_worked_out_beside_chosen_accounts(viewer: Client) -> None:
    a_history("nih")
    for path, worked_out in (("/?account=x/nih", False), ("/?account=x/gone", False), ("/", True)):
        with CaptureQueriesContext(connection) as asked:
            viewer.get(path)
        assert any("platformtotal" in query["sql"] for query in asked) == worked_out


@pytest.mark.parametrize("path", ["/pane/?account=x/nih&days=7", "/accounts/x/nih/?days=7"])
def test_charts_show_the_days_up_to_the_newest_figure(viewer: Client, path: str) -> None:
    a_history("nih", days=20, ago=8)
    (src,) = re.findall(r'data-src="(/api/history/[^"]+)"', viewer.get(path).content.decode())
    assert viewer.get(src).json()["dates"] == [f"{days_ago(ago)}" for ago in range(15, 7, -1)]


def test_several_are_compared_in_one_chart_and_each_can_be_taken_out(viewer: Client) -> None:
    a_history("cdcgov")
    a_history("nih", platform="youtube")
    answer = viewer.get(f"/pane/?account=x/cdcgov&account=youtube/nih&from={days_ago(20)}&to={days_ago(0)}")
    page, period = answer.content.decode(), f"from={days_ago(20)}&amp;to={days_ago(0)}"
    assert f'data-src="/api/history?account=x/cdcgov&amp;account=youtube/nih&amp;{period}"' in page
    assert f'href="/?account=youtube/nih&amp;{period}" data-choose aria-label="Take X cdcgov out' in page
    assert viewer.get(f"/api/history?account=x/cdcgov&account=youtube/nih&from={days_ago(20)}").status_code == 200
    assert "2 accounts compared" in text_of(answer)


def test_only_the_days_of_an_account_are_called_a_table_of_its_chart(viewer: Client) -> None:
    a_history("cdcgov")
    a_history("nih")
    led = {"/": 3, "/pane/?account=x/nih": 1, "/pane/?account=x/nih&account=x/cdcgov": 1, "/accounts/x/nih/": 1}
    for path, charts in led.items():
        page = viewer.get(path).content.decode()
        own = path.startswith("/accounts/")
        there = '"#days-title">See the last 30 days as a table' if own else '"/exports/">Export the figures'
        assert page.count(f"The chart needs JavaScript. <a href={there}") == charts == page.count("chart needs"), path
        assert ('id="days-title"' in page) == own


def test_unknown_names_are_said_and_the_others_shown(viewer: Client) -> None:
    a_history("cdcgov")
    words = text_of(viewer.get("/pane/?account=x/cdcgov&account=x/nobody&account=nowhere&account=x/%00&account=<b>/x"))
    assert "Not known here: x/nobody, nowhere, x/\x00, <b>/x. The others are shown." in words
    assert "Followers 1,000" in words
    assert "Choose an account from the list" in text_of(viewer.get("/pane/?account=x/nobody"))
    assert "No such account" in text_of(viewer.get("/pane/"))


def test_more_than_can_be_compared_are_said(viewer: Client) -> None:
    named = [f"account=x/{factories.account('x', f'a{number}').handle}" for number in range(MOST + 1)]
    words = text_of(viewer.get(f"/pane/?{'&'.join([*named, named[0]])}"))
    assert f"{MOST} accounts are compared at once. Not shown: x/a{MOST}." in words
    assert f"{MOST} accounts compared" in words


def test_a_former_handle_leads_to_its_account_once(viewer: Client) -> None:
    account = a_history("cdcgov")
    account.rename("CDC")
    chosen = viewer.get("/pane/?account=x/cdcgov&account=x/cdc").context["chosen"]
    assert [one.account.handle for one in chosen.shown] == ["CDC"]
    assert chosen.unknown == []


def test_an_account_without_a_figure_has_a_dash_and_its_reason(viewer: Client) -> None:
    factories.account("x", "new", is_active=False)
    words = text_of(viewer.get("/pane/?account=x/new"))
    assert "inactive" in words
    assert "No figure yet" in words
    assert "not seen yet" in words


def test_the_list_carries_on_what_it_does_not_show(viewer: Client) -> None:
    for number in range(25):
        a_history(f"a{number:02}", first=10_000 - number)
    page = viewer.get("/?account=x/a24&account=x/a00&days=7&sort=name&q=a").content.decode()
    form = page[page.index('class="sidebar-in"') : page.index("</form>", page.index('class="sidebar-in"'))]
    hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', form)
    assert hidden == [("days", "7"), ("account", "x/a24")]
    assert re.findall(r'value="([^"]+)"[^>]* checked', form) == ["x/a00"]
    assert len(re.findall('type="checkbox"', form)) == 20
    assert 'value="name" selected' in form


def test_whoever_reads_no_figures_has_no_pane(client: Client) -> None:
    client.force_login(factories.user("crew", password=None))
    assert client.get("/pane/?account=x/cdcgov").status_code == 403
