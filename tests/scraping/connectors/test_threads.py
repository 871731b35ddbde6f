"""Threads: both shapes of profile_lookup and its errors, written by hand from Meta's reference."""

from __future__ import annotations

import pytest

from perf import clock
from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.connectors.threads import Threads
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = Threads()
PROFILE = {
    "username": "potus",
    "name": "The President",
    "profile_picture_url": "https://cdn.example/p.jpg",
    "biography": "Official",
    "is_verified": True,
    "follower_count": 3_456_789,
    "likes_count": 100,
    "quotes_count": 20,
    "reposts_count": 30,
    "views_count": 400_000,
}
BOTH_SHAPES = pytest.mark.parametrize("shape", [lambda p: p, lambda p: {"data": [p]}], ids=["top level", "data[0]"])


def error(code, message="m"):
    return {"error": {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A"}}


@BOTH_SHAPES
def test_profile_is_read_without_the_counts_of_one_week(shape):
    assert read(CONNECTOR, ["POTUS"], shape(PROFILE))["POTUS"] == Reading(
        followers=3_456_789,
        handle="potus",
        display_name="The President",
        bio="Official",
        image_url="https://cdn.example/p.jpg",
        verified="verified",
    )


@BOTH_SHAPES
@pytest.mark.parametrize("changed", [{"follower_count": None}, {"follower_count": "3.4M"}, {"username": "else"}])
def test_profile_without_a_count_is_unparsable_never_zero(shape, changed):
    assert read(CONNECTOR, ["potus"], shape(PROFILE | changed)) == {"potus": Missing.UNPARSABLE}


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (400, error(24), Missing.NOT_FOUND),
        (400, error(100), Missing.NOT_FOUND),
        (404, error(2500), Missing.NOT_FOUND),
        (200, {"data": []}, Missing.NOT_FOUND),
        (403, error(10), Missing.BLOCKED),
        (400, error(200), Missing.BLOCKED),
        (200, b"<html>wall</html>", Missing.BLOCKED),
        (200, b"{", Missing.UNPARSABLE),
        (200, {}, Missing.UNPARSABLE),
    ],
)
def test_profile_that_is_not_shown_has_a_reason(status, body, answer):
    assert read(CONNECTOR, ["potus"], body, status) == {"potus": answer}


def test_reasons_say_what_to_do():
    assert "100 followers" in CONNECTOR.advice(Target(1, "potus"), Missing.NOT_FOUND)
    assert "threads_profile_discovery" in CONNECTOR.advice(Target(1, "potus"), Missing.BLOCKED)
    assert "letters" in CONNECTOR.advice(Target(1, "a b"), Missing.NOT_FOUND)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error(4), Trouble.RATE_LIMITED),
        (400, error(613), Trouble.RATE_LIMITED),
        (429, {}, Trouble.RATE_LIMITED),
        (401, error(190), Trouble.DEAD_TOKEN),
        (400, error(190), Trouble.DEAD_TOKEN),
        (401, {}, Trouble.DEAD_TOKEN),
        (500, error(2), Trouble.SERVER_ERROR),
        (503, {}, Trouble.SERVER_ERROR),
        (400, error(12), Trouble.REFUSED),
    ],
)
def test_failed_call_is_named(status, body, expected):
    assert trouble(read, CONNECTOR, ["potus"], body, status).trouble == expected


def test_refusal_says_how_long_to_wait():
    assert trouble(read, CONNECTOR, ["potus"], error(4), 400, retry_after="90").retry_after == 90
    assert CONNECTOR.quota(response(retry_after="90")).retry_after == 90


def test_token_travels_in_a_header():
    request = CONNECTOR.request(batch_of(CONNECTOR, "@potus"), "secret")
    assert (request.url, request.params) == ("https://graph.threads.com/v1.0/profile_lookup", (("username", "potus"),))
    assert request.headers == {"Authorization": "Bearer secret"}


@pytest.mark.parametrize("name", ["a b", "a-b", "x" * 31, "ü", "a/b", ""])
def test_name_outside_the_grammar_is_never_asked(name):
    assert CONNECTOR.at_once(Target(1, name)) == Missing.NOT_FOUND


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("not_found", Missing.NOT_FOUND),
        ("suspended", Missing.NOT_FOUND),
        ("renamed", Missing.NOT_FOUND),
        ("unsupported", Missing.NOT_FOUND),
        ("forbidden", Missing.BLOCKED),
        ("hidden", Missing.UNPARSABLE),
        ("rounded", Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, answer):
    fakes.fault(fault, "threads", "bad")
    names = [f"good{n}" for n in range(4)]  # among them profiles of both shapes
    answers = ask("threads", "bad", *names)
    assert answers.pop("bad") == answer
    truths = {name: curves.figures("threads", name, clock.today())["followers"] for name in names}
    assert {name: one.followers for name, one in answers.items()} == truths
    assert [row["window"] for row in fakes.served("threads")] == [
        {"calls": 1_000, "seconds": 86_400, "kind": "rolling", "zone": "UTC"}
    ]
