"""TikTok's API: one token per account, written by hand from its reference for developers."""

from __future__ import annotations

import pytest

from perf import clock
from scraping.connectors import Unavailable, connector_for
from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.connectors.tiktok import TikTok
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = TikTok()
OPEN_ID = "723f24d7-e717-40f8-a2b6-cb8464cd23b4"
USER = {
    "open_id": OPEN_ID,
    "username": "cdcgov",
    "display_name": "CDC",
    "avatar_url": "https://p16.example/a.jpeg",
    "bio_description": "Health",
    "is_verified": True,
    "follower_count": 123_456,
    "following_count": 7,
    "likes_count": 2_000_000,
    "video_count": 310,
}
OK = {"code": "ok", "message": "", "log_id": "L"}
KNOWN = Target(1, "cdcgov", external_id=OPEN_ID)
TOKENS = "cdcgov=act.one!4472.va, @NIH=act.two==\nold.name=act-3"


def answer(**changes):
    return {"data": {"user": USER | changes}, "error": OK}


def refusal(code):
    return {"data": {}, "error": {"code": code, "message": "m", "log_id": "L"}}


def test_user_is_read_with_figures_and_facts():
    assert read(CONNECTOR, ["CDCgov"], answer())["CDCgov"] == Reading(
        followers=123_456,
        following=7,
        likes=2_000_000,
        videos=310,
        external_id=OPEN_ID,
        handle="cdcgov",
        display_name="CDC",
        bio="Health",
        image_url="https://p16.example/a.jpeg",
        verified="verified",
    )


@pytest.mark.parametrize("changed", [{"follower_count": None}, {"follower_count": "123K"}, {"username": None}])
def test_user_without_a_count_or_name_is_unparsable_never_zero(changed):
    assert read(CONNECTOR, ["cdcgov"], answer(**changed)) == {"cdcgov": Missing.UNPARSABLE}
    assert read(CONNECTOR, ["cdcgov"], {"data": {}, "error": OK}) == {"cdcgov": Missing.UNPARSABLE}


def test_each_account_carries_its_own_token():
    keys = [CONNECTOR.key(Target(1, handle), TOKENS) for handle in ("CdcGov", "nih", "old.name", "nobody")]
    assert keys == ["act.one!4472.va", "act.two==", "act-3", None]
    assert CONNECTOR.key(Target(1, "renamed", external_id=OPEN_ID), f"{OPEN_ID.upper()}=act.four") == "act.four"
    request = CONNECTOR.request(batch_of(CONNECTOR, "cdcgov"), "act.one")
    assert request.headers == {"Authorization": "Bearer act.one"}
    assert request.url == "https://open.tiktokapis.com/v2/user/info/"
    assert "follower_count" in dict(request.params)["fields"]


def test_account_without_a_token_is_told_so_and_never_asked():
    nobody = Target(1, "nobody")
    assert CONNECTOR.unasked(nobody, TOKENS) == Missing.WANTS_TOKEN
    assert CONNECTOR.unasked(KNOWN, TOKENS) is None
    assert CONNECTOR.unasked(Target(1, "a b"), TOKENS) == Missing.NOT_FOUND
    assert "nobody=token" in CONNECTOR.advice(nobody, Missing.WANTS_TOKEN)


@pytest.mark.parametrize("credential", ["act.one", "cdcgov=act.one,act.two", "=act", "cdcgov=", "a b=c", ","])
def test_credential_of_another_form_is_refused_in_words_that_hold_no_secret(settings, credential):
    settings.PLATFORM_TOKENS = {"tiktok": credential}
    refused = connector_for("tiktok")
    assert isinstance(refused, Unavailable)
    assert "handle=token" in refused.reason
    assert "act" not in refused.reason


