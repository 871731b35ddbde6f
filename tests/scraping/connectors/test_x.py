"""X: shapes of GET /2/users/by, written by hand from its OpenAPI description."""

from __future__ import annotations

from datetime import date

import pytest

from perf import clock
from scraping.connectors.base import Elsewhere, Missing, Reading, Target, Trouble
from scraping.connectors.x import X
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = X()
USER = {
    "id": "44783853",
    "name": "HHS.gov",
    "username": "HHSGov",
    "description": "News",
    "url": "https://t.co/abc",
    "verified_type": "government",
    "created_at": "2009-06-05T01:02:03.000Z",
    "profile_image_url": "https://pbs.example/a.jpg",
    "public_metrics": {"followers_count": 1_036_000, "following_count": 251, "tweet_count": 28_000, "listed_count": 9},
}


def absent(name, title, detail):
    return {"value": name, "title": title, "detail": detail, "resource_type": "user", "parameter": "usernames"}


def test_user_is_read_with_figures_and_facts():
    assert read(CONNECTOR, ["hhsgov"], {"data": [USER]})["hhsgov"] == Reading(
        followers=1_036_000,
        following=251,
        posts=28_000,
        listed=9,
        external_id="44783853",
        handle="HHSGov",
        display_name="HHS.gov",
        bio="News",
        bio_link="https://t.co/abc",
        image_url="https://pbs.example/a.jpg",
        verified="gov",
        opened_on=date(2009, 6, 5),
    )


def test_newer_name_of_the_post_count_is_read():
    user = USER | {"public_metrics": {"followers_count": 5, "post_count": 7}}
    assert read(CONNECTOR, ["HHSGov"], {"data": [user]})["HHSGov"].posts == 7


def test_partial_failure_answers_for_everyone():
    body = {
        "data": [USER],
        "errors": [
            absent("gone", "Not Found Error", "Could not find user with usernames: [gone]."),
            absent("Banned", "Forbidden", "User has been suspended: [Banned]."),
        ],
    }
    answers = read(CONNECTOR, ["banned", "silent", "HHSGov", "gone"], body)
    assert answers.pop("HHSGov").followers == 1_036_000
    assert answers == {"banned": Missing.SUSPENDED, "gone": Missing.NOT_FOUND, "silent": Missing.FROM_BATCH}


def test_known_user_is_asked_for_by_id_and_found_under_a_new_name():
    target = Target(1, "OldName", external_id="44783853")
    request = CONNECTOR.request(batch_of(CONNECTOR, target), "secret")
    assert (request.url, dict(request.params)["ids"]) == ("https://api.x.com/2/users", "44783853")
    assert read(CONNECTOR, [target], {"data": [USER]})["OldName"].handle == "HHSGov"


def test_id_that_x_no_longer_knows_is_asked_for_by_name():
    target = Target(1, "HHSGov", external_id="1")
    gone = absent("1", "Not Found Error", "Could not find user with ids: [1].")
    answer = read(CONNECTOR, [target], {"errors": [gone]})["HHSGov"]
    assert answer == Elsewhere("names")
    assert CONNECTOR.request(batch_of(CONNECTOR, CONNECTOR.again(target, answer)), "t").url.endswith("/2/users/by")


def test_suspended_id_is_not_asked_for_again():
    body = {"errors": [absent("1", "Forbidden", "User has been suspended: [1].")]}
    assert read(CONNECTOR, [Target(1, "HHSGov", external_id="1")], body) == {"HHSGov": Missing.SUSPENDED}


def test_users_by_id_and_by_name_never_share_a_call():
    targets = [Target(n, f"user{n}", external_id=str(n) if n % 2 else "") for n in range(1, 205)]
    assert [(batch.step, len(batch.targets)) for batch in CONNECTOR.batches(targets)] == [
        ("ids", 100), ("ids", 2), ("names", 100), ("names", 2),
    ]  # fmt: skip


def test_refused_call_names_the_value_at_fault_and_asks_for_the_others_again():
    message = "The `usernames` query parameter value [bad] does not match ^[A-Za-z0-9_]{1,15}$"
    body = {"errors": [{"parameters": {"usernames": ["good,Bad"]}, "message": message}], "title": "Invalid Request"}
    assert read(CONNECTOR, ["good", "Bad"], body, 400) == {"good": Elsewhere("names"), "Bad": Missing.NOT_FOUND}


@pytest.mark.parametrize("message", ["", "value [other] is invalid", "value [good,Bad] is invalid", None])
def test_refused_call_that_names_nobody_is_refused_whole(message):
    assert trouble(read, CONNECTOR, ["good", "Bad"], {"errors": [{"message": message}]}, 400).trouble == Trouble.REFUSED


