"""GitHub: a user by login and by durable id, and both kinds of limit; written by hand from its REST reference."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from perf import clock
from scraping.connectors.base import Elsewhere, Missing, Reading, Target, Trouble, Window
from scraping.connectors.github import GitHub
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = GitHub()
USER = {
    "login": "CDCgov",
    "id": 7_041_170,
    "type": "Organization",
    "name": "Centers for Disease Control",
    "blog": "https://open.cdc.gov/",
    "bio": "Health",
    "avatar_url": "https://avatars.example/u/1",
    "public_repos": 1_000,
    "followers": 1_234,
    "following": 5,
    "created_at": "2014-03-24T12:00:00Z",
}
KNOWN = Target(1, "CDCgov", external_id="7041170")


def test_user_is_read_with_figures_and_facts():
    assert read(CONNECTOR, ["cdcgov"], USER)["cdcgov"] == Reading(
        followers=1_234,
        following=5,
        external_id="7041170",
        handle="CDCgov",
        display_name="Centers for Disease Control",
        bio="Health",
        bio_link="https://open.cdc.gov/",
        image_url="https://avatars.example/u/1",
        opened_on=date(2014, 3, 24),
    )


@pytest.mark.parametrize("count", [None, True, -1, "1.2k", 1.0, []])
def test_missing_count_is_unparsable_never_zero(count):
    assert read(CONNECTOR, ["CDCgov"], USER | {"followers": count}) == {"CDCgov": Missing.UNPARSABLE}


def test_login_is_asked_for_first_and_the_id_ever_after():
    by_login = CONNECTOR.request(batch_of(CONNECTOR, "CDCgov"), "secret")
    by_id = CONNECTOR.request(batch_of(CONNECTOR, KNOWN), "secret")
    assert by_login.url == "https://api.github.com/users/CDCgov"
    assert by_id.url == "https://api.github.com/user/7041170"
    assert by_id.headers["Authorization"] == "Bearer secret"
    assert by_id.headers["X-GitHub-Api-Version"] == "2022-11-28"
    assert "If-None-Match" not in by_id.headers


def test_durable_id_survives_a_rename():
    answer = read(CONNECTOR, [KNOWN], USER | {"login": "CDC-new"})["CDCgov"]
    assert (answer.followers, answer.handle, answer.external_id) == (1_234, "CDC-new", "7041170")


def test_another_login_than_asked_for_is_unparsable():
    assert read(CONNECTOR, ["cdcgov"], USER | {"login": "somebody"}) == {"cdcgov": Missing.UNPARSABLE}


def test_id_that_is_gone_is_asked_for_by_login_which_may_be_anothers():
    gone = {"message": "Not Found"}
    assert read(CONNECTOR, [KNOWN], gone, 404) == {"CDCgov": Elsewhere("login")}
    again = CONNECTOR.again(KNOWN, Elsewhere("login"))
    assert read(CONNECTOR, [again], USER | {"id": 9}) == {"CDCgov": Missing.REASSIGNED}
    assert read(CONNECTOR, [again], gone, 404) == {"CDCgov": Missing.NOT_FOUND}


def test_limits_depend_on_the_token():
    assert CONNECTOR.windows_for("") == (Window(calls=60, seconds=3600),)
    assert CONNECTOR.windows_for("t") == (Window(calls=5_000, seconds=3600), Window(calls=900, seconds=60))
    assert "Authorization" not in CONNECTOR.request(batch_of(CONNECTOR, "a"), "").headers


PRIMARY = {"message": "API rate limit exceeded for user ID 1."}
SECONDARY = {"message": "You have exceeded a secondary rate limit."}


def in_seconds(seconds):
    return str(int((clock.now() + timedelta(seconds=seconds)).timestamp()))


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("body", "headers", "wait"),
    [
        (PRIMARY, {"x_ratelimit_remaining": "0", "x_ratelimit_reset": 1_800}, 1_800),
        (SECONDARY, {"retry_after": "90", "x_ratelimit_remaining": "4000"}, 90),
        (SECONDARY, {"x_ratelimit_remaining": "4000", "x_ratelimit_reset": 1_800}, 60),
        (SECONDARY, {}, 60),
        ({"message": "wait"}, {"retry_after": "5"}, 5),
        (b"<html>too fast</html>", {"x_ratelimit_remaining": "0", "x_ratelimit_reset": 999_999}, 86_400),
    ],
)
def test_both_kinds_of_limit_come_as_403_or_429(status, body, headers, wait):
    named = {name: in_seconds(value) if name.endswith("reset") else value for name, value in headers.items()}
    failed = trouble(read, CONNECTOR, ["CDCgov"], body, status, **named)
    assert (failed.trouble, failed.retry_after) == (Trouble.RATE_LIMITED, pytest.approx(wait, abs=2))


@pytest.mark.parametrize(
    ("status", "expected"), [(401, Trouble.DEAD_TOKEN), (403, Trouble.REFUSED), (502, Trouble.SERVER_ERROR)]
)
def test_failed_call_is_named(status, expected):
    assert trouble(read, CONNECTOR, ["CDCgov"], {"message": "Forbidden"}, status).trouble == expected


@pytest.mark.parametrize(("body", "answer"), [(b"<html>", Missing.BLOCKED), (b"[", Missing.UNPARSABLE)])
def test_body_that_is_no_answer_is_named(body, answer):
    assert read(CONNECTOR, ["CDCgov"], body) == {"CDCgov": answer}


def test_reset_is_in_epoch_seconds():
    quota = CONNECTOR.quota(response(x_ratelimit_remaining="4999", x_ratelimit_reset=in_seconds(600)))
    assert (quota.remaining, quota.reset_seconds) == (4_999, pytest.approx(600, abs=2))


@pytest.mark.parametrize("name", ["-a", "a-", "a--b", "a_b", "a/b", "ü", "a" * 40, ""])
def test_name_outside_the_grammar_is_never_asked(name):
    assert CONNECTOR.at_once(Target(1, name)) == Missing.NOT_FOUND
    assert "hyphens" in CONNECTOR.advice(Target(1, name), Missing.NOT_FOUND)


# --- Through the fake -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("not_found", Missing.NOT_FOUND),
        ("suspended", Missing.NOT_FOUND),
        ("renamed", Missing.NOT_FOUND),
        ("hidden", Missing.UNPARSABLE),
        ("rounded", Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, answer):
    fakes.fault(fault, "github", "bad")
    answers = ask("github", "good", "bad")
    truth = curves.figures("github", "good", clock.today())
    assert (answers["good"].followers, answers["good"].following) == (truth["followers"], truth["following"])
    assert answers["bad"] == answer


def test_renamed_account_keeps_its_figures_under_its_id(fakes):
    before = ask("github", "cdcgov")["cdcgov"]
    fakes.fault("renamed", "github", "cdcgov")
    after = ask("github", Target(1, "cdcgov", before.external_id))["cdcgov"]
    assert (after.followers, after.handle) == (before.followers, "moved-cdcgov")


def test_login_of_a_gone_account_that_is_anothers_is_reassigned(fakes):
    fakes.fault("missing", "github", "123456")
    assert ask("github", Target(1, "cdcgov", "123456")) == {"cdcgov": Missing.REASSIGNED}


def test_without_a_token_the_smaller_limit_counts(fakes, settings):
    settings.PLATFORM_TOKENS = {}
    ask("github", "cdcgov")
    assert [row["window"]["calls"] for row in fakes.served("github")] == [60]
