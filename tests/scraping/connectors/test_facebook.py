"""Facebook: page objects, written by hand from the Graph API reference."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest

from scraping.connectors.base import Missing, Reading, Target
from scraping.connectors.facebook import Facebook
from tests.scraping.asking import ask, batch_of, read

CONNECTOR = Facebook()
PAGE = {
    "id": "573090292",
    "name": "HHS",
    "username": "HHS",
    "followers_count": 640_123,
    "fan_count": 600_000,
    "about": "About",
    "website": "https://www.hhs.gov/",
    "verification_status": "blue_verified",
}


def page(content, code=200, handle="HHS"):
    return read(CONNECTOR, [handle], [{"code": code, "body": json.dumps(content)}])


def refused(code, message="m", **more):
    return page({"error": {"code": code, "message": message, **more}}, 400)


def test_page_is_read_with_figures_and_facts():
    assert page(PAGE)["HHS"] == Reading(
        followers=640_123,
        external_id="573090292",
        handle="HHS",
        display_name="HHS",
        bio="About",
        bio_link="https://www.hhs.gov/",
        verified="blue",
    )


def test_likes_stand_in_where_followers_are_not_said():
    assert page({"id": "1", "fan_count": 12})["HHS"].followers == 12


def test_page_that_says_neither_is_unparsable():
    assert page({"id": "1", "name": "HHS"}) == {"HHS": Missing.UNPARSABLE}


@pytest.mark.parametrize(
    ("code", "more", "answer"),
    [
        (21, {}, Missing.RENAMED),
        (803, {}, Missing.NOT_FOUND),
        (100, {"error_subcode": 33}, Missing.NOT_FOUND),
        (100, {"message": "(#100) Tried accessing nonexisting field (fan_count)"}, Missing.UNSUPPORTED_PROFILE),
        (10, {}, Missing.BLOCKED),
        (200, {}, Missing.BLOCKED),
    ],
)
def test_refused_entry_is_named_by_its_code(code, more, answer):
    assert refused(code, **more) == {"HHS": answer}


def test_fifty_pages_travel_in_one_post_and_each_is_counted():
    first, second = CONNECTOR.batches([Target(n, f"page{n}") for n in range(51)])
    request = CONNECTOR.request(first, "secret")
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    entries = json.loads(form["batch"])
    assert (request.method, request.cost, len(entries), len(second.targets)) == ("POST", 50, 50, 1)
    assert entries[0]["relative_url"].startswith("v25.0/page0?fields=")
    assert form["access_token"] == "secret"
    assert "secret" not in request.url


def test_known_id_is_asked_instead_of_the_name():
    request = CONNECTOR.request(batch_of(CONNECTOR, Target(1, "HHS", "573090292")), "t")
    assert b"v25.0%2F573090292%3Ffields" in request.body


@pytest.mark.parametrize("handle", ["me/accounts", "a?fields=access_token", "a&b", "", "ü"])
def test_handle_that_would_be_another_path_is_never_asked(handle):
    assert CONNECTOR.at_once(Target(1, handle)) == Missing.NOT_FOUND


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("renamed", Missing.RENAMED),
        ("missing", Missing.FROM_BATCH),
        ("unsupported", Missing.UNSUPPORTED_PROFILE),
        ("hidden", Missing.UNPARSABLE),
        ("forbidden", Missing.BLOCKED),
    ],
)
def test_one_bad_page_spoils_no_other(fakes, fault, answer):
    fakes.fault(fault, "facebook", "bad")
    answers = ask("facebook", "good", "bad", "nosuch")
    assert (answers["bad"], answers["nosuch"]) == (answer, Missing.NOT_FOUND)
    assert answers["good"].followers > 0


def test_page_given_to_somebody_else_is_reassigned_by_name(fakes):
    known = ask("facebook", "page")["page"].external_id
    fakes.fault("reassigned", "facebook", "page")
    assert ask("facebook", "page")["page"].external_id != known