@pytest.mark.parametrize("metrics", [None, {}, {"followers_count": True}, {"followers_count": "1.2M"}, []])
def test_user_without_a_count_is_unparsable_not_zero(metrics):
    assert read(CONNECTOR, ["HHSGov"], {"data": [USER | {"public_metrics": metrics}]}) == {"HHSGov": Missing.UNPARSABLE}


def test_zero_followers_are_zero():
    user = USER | {"public_metrics": {"followers_count": 0}}
    answer = read(CONNECTOR, ["HHSGov"], {"data": [user]})["HHSGov"]
    assert (answer.followers, answer.following) == (0, None)


def test_handle_taken_over_by_another_id_is_reassigned():
    target = Target(1, "HHSGov", external_id="1", step="names")
    assert read(CONNECTOR, [target], {"data": [USER]}) == {"HHSGov": Missing.REASSIGNED}


@pytest.mark.parametrize("name", ["has space", "sixteen_letters_", "dash-ed", "a,b", "", "ü"])
def test_illegal_name_never_joins_a_call(name):
    illegal, legal = Target(1, name), Target(2, "HHSGov")
    assert CONNECTOR.at_once(illegal) == Missing.NOT_FOUND
    assert "letters" in CONNECTOR.advice(illegal, Missing.NOT_FOUND)
    assert [batch.targets for batch in CONNECTOR.batches([illegal, legal])] == [(legal,)]


def test_hundred_users_travel_in_one_call_and_are_paid_for():
    targets = [Target(n, f"user{n}") for n in range(101)]
    first, second = CONNECTOR.batches(targets)
    request = CONNECTOR.request(first, "secret")
    assert (len(first.targets), len(second.targets), request.cost) == (100, 1, 1)
    assert request.dollars == pytest.approx(1.0)
    assert dict(request.params)["usernames"].count(",") == 99
    assert "secret" not in request.url


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (402, "https://api.twitter.com/2/problems/credits", Trouble.NO_CREDITS),
        (429, "https://api.twitter.com/2/problems/usage-capped", Trouble.NO_CREDITS),
        (429, "about:blank", Trouble.RATE_LIMITED),
        (401, "about:blank", Trouble.DEAD_TOKEN),
        (503, "about:blank", Trouble.SERVER_ERROR),
        (403, "about:blank", Trouble.REFUSED),
    ],
)
def test_failed_call_is_named(status, kind, expected):
    failed = trouble(read, CONNECTOR, ["HHSGov"], {"type": kind, "title": "t", "detail": "d"}, status)
    assert failed.trouble == expected


def test_quota_counts_seconds_from_an_epoch():
    reset = int(clock.now().timestamp()) + 600
    quota = CONNECTOR.quota(response(x_rate_limit_remaining="17", x_rate_limit_reset=str(reset)))
    assert quota.remaining == 17
    assert quota.reset_seconds == pytest.approx(600, abs=3)


def test_quota_of_garbage_headers_is_unknown():
    quota = CONNECTOR.quota(response(x_rate_limit_remaining="-1", x_rate_limit_reset="NaN", retry_after="soon"))
    assert (quota.remaining, quota.reset_seconds, quota.retry_after) == (None, None, None)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("suspended", Missing.SUSPENDED),
        ("missing", Missing.FROM_BATCH),
        ("renamed", Missing.NOT_FOUND),
        ("hidden", Missing.UNPARSABLE),
        ("rounded", Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, answer):
    fakes.fault(fault, "x", "bad")
    answers = ask("x", "good", "bad", "nosuch1")
    assert answers["bad"] == answer
    assert answers["nosuch1"] == Missing.NOT_FOUND
    assert answers["good"].followers > 0


def test_batch_has_the_handles_in_order():
    assert batch_of(CONNECTOR, "b", "a").handles == ("b", "a")


def test_renamed_user_is_found_in_one_call_and_paid_for_once(fakes):
    known = ask("x", "a")["a"]
    fakes.fault("renamed", "x", "a")
    found = ask("x", Target(1, "a", known.external_id))["a"]
    assert (found.followers, found.external_id, found.handle) == (known.followers, known.external_id, "a_new")
    assert fakes.served("x")[0]["calls"] == 2


def test_name_that_somebody_else_took_over_is_reassigned(fakes):
    known = ask("x", "a")["a"]
    fakes.fault("reassigned", "x", "a")
    assert ask("x", Target(1, "a", known.external_id)) == {"a": Missing.REASSIGNED}


def test_used_up_credits_are_named(fakes):
    fakes.set(budgets={"x": 0.02})
    ask("x", "a", "b")
    assert trouble(ask, "x", "c").trouble == Trouble.NO_CREDITS
