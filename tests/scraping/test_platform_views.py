"""Pages and API of one platform, of late accounts and of accounts on hold; trying one account again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import clock
from project.models import AuditEntry
from scraping.board import Ends
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, ScrapeJob, ScrapeRun
from tests import factories
from tests.scraping.test_views import INLINE, end, run_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _credentials(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {"x": "token", "youtube": "key"}
    settings.X_MONTHLY_BUDGET_USD = 100


@pytest.fixture
def editor(client: Client) -> Client:
    client.force_login(factories.user("editor"))
    return client


def paused(why: str = "dead_token", platform: str = "x") -> None:
    until = clock.now() + timedelta(minutes=5)
    PlatformState.objects.create(platform=platform, paused_until=until, why=why, pauses=2)


def failed(account: Account, outcome: str = "timeout") -> ScrapeJob:
    """The job of `account`, ended by one bad try."""
    job: ScrapeJob = end(run_of(account), account, JobState.DEAD, outcome)
    Attempt.objects.create(
        job=job, account=account, platform=account.platform, step="read", started_at=clock.now(), seconds=1.5,
        outcome=outcome, worker="w",
    )  # fmt: skip
    return job


# --- One platform -----------------------------------------------------------------------------------


def test_a_platform_shows_windows_money_pace_pauses_and_failures(editor: Client) -> None:
    failed(factories.account("x", "cdcgov"))
    now = clock.now()
    PermitBlock.objects.create(
        platform="x", calls=10, returned=4, dollars="1.25", granted_at=now, settled_at=now, expires_at=now
    )
    paused()
    response = editor.get("/scraping/platforms/x/")
    page = text_of(response)
    for words in (
        "$1.25",
        "of $100.00",
        "1.50 s",
        "The credential is no longer accepted",
        "cdcgov",
        "No answer in time",
    ):
        assert words in page
    assert {quota.used for quota in response.context["detail"].quotas} == {6}
    assert "Set a new X_TOKEN" in page


def test_a_pause_is_ended_by_hand_and_audited(editor: Client) -> None:
    paused()
    factories.account("x")
    assert "Resume" in text_of(editor.get("/scraping/"))
    page = editor.post("/scraping/platforms/x/resume/", follow=True)
    assert "X goes on" in text_of(page)
    assert not PlatformState.objects.paused().exists()
    assert AuditEntry.objects.filter(action="scraping.end_pause", target="x").exists()


def test_an_unknown_platform_has_no_page(editor: Client) -> None:
    assert editor.get("/scraping/platforms/myspace/").status_code == 404
    assert editor.post("/scraping/platforms/myspace/resume/").status_code == 404


def test_a_failure_that_was_made_good_says_so(editor: Client) -> None:
    job = failed(factories.account("x"))
    ScrapeJob.objects.filter(pk=job.pk).update(state=JobState.DONE, outcome="ok")
    page = text_of(editor.get("/scraping/platforms/x/"))
    assert "stored since" in page
    assert "Retry" not in page


# --- Trying one account again -----------------------------------------------------------------------


def test_a_failed_account_is_tried_again_now_and_leads_back(editor: Client) -> None:
    job = failed(factories.account("x", "cdcgov"))
    answer = editor.post(f"/scraping/jobs/{job.pk}/retry/", {"here": "/scraping/platforms/x/"})
    assert answer["Location"] == "/scraping/platforms/x/"
    again = ScrapeJob.objects.open().get()
    assert (again.account, again.rank) == (job.account, 0)


def test_a_waiting_account_is_moved_to_the_front(editor: Client) -> None:
    account = factories.account("x")
    run_of(account)
    later = clock.now() + timedelta(hours=3)
    ScrapeJob.objects.update(rank=4, due_at=later, order_at=later, outcome="timeout")
    editor.post(f"/scraping/jobs/{ScrapeJob.objects.get().pk}/retry/")
    job = ScrapeJob.objects.get()
    assert (job.rank, job.due_at < later, job.outcome) == (0, True, "")


@pytest.mark.parametrize("here", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_a_forged_way_back_leads_to_the_runs(editor: Client, here: str) -> None:
    job = failed(factories.account("x"))
    assert editor.post(f"/scraping/jobs/{job.pk}/retry/", {"here": here})["Location"] == "/scraping/"


def test_an_open_runs_rows_say_their_priority_and_those_without_a_figure_offer_another_try(editor: Client) -> None:
    over, waiting = factories.account("x", "cdcgov"), factories.account("x")
    run = run_of(over, waiting)
    end(run, over, JobState.FAILED, "timeout")
    page = editor.get(f"/scraping/runs/{run.pk}/")
    assert "Try cdcgov again" in page.content.decode()
    assert text_of(page).count(ScrapeJob.objects.get(account=waiting).rank_reason) == 1


def test_a_runs_ends_tell_figures_from_answers_without_one(editor: Client) -> None:
    counted, silent, skipped, stopped = (factories.account("x") for _ in range(4))
    run = run_of(counted, silent, skipped, stopped)
    end(run, counted, JobState.DONE, "ok")
    end(run, silent, JobState.DONE, "unsupported_profile")
    end(run, skipped, JobState.CANCELLED, "skipped")
    end(run, stopped, JobState.CANCELLED, "")
    assert editor.get(f"/scraping/runs/{run.pk}/").context["ends"] == Ends(figures=1, without=2, cancelled=1)


@pytest.mark.parametrize("page", ["", "late/", "capacity/", "metrics/", "alerts/", "samples/"])
def test_every_page_about_gathering_leads_to_the_others_and_says_which_it_is(editor: Client, page: str) -> None:
    html = editor.get(f"/scraping/{page}").content.decode()
    menu = html.split('aria-label="Scraping"')[1].split("</nav>")[0]
    assert menu.count("<a ") == 6
    assert f'href="/scraping/{page}" aria-current="page"' in menu


def test_a_run_says_what_went_on_elsewhere_and_who_was_left_out(editor: Client) -> None:
    run = run_of(factories.account("x"))
    ScrapeRun.objects.filter(pk=run.pk).update(moved=3, left_out=2)
    page = text_of(editor.get(f"/scraping/runs/{run.pk}/"))
    assert "Went on in another run 3" in page
    assert "On hold, left out 2" in page


def test_what_a_fast_run_skipped_is_listed_and_asked_for_again(editor: Client) -> None:
    account = factories.account("x", "cdcgov")
    run = run_of(account)
    end(run, account, JobState.CANCELLED, "skipped")
    assert "X: Skipped: it would have had to wait" in text_of(editor.get(f"/scraping/runs/{run.pk}/"))
    editor.post(f"/scraping/runs/{run.pk}/retry/", {"platform": "x", "outcome": "skipped"})
    assert ScrapeJob.objects.open().get().account == account


# --- Starting a part -----------------------------------------------------------------------------------


def test_the_form_explains_every_mode(editor: Client) -> None:
    factories.account("x")
    page = text_of(editor.get("/scraping/new/"))
    for words in ("Waits as long as it takes", "Skips what would wait longer than a minute", "Five accounts"):
        assert words in page


@pytest.mark.parametrize(("mode", "kept"), [("fast", "fast"), ("demo", "demo"), ("", "full"), ("junk", "full")])
def test_a_run_is_started_in_the_mode_asked_for(editor: Client, mode: str, kept: str) -> None:
    factories.account("x")
    editor.post("/scraping/start/", {"scope": "all", "mode": mode})
    assert ScrapeRun.objects.get().mode == kept


@pytest.mark.parametrize(
    ("names", "said"), [(" \n", "No account is named"), ("x/CDCgov\n" * 1_001, "1,001 accounts are named")]
)
def test_no_names_or_too_many_start_nothing_and_keep_the_form(editor: Client, names: str, said: str) -> None:
    factories.account("x", "CDCgov")
    page = editor.post("/scraping/start/", {"scope": "accounts", "accounts": names})
    assert said in text_of(page)
    assert not ScrapeRun.objects.exists()


def test_chosen_accounts_are_written_one_a_line(editor: Client) -> None:
    for name in ("CDCgov", "NIH", "other"):
        factories.account("x", name)
    editor.post("/scraping/start/", {"scope": "accounts", "accounts": "twitter/cdcgov\nx/NIH\n"})
    assert set(ScrapeJob.objects.values_list("account__handle", flat=True)) == {"CDCgov", "NIH"}


@pytest.mark.parametrize("name", ["x/nobody", "myspace/tom", "nonsense", "x/\x00"])
def test_an_unknown_name_is_told_and_the_form_kept(editor: Client, name: str) -> None:
    factories.account("x", "CDCgov")
    asked = {"scope": "accounts", "accounts": f"x/cdcgov {name}", "mode": "fast"}
    answer = editor.post("/scraping/start/", asked)
    assert "There is no account" in text_of(answer)
    assert "x/cdcgov" in answer.content.decode()
    assert not ScrapeRun.objects.exists()


def test_a_runs_page_polls_for_that_run_alone(editor: Client) -> None:
    first, second = run_of(factories.account("x")), run_of(factories.account("x"))
    assert f'hx-get="/scraping/live/?run={first.pk}"' in editor.get(f"/scraping/runs/{first.pk}/").content.decode()
    shown = editor.get(f"/scraping/live/?run={first.pk}").content.decode()
    assert f'id="run-{first.pk}"' in shown
    assert f'id="run-{second.pk}"' not in shown
    assert editor.get("/scraping/live/?run=x")["HX-Trigger"] == "run-ended"


def test_steering_from_a_runs_page_leads_back_to_it(editor: Client) -> None:
    run = run_of(factories.account("x"))
    there = f"/scraping/runs/{run.pk}/"
    assert editor.post(f"{there}steer/", {"action": "pause", "here": there})["Location"] == there


# --- Late accounts and accounts on hold --------------------------------------------------------------


def test_the_board_tells_the_promise_and_leads_to_what_is_late(editor: Client) -> None:
    factories.account("x", "cdcgov", is_core=True)
    page = editor.get("/scraping/")
    assert "/scraping/late/?tier=core" in page.content.decode()
    late = text_of(editor.get("/scraping/late/?tier=core"))
    assert "cdcgov" in late
    assert "Not planned yet" in late


def test_nothing_late_says_so(editor: Client) -> None:
    factories.snapshot(factories.account("x"))
    assert "Nothing is late" in text_of(editor.get("/scraping/late/"))


@pytest.mark.parametrize("query", ["tier=x", "platform=%00", "page=0", "after=forged"])
def test_a_forged_address_of_late_accounts_is_no_error(editor: Client, query: str) -> None:
    assert editor.get(f"/scraping/late/?{query}").status_code == 200


def on_hold() -> Account:
    account = factories.account("x", "cdcgov", external_id="7")
    Account.objects.hold([account.pk], "reassigned")
    factories.snapshot(account)
    return account


@pytest.mark.parametrize("path", ["/scraping/missing/", "/accounts/x/cdcgov/"])
def test_an_account_on_hold_needs_a_look_and_offers_both_answers(editor: Client, path: str) -> None:
    on_hold()
    page = text_of(editor.get(path))
    assert "andle now belongs to somebody else" in page
    assert "It is ours" in page
    assert "Not ours" in page


@pytest.mark.parametrize(("answer", "external_id"), [("ours", ""), ("known", "7")])
def test_the_answer_decides_which_id_counts(editor: Client, answer: str, external_id: str) -> None:
    account = on_hold()
    page = editor.post(f"/accounts/release/{account.pk}/", {"answer": answer}, follow=True)
    assert "is scraped again" in text_of(page)
    account.refresh_from_db()
    assert (account.held, account.external_id) == ("", external_id)
    again = editor.post(f"/accounts/release/{account.pk}/", {"answer": answer}, follow=True)
    assert "not on hold any more" in text_of(again)


def test_an_account_on_hold_offers_no_scrape_that_would_be_refused(editor: Client) -> None:
    account = on_hold()
    path = f"/accounts/{account.platform}/{account.handle}/"
    assert "Scrape now" not in text_of(editor.get(path))
    Account.objects.filter(pk=account.pk).update(held="", held_at=None)
    assert "Scrape now" in text_of(editor.get(path))


def test_an_answer_that_is_none_releases_nothing(editor: Client) -> None:
    account = on_hold()
    assert editor.post(f"/accounts/release/{account.pk}/", {"answer": "maybe"}).status_code == 404
    assert Account.objects.get().held


def test_a_renamed_account_that_needs_a_look_says_its_old_name(editor: Client) -> None:
    account = factories.account("x", "oldname")
    account.rename("newname")
    assert "newname formerly oldname" in text_of(editor.get("/scraping/missing/"))
    assert "Formerly oldname" in text_of(editor.get("/accounts/x/newname/"))


# --- API ----------------------------------------------------------------------------------------------


def test_the_api_tells_how_platforms_are_and_ends_a_pause(editor: Client) -> None:
    failed(factories.account("x"))
    paused()
    (shown,) = editor.get("/api/platforms").json()
    assert (shown["platform"], shown["state"], shown["share"], shown["accounts"]) == ("x", "paused", 0.0, 1)
    assert shown["todo"].startswith("Set a new X_TOKEN")
    assert shown["quota"]["calls"] > 0
    assert editor.post("/api/platforms/x/resume").json()["state"] == "unhealthy"
    assert editor.post("/api/platforms/myspace/resume").status_code == 404


def test_the_api_tries_a_job_again_once_it_has_ended(editor: Client) -> None:
    job = failed(factories.account("x"))
    answer = editor.post(f"/api/jobs/{job.pk}/retry")
    assert answer.status_code == 202
    assert ScrapeRun.objects.filter(pk=answer.json()["run"]).exists()
    assert editor.post(f"/api/jobs/{ScrapeJob.objects.open().get().pk}/retry").status_code == 409
    assert editor.post("/api/jobs/999999/retry").status_code == 404


def test_the_api_tells_the_promise_and_who_is_outside(editor: Client) -> None:
    factories.account("x", "cdcgov", is_core=True)
    promise = editor.get("/api/freshness").json()
    core = {"tier": "core", "hours": 24, "accounts": 1, "inside": 0, "outside": 1}
    assert promise == {"tiers": [core | {"platform": ""}], "platforms": [core | {"platform": "x"}]}
    late = editor.get("/api/freshness/late?tier=core").json()
    (row,) = late["data"]
    assert (row["handle"], row["seen_at"], row["why"]) == ("cdcgov", None, "Not planned yet")
    assert editor.get("/api/freshness/late?tier=none").status_code == 400


@pytest.mark.parametrize("path", ["/scraping/platforms/x/", "/scraping/late/", "/scraping/", "/figures/suspect/"])
def test_no_page_carries_inline_code_or_style(editor: Client, path: str) -> None:
    failed(factories.account("x"))
    paused()
    assert INLINE.findall(editor.get(path).content.decode()) == []


@pytest.mark.req("A24")
@pytest.mark.parametrize("path", ["/scraping/platforms/x/", "/scraping/late/", "/scraping/missing/"])
def test_queries_do_not_grow_with_accounts(editor: Client, django_assert_num_queries: Any, path: str) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    failed(factories.account("x"))
    editor.get(path)
    with CaptureQueriesContext(connection) as few:
        editor.get(path)
    for _ in range(15):
        failed(factories.account("x"))
    with django_assert_num_queries(len(few)):
        assert editor.get(path).status_code == 200