@pytest.mark.parametrize("credential", [TOKENS, "cdcgov=act.one,", " cdcgov=act.one "])
def test_credential_of_the_right_form_is_tried(credential):
    assert CONNECTOR.credential_problem(credential) == ""


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "access_token_invalid"), (401, "scope_not_authorized"), (403, "scope_permission_missed"), (401, "new")],
)
def test_refused_token_is_a_matter_of_its_account_alone(status, code):
    assert read(CONNECTOR, ["cdcgov"], refusal(code), status) == {"cdcgov": Missing.WANTS_TOKEN}


def test_token_of_somebody_else_gives_no_figures():
    assert read(CONNECTOR, ["cdcgov"], answer(username="nih")) == {"cdcgov": Missing.WANTS_TOKEN}
    assert read(CONNECTOR, [KNOWN], answer(username="nih", open_id="other-id")) == {"cdcgov": Missing.WANTS_TOKEN}


def test_renamed_account_is_known_by_its_open_id():
    renamed = read(CONNECTOR, [KNOWN], answer(username="cdc"))["cdcgov"]
    assert (renamed.handle, renamed.followers) == ("cdc", 123_456)


def test_handle_under_another_open_id_is_reassigned():
    assert read(CONNECTOR, [KNOWN], answer(open_id="other-id")) == {"cdcgov": Missing.REASSIGNED}
    assert "app" in CONNECTOR.advice(KNOWN, Missing.REASSIGNED)


def test_id_that_pages_gave_is_not_compared_with_an_open_id():
    from_pages = Target(1, "cdcgov", external_id="6812345678901234567")
    found = read(CONNECTOR, [from_pages], answer())["cdcgov"]
    assert (found.followers, found.external_id) == (123_456, "")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, refusal("rate_limit_exceeded"), Trouble.RATE_LIMITED),
        (429, b"", Trouble.RATE_LIMITED),
        (400, refusal("invalid_params"), Trouble.REFUSED),
        (500, refusal("internal_error"), Trouble.SERVER_ERROR),
    ],
)
def test_failed_call_is_named(status, body, expected):
    assert trouble(read, CONNECTOR, ["cdcgov"], body, status).trouble == expected


@pytest.mark.parametrize(("body", "reason"), [(b"<html>", Missing.BLOCKED), (b"{", Missing.UNPARSABLE)])
def test_body_that_is_no_answer_is_named(body, reason):
    assert read(CONNECTOR, ["cdcgov"], body) == {"cdcgov": reason}


def test_refusal_says_how_long_to_wait():
    assert CONNECTOR.quota(response(retry_after="12")).retry_after == 12


@pytest.mark.parametrize("name", ["a b", "a-b", "x" * 25, "ü", ""])
def test_name_outside_the_grammar_is_never_asked(name):
    assert CONNECTOR.at_once(Target(1, name)) == Missing.NOT_FOUND
    assert "letters" in CONNECTOR.advice(Target(1, name), Missing.NOT_FOUND)


# --- Through the fake -------------------------------------------------------------------------------


@pytest.fixture
def tokens(fakes, settings):
    settings.PLATFORM_TOKENS = settings.PLATFORM_TOKENS | {"tiktok": "good=act.good,bad=act.bad,strange=nobodys"}
    return fakes


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("not_found", Missing.WANTS_TOKEN),
        ("forbidden", Missing.WANTS_TOKEN),
        ("hidden", Missing.UNPARSABLE),
        ("rounded", Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(tokens, fault, reason):
    tokens.fault(fault, "tiktok", "bad")
    answers = ask("tiktok", "good", "bad", "strange", "without")
    truth = curves.figures("tiktok", "good", clock.today())
    good = answers.pop("good")
    assert {name: getattr(good, name) for name in truth} == truth
    assert answers == {"bad": reason, "strange": Missing.WANTS_TOKEN, "without": Missing.WANTS_TOKEN}


def test_limits_count_per_token(tokens):
    ask("tiktok", "good", "bad")
    assert [(row["requests"], row["window"]["calls"]) for row in tokens.served("tiktok")] == [(1, 600), (1, 600)]
