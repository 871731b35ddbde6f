"""Instagram: business discovery, written by hand from the reference."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from scraping.connectors import connector_for
from scraping.connectors.base import Missing, Reading, Target, Trouble
from scraping.connectors.instagram import Instagram
from tests.scraping.asking import ask, read, trouble

CONNECTOR = Instagram()
FOUND = {
    "id": "17841401234567890",
    "username": "hhsgov",
    "name": "HHS",
    "followers_count": 120_034,
    "follows_count": 80,
    "media_count": 3_201,
    "biography": "Bio",
    "website": "https://www.hhs.gov/",
    "profile_picture_url": "https://cdn.example/a.jpg",
}


def discovered(content, code=200):
    return {"code": code, "body": json.dumps(content)}


def test_professional_account_is_read():
    answer = read(CONNECTOR, ["HHSgov"], [discovered({"business_discovery": FOUND, "id": "1"})])["HHSgov"]
    assert answer == Reading(
        followers=120_034,
        following=80,
        posts=3_201,
        external_id="17841401234567890",
        handle="hhsgov",
        display_name="HHS",
        bio="Bio",
        bio_link="https://www.hhs.gov/",
        image_url="https://cdn.example/a.jpg",
    )


def test_missing_and_personal_accounts_are_not_found_with_advice():
    error = {"error": {"code": 110, "error_subcode": 2207013, "message": "Invalid user id"}}
    assert read(CONNECTOR, ["me"], [discovered(error, 400)]) == {"me": Missing.NOT_FOUND}
    assert "personal" in CONNECTOR.advice(Target(1, "me"), Missing.NOT_FOUND)


def test_id_of_the_other_kind_is_never_compared():
    known_by_page = Target(1, "hhsgov", external_id="528817151")
    answer = read(CONNECTOR, [known_by_page], [discovered({"business_discovery": FOUND})])["hhsgov"]
    assert (answer.followers, answer.external_id) == (120_034, "")


@pytest.mark.parametrize(("code", "subcode"), [(110, None), (24, 2207013)])
def test_either_half_of_the_refusal_is_enough(code, subcode):
    error = {"error": {"code": code, "error_subcode": subcode, "message": "m"}}
    assert read(CONNECTOR, ["me"], [discovered(error, 400)]) == {"me": Missing.NOT_FOUND}


def test_entry_of_somebody_else_is_never_taken():
    swapped = [
        discovered({"business_discovery": FOUND | {"username": "b"}}),
        discovered({"business_discovery": FOUND | {"username": "a"}}),
    ]
    assert read(CONNECTOR, ["a", "b"], swapped) == {"a": Missing.UNPARSABLE, "b": Missing.UNPARSABLE}


def test_account_without_a_count_is_unparsable():
    content = {"business_discovery": {"username": "hhsgov", "media_count": 3}}
    assert read(CONNECTOR, ["hhsgov"], [discovered(content)]) == {"hhsgov": Missing.UNPARSABLE}


def test_fifty_questions_travel_in_one_post_through_the_own_account():
    first, second = CONNECTOR.batches([Target(n, f"user{n}") for n in range(51)])
    request = CONNECTOR.request(first, "178414:secret")
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    entries = json.loads(form["batch"])
    assert (request.cost, len(entries), len(second.targets), form["access_token"]) == (50, 50, 1, "secret")
    assert "business_discovery.username(user0){username," in entries[0]["relative_url"]
    assert entries[0]["relative_url"].startswith("v25.0/178414?fields=")


@pytest.mark.parametrize("credential", ["token-alone", ":token", "me:token", "178414:"])
def test_credential_without_the_own_id_is_refused_before_any_call(settings, credential):
    settings.PLATFORM_TOKENS = {"instagram": credential}
    found = connector_for("instagram")
    assert (found.code, "INSTAGRAM_TOKEN" in found.reason) == ("no_credential", True)


@pytest.mark.parametrize("handle", ["a){id}", "a b", "", "x" * 31, "ü"])
def test_name_that_would_break_the_field_syntax_is_never_asked(handle):
    assert CONNECTOR.at_once(Target(1, handle)) == Missing.NOT_FOUND


def test_limit_in_the_middle_of_a_batch_keeps_what_came(fakes):
    ask("instagram", *(f"user{n}" for n in range(190)))
    answers = ask("instagram", *(f"more{n}" for n in range(20)))
    assert sum(answer == Missing.POSTPONED for answer in answers.values()) == 10
    assert all(answer.followers > 0 for answer in answers.values() if answer != Missing.POSTPONED)
    assert trouble(ask, "instagram", "last").trouble == Trouble.RATE_LIMITED
