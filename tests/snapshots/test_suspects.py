"""The page and the API of figures that wait: what they say, and what deciding does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import clock
from snapshots.judging import Ticket
from snapshots.models import Quality, Snapshot
from snapshots.recording import Sighting, record
from tests import factories
from tests.snapshots.worlds import text_of

pytestmark = pytest.mark.django_db
TODAY = clock.today()
URL, JUDGE, API = "/figures/suspect/", "/figures/suspect/judge/", "/api/suspects"


def seen(accounts: list[Account], followers: int, back: int = 0) -> list[Any]:
    """One reading of each account, `back` days ago, as one batch."""
    at = clock.now() - dt.timedelta(days=back)
    day = TODAY - dt.timedelta(days=back)
    return record([Sighting(one.pk, day, at, "observed", followers=followers) for one in accounts], at=at)


def leapt(handle: str = "", platform: str = "x") -> Snapshot:
    account = factories.account(platform, handle)
    seen([account], 1_000, back=1)
    seen([account], 90_000)
    return Snapshot.objects.get(account=account, date=TODAY)


def fallen(count: int = 3, platform: str = "youtube") -> list[Snapshot]:
    """The waiting rows of accounts that fell together, none of them by a leap."""
    accounts = [factories.account(platform) for _ in range(count)]
    seen(accounts, 1_000, back=1)
    seen(accounts, 700)
    return list(Snapshot.objects.to_judge().filter(account__in=accounts).order_by("pk"))


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(factories.user("editor", first_name="Edith"))
    return client


def post(client: Client, *rows: Snapshot, verdict: str = "accept", **more: Any) -> Any:
    """The decision that the page's form makes on `rows`."""
    body = {"figure": [str(Ticket.of(row)) for row in rows], "verdict": verdict} | more
    return client.post(JUDGE, body, follow=True)


def test_nothing_doubted_says_what_would_wait(editor: Client) -> None:
    page = text_of(editor.get(URL))
    assert "No figure is doubted" in page
    assert "1,000 or 50 % a day" in page


def test_a_leap_shows_both_figures_the_change_and_the_rule(editor: Client) -> None:
    leapt("cdcgov")
    page = text_of(editor.get(URL))
    for words in ("cdcgov", "1,000", "90,000", "+89,000", "+8900 %", "A leap: more than 1,000 in a day"):
        assert words in page


def test_a_fall_of_the_whole_platform_is_told_from_a_leap(editor: Client) -> None:
    fallen(3)
    leapt()
    page = text_of(editor.get(URL))
    assert page.count("The platform fell: 3 accounts together −30.0 %") == 3
    assert page.count("A leap") == 1


def test_what_nothing_speaks_against_any_more_says_so(editor: Client) -> None:
    row = leapt()
    Snapshot.objects.filter(account=row.account, quality=Quality.PUBLISHED).update(followers=89_900)
    assert "neither a leap nor part of a fall" in text_of(editor.get(URL))


def test_a_reading_set_aside_is_compared_with_its_own_day(editor: Client) -> None:
    account = factories.account("x", "aside")
    at = clock.now() - dt.timedelta(minutes=1)
    record([Sighting(account.pk, TODAY, at, "observed", followers=1_000)])
    seen([account], 90_000)
    (found,) = editor.get(URL).context["suspects"]
    assert (found.before, found.followers, found.before_on, found.why) == (1_000, 90_000, TODAY, "leap")


@pytest.mark.parametrize(
    ("later", "said"),
    [(0, "second look from"), (1, "second look due since"), (8 * 24, "too old to be confirmed by a reading")],
)
def test_a_figure_says_when_a_second_look_confirms_it(editor: Client, later: int, said: str) -> None:
    leapt()
    with clock.shifted(dt.timedelta(hours=later)):
        assert said in text_of(editor.get(URL))


def test_one_figure_is_accepted_at_once_and_can_be_undone(editor: Client) -> None:
    row = leapt("cdcgov")
    page = post(editor, row)
    assert "1 figure accepted." in text_of(page)
    assert "Your last decisions Accepted cdcgov" in text_of(page)
    row.refresh_from_db()
    assert row.quality == Quality.PUBLISHED
    (decision,) = page.context["decisions"]
    undone = editor.post(f"/figures/suspect/undo/{decision.pk}/", follow=True)
    assert "1 figure waits again." in text_of(undone)
    row.refresh_from_db()
    assert row.quality == Quality.SUSPECT


def test_a_chosen_set_is_shown_before_it_is_judged(editor: Client) -> None:
    first, second, third = leapt(), leapt(), leapt()
    preview = post(editor, first, second, verdict="reject")
    assert "Reject 2 figures?" in text_of(preview)
    assert "second look from" in text_of(preview)
    assert Snapshot.objects.to_judge().count() == 3
    assert "2 figures rejected." in text_of(post(editor, first, second, verdict="reject", sure="1"))
    assert list(Snapshot.objects.to_judge()) == [third]


