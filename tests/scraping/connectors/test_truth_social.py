"""Truth Social: Mastodon's Account, and the walls in front of it."""

from __future__ import annotations

from datetime import date, timedelta
from email.utils import format_datetime

import pytest

from perf import clock
from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.connectors.truth_social import TruthSocial
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = TruthSocial()
ACCOUNT = {
    "id": "107780257626128497",
    "username": "SecKennedy",
    "acct": "SecKennedy",
    "display_name": "Secretary",
    "created_at": "2025-02-13T00:00:00.000Z",
    "avatar": "https://static.example/a.jpg",
    "verified": True,
    "followers_count": 51_234,
    "following_count": 3,
    "statuses_count": 120,
}
CHALLENGE = b"<!DOCTYPE html><html><title>Just a moment...</title></html>"


def test_account_is_read():
    assert read(CONNECTOR, ["seckennedy"], ACCOUNT)["seckennedy"] == Reading(
        followers=51_234,
        following=3,
        posts=120,
        external_id="107780257626128497",
        handle="SecKennedy",
        display_name="Secretary",
        image_url="https://static.example/a.jpg",
        verified="verified",
        opened_on=date(2025, 2, 13),
    )


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"followers_count": -1}, Missing.HIDDEN),
        ({"suspended": True, "followers_count": 0}, Missing.SUSPENDED),
        ({"followers_count": None}, Missing.UNPARSABLE),
        ({"followers_count": -2}, Missing.UNPARSABLE),
        ({"username": "somebody_else"}, Missing.UNPARSABLE),
    ],
)
def test_account_without_a_count_has_a_reason(changed, answer):
    assert read(CONNECTOR, ["seckennedy"], ACCOUNT | changed) == {"seckennedy": answer}


@pytest.mark.parametrize("status", [200, 403, 404, 503])
def test_challenge_page_is_blocked_never_zero(status):
    assert read(CONNECTOR, ["seckennedy"], CHALLENGE, status) == {"seckennedy": Missing.BLOCKED}


@pytest.mark.parametrize(
    ("status", "answer"), [(404, Missing.NOT_FOUND), (410, Missing.SUSPENDED), (403, Missing.BLOCKED)]
)
def test_refusal_in_json_is_named(status, answer):
    assert read(CONNECTOR, ["seckennedy"], {"error": "e"}, status) == {"seckennedy": answer}


def test_throttle_is_a_limit_even_as_a_page():
    assert trouble(read, CONNECTOR, ["a"], CHALLENGE, 429).trouble == Trouble.RATE_LIMITED


@pytest.mark.parametrize("form", ["iso", "http", "spaced"])
def test_reset_is_a_date_text_and_fifty_calls_are_kept_back(form):
    moment = clock.now() + timedelta(seconds=200)
    texts = {
        "iso": moment.isoformat().replace("+00:00", "Z"),
        "http": format_datetime(moment, usegmt=True),
        "spaced": moment.strftime("%Y-%m-%d %H:%M:%S"),
    }
    quota = CONNECTOR.quota(response(x_ratelimit_remaining="61", x_ratelimit_reset=texts[form]))
    assert quota.remaining == 11
    assert quota.reset_seconds == pytest.approx(200, abs=3)


def test_last_fifty_calls_are_nobodys():
    assert CONNECTOR.quota(response(x_ratelimit_remaining="50", x_ratelimit_reset="tomorrow")).remaining == 0


def test_bearer_is_optional():
    batch = batch_of(CONNECTOR, "a")
    assert "Authorization" not in CONNECTOR.request(batch, "").headers
    assert CONNECTOR.request(batch, "t").headers["Authorization"] == "Bearer t"


def test_illegal_name_is_never_asked():
    assert CONNECTOR.at_once(Target(1, "a/../../b")) == Missing.NOT_FOUND


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("challenge", Missing.BLOCKED),
        ("hidden", Missing.HIDDEN),
        ("suspended", Missing.SUSPENDED),
        ("rounded", Missing.UNPARSABLE),
        ("nan", Missing.UNPARSABLE),
        ("huge_number", Missing.UNPARSABLE),
        ("drift", Missing.UNPARSABLE),
    ],
)
def test_fault_of_the_platform_gives_a_reason(fakes, fault, answer):
    fakes.fault(fault, "truth_social", "a")
    assert ask("truth_social", "a") == {"a": answer}