def test_a_platforms_day_is_judged_as_it_was_shown(editor: Client) -> None:
    rows, other = fallen(3), leapt()
    body = {"platform": "youtube", "day": TODAY.isoformat(), "until": clock.now().isoformat(), "verdict": "accept"}
    preview = editor.post(JUDGE, body)
    (effect,) = preview.context["previews"]
    assert (effect.figures, effect.before, effect.after, effect.change) == (3, 3_000, 2_100, -900)
    with clock.shifted(dt.timedelta(minutes=5)):
        late = factories.account("youtube")
        seen([late], 1_000, back=1)
        seen([late], 90_000)
        assert "3 figures accepted." in text_of(editor.post(JUDGE, body | {"sure": "1"}, follow=True))
    assert set(Snapshot.objects.to_judge()) == {other, Snapshot.objects.get(account=late, date=TODAY)}
    assert {Snapshot.objects.get(pk=row.pk).quality for row in rows} == {Quality.PUBLISHED}


def test_whoever_comes_second_hears_who_came_first(editor: Client) -> None:
    row = leapt()
    other = Client()
    other.force_login(factories.user("editor", first_name="Silva"))
    post(other, row, verdict="reject")
    assert "Nothing was changed. Silva rejected this figure meanwhile." in text_of(post(editor, row))


def test_a_script_is_told_what_came_of_it(editor: Client) -> None:
    row = leapt()
    ticket = {"figure": str(Ticket.of(row)), "verdict": "accept"}
    done = editor.post(JUDGE, ticket, headers={"accept": "application/json"})
    assert done.json()["message"] == "1 figure accepted."
    assert editor.post(done.json()["undo"]).status_code == 302
    post(editor, row, verdict="reject")
    late = editor.post(JUDGE, ticket, headers={"accept": "application/json"})
    assert (late.status_code, late.json()["undo"]) == (409, "")


def test_another_persons_decision_is_not_there_to_undo(editor: Client) -> None:
    page = post(editor, leapt())
    other = Client()
    other.force_login(factories.user("editor"))
    assert other.post(f"/figures/suspect/undo/{page.context['decisions'][0].pk}/").status_code == 404


def test_viewers_look_and_decide_nothing(client: Client) -> None:
    row = leapt()
    client.force_login(factories.user("viewer"))
    assert "Accept" not in text_of(client.get(URL))
    assert post(client, row).status_code == 403


@pytest.mark.parametrize("query", ["platform=x", f"day={TODAY}", "account={account}"])
def test_the_list_is_narrowed(editor: Client, query: str) -> None:
    row = leapt()
    late = leapt(platform="youtube")
    Snapshot.objects.filter(pk=late.pk).update(date=TODAY - dt.timedelta(days=2))
    found = editor.get(f"{URL}?{query.format(account=row.account_id)}").context["suspects"]
    assert [suspect.row for suspect in found] == [row]


@pytest.mark.parametrize("query", ["platform=%00", "platform=nowhere", "day=never"])
def test_the_api_refuses_a_filter_it_cannot_mean(viewer: Any, query: str) -> None:
    assert viewer.get(f"{API}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["platform=%00", "day=never", "account=²", "page=0", "after=forged"])
def test_a_forged_address_is_no_error(editor: Client, query: str) -> None:
    assert editor.get(f"{URL}?{query}").status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"figure": "junk"}, {"platform": "myspace", "day": "2026-01-01"}, {"platform": "x", "day": "never"}],
)
def test_a_form_that_names_nothing_changes_nothing(editor: Client, body: dict[str, str]) -> None:
    leapt()
    assert "Choose at least one figure" in text_of(editor.post(JUDGE, body | {"verdict": "accept"}, follow=True))
    assert editor.post(JUDGE, body | {"verdict": "perhaps"}).status_code == 404
    assert Snapshot.objects.to_judge().count() == 1


@pytest.mark.req("A24")
def test_queries_do_not_grow_with_what_waits(editor: Client, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    fallen(3), leapt()
    editor.get(URL)
    with CaptureQueriesContext(connection) as few:
        editor.get(URL)
    fallen(12, "flickr"), [leapt() for _ in range(5)]
    with django_assert_num_queries(len(few)):
        editor.get(URL)


def test_overview_and_account_lead_to_what_waits(editor: Client) -> None:
    row = leapt("cdcgov")
    assert "1 suspect figure" in text_of(editor.get("/"))
    page = editor.get("/accounts/x/cdcgov/")
    assert f'href="{URL}?account={row.account_id}"' in page.content.decode()
    assert "1 suspect figure of this account waits" in text_of(page)


def test_the_api_lists_judges_and_takes_back(editor: Client) -> None:
    row = leapt("cdcgov")
    (shown,) = editor.get(API).json()["data"]
    assert (shown["handle"], shown["before"], shown["followers"], shown["why"]) == ("cdcgov", 1_000, 90_000, "leap")
    body = {"verdict": "accept", "tickets": [shown["ticket"]]}
    done = editor.post(f"{API}/judge", body, content_type="application/json").json()
    assert (done["changed"], done["conflicts"]) == (1, [])
    late = editor.post(f"{API}/judge", body, content_type="application/json").json()
    assert late == {"judgement": None, "changed": 0, "conflicts": [row.pk]}
    undo = f"/api/judgements/{done['judgement']}/undo"
    assert editor.post(undo).json() == {"restored": 1, "kept": 0}
    assert editor.post(undo).status_code == 409


@pytest.mark.parametrize("body", [{"verdict": "accept", "tickets": ["junk"]}, {"verdict": "accept", "tickets": []}])
def test_the_api_refuses_forged_tickets(editor: Client, body: dict[str, Any]) -> None:
    assert editor.post(f"{API}/judge", body, content_type="application/json").status_code == 400
