"""Bluesky: shapes of app.bsky.actor.getProfiles, written by hand from its lexicon."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from perf import clock
from scraping.connectors.base import Elsewhere, Missing, Reading, Target, Trouble
from scraping.connectors.bluesky import Bluesky
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = Bluesky()
NAME, DID = "nasa.bsky.social", "did:plc:abcdefghijklmnopqrstuvwx"
OTHER_DID = "did:plc:zzzzzzzzzzzzzzzzzzzzzzzz"
PROFILE = {
    "did": DID,
    "handle": NAME,
    "displayName": "NASA",
    "description": "Space",
    "avatar": "https://cdn.example/a.jpg",
    "followersCount": 345_678,
    "followsCount": 12,
    "postsCount": 2_001,
    "createdAt": "2023-05-01T10:00:00.000Z",
    "indexedAt": "2024-01-01T00:00:00.000Z",
    "verification": {"verifications": [], "verifiedStatus": "valid", "trustedVerifierStatus": "none"},
    "labels": [],
}
KNOWN = Target(1, NAME, external_id=DID)


def test_profile_is_read_with_figures_and_facts():
    assert read(CONNECTOR, ["NASA.bsky.social"], {"profiles": [PROFILE]})["NASA.bsky.social"] == Reading(
        followers=345_678,
        following=12,
        posts=2_001,
        external_id=DID,
        handle=NAME,
        display_name="NASA",
        bio="Space",
        image_url="https://cdn.example/a.jpg",
        verified="verified",
        opened_on=date(2023, 5, 1),
    )


def test_answers_find_their_targets_in_any_order():
    others = [{"did": f"did:plc:{n}", "handle": f"user{n}.example.org", "followersCount": n} for n in range(3)]
    answers = read(CONNECTOR, [f"user{n}.example.org" for n in range(3)], {"profiles": others[::-1]})
    assert [answers[f"user{n}.example.org"].followers for n in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("count", [None, True, -1, "1.2M", 1.5, {}])
def test_missing_count_is_unparsable_never_zero(count):
    profile = PROFILE | {"followersCount": count}
    assert read(CONNECTOR, [NAME], {"profiles": [profile]}) == {NAME: Missing.UNPARSABLE}
    del profile["followersCount"]
    assert read(CONNECTOR, [NAME], {"profiles": [profile]}) == {NAME: Missing.UNPARSABLE}


def test_account_left_out_of_a_good_answer_is_named():
    answers = read(CONNECTOR, [NAME, "taken.example.org"], {"profiles": [PROFILE]})
    assert answers.pop(NAME).followers == 345_678
    assert answers == {"taken.example.org": Missing.FROM_BATCH}
    assert "taken down" in CONNECTOR.advice(Target(1, "taken.example.org"), Missing.FROM_BATCH)


def test_known_account_is_asked_for_and_found_by_its_did():
    batch = batch_of(CONNECTOR, KNOWN, "other.example.org")
    assert CONNECTOR.request(batch, "").params == (("actors", DID), ("actors", "other.example.org"))
    renamed = PROFILE | {"handle": "nasa.gov"}
    assert read(CONNECTOR, [KNOWN], {"profiles": [renamed]})[NAME].handle == "nasa.gov"


def test_account_gone_by_did_is_asked_for_by_handle_which_may_be_anothers():
    assert read(CONNECTOR, [KNOWN], {"profiles": []}) == {NAME: Elsewhere("handle")}
    again = CONNECTOR.again(KNOWN, Elsewhere("handle"))
    assert CONNECTOR.request(batch_of(CONNECTOR, again), "").params == (("actors", NAME),)
    assert read(CONNECTOR, [again], {"profiles": [PROFILE | {"did": OTHER_DID}]}) == {NAME: Missing.REASSIGNED}
    assert read(CONNECTOR, [again], {"profiles": []}) == {NAME: Missing.FROM_BATCH}


def test_did_as_handle_is_asked_for_once():
    target = Target(1, DID, external_id=DID)
    assert read(CONNECTOR, [target], {"profiles": []}) == {DID: Missing.FROM_BATCH}


def test_unproven_handle_renames_nobody():
    assert read(CONNECTOR, [KNOWN], {"profiles": [PROFILE | {"handle": "handle.invalid"}]})[NAME].handle == ""


def test_26_accounts_travel_in_two_calls():
    sizes = [len(batch.targets) for batch in CONNECTOR.batches([Target(n, f"u{n}.example.org") for n in range(26)])]
    assert sizes == [25, 1]


@pytest.mark.parametrize("name", ["nasa", "a b.social", "-a.bsky.social", "a.-b.social", "a..b", "did:plc", "a.1x", ""])
def test_name_outside_the_grammar_never_joins_a_call(name):
    assert CONNECTOR.at_once(Target(1, name)) == Missing.NOT_FOUND
    assert "nasa.bsky.social" in CONNECTOR.advice(Target(1, name), Missing.NOT_FOUND)


@pytest.mark.parametrize("name", [NAME, "@nasa.gov", "xn--bcher-kva.example", DID, "did:web:example.org"])
def test_name_inside_the_grammar_is_asked_for(name):
    assert CONNECTOR.at_once(Target(1, name)) is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Trouble.REFUSED),
        (401, Trouble.DEAD_TOKEN),
        (429, Trouble.RATE_LIMITED),
        (502, Trouble.SERVER_ERROR),
    ],
)
def test_failed_call_is_named(status, expected):
    assert trouble(read, CONNECTOR, [NAME], {"error": "e", "message": "m"}, status).trouble == expected


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"<html>wall</html>", Missing.BLOCKED),
        (b"{", Missing.UNPARSABLE),
        ({"profiles": None}, Missing.UNPARSABLE),
        ({"error": "x"}, Missing.UNPARSABLE),
    ],
)
def test_body_that_is_no_answer_is_named(body, answer):
    assert read(CONNECTOR, [NAME], body) == {NAME: answer}


def test_reset_is_in_epoch_seconds():
    reset = int((clock.now() + timedelta(seconds=120)).timestamp())
    quota = CONNECTOR.quota(
        response(ratelimit_limit="3000", ratelimit_remaining="2999", ratelimit_reset=str(reset), retry_after="7")
    )
    assert (quota.remaining, quota.retry_after) == (2_999, 7)
    assert quota.reset_seconds == pytest.approx(120, abs=2)


def test_no_credential_is_needed_and_none_is_sent():
    request = CONNECTOR.request(batch_of(CONNECTOR, NAME), "secret")
    assert (CONNECTOR.needs_credential, dict(request.headers)) == (False, {})
    assert request.url == "https://public.api.bsky.app/xrpc/app.bsky.actor.getProfiles"


# --- Through the fake AppView -----------------------------------------------------------------------


def test_fake_gives_its_own_figures_to_a_full_batch(fakes):
    names = [f"user{n}.bsky.social" for n in range(30)]
    answers = ask("bluesky", *names)
    truths = {name: curves.figures("bluesky", name, clock.today()) for name in names}
    assert {name: answers[name].followers for name in names} == {name: truths[name]["followers"] for name in names}
    assert answers[names[0]].external_id == curves.external_id("bluesky", names[0])
    assert [row["requests"] for row in fakes.served("bluesky")] == [2]


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("suspended", Missing.FROM_BATCH),
        ("missing", Missing.FROM_BATCH),
        ("not_found", Missing.FROM_BATCH),
        ("renamed", Missing.FROM_BATCH),
        ("hidden", Missing.UNPARSABLE),
        ("rounded", Missing.UNPARSABLE),
        ("nan", Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, answer):
    fakes.fault(fault, "bluesky", "bad.bsky.social")
    answers = ask("bluesky", "good.bsky.social", "bad.bsky.social", "fine.bsky.social")
    whole_body_is_unreadable = fault == "nan"  # NaN is not JSON: nothing in such a body can be trusted
    assert answers.pop("bad.bsky.social") == answer
    assert all(isinstance(one, Reading) for one in answers.values()) is not whole_body_is_unreadable


def test_renamed_account_keeps_its_figures_under_its_did(fakes):
    before = ask("bluesky", NAME)[NAME]
    fakes.fault("renamed", "bluesky", NAME)
    after = ask("bluesky", Target(1, NAME, before.external_id))[NAME]
    assert (after.followers, after.handle) == (before.followers, f"moved-{NAME}")


def test_handle_of_a_gone_account_that_is_anothers_is_reassigned(fakes):
    known = Target(1, NAME, external_id=OTHER_DID)
    fakes.fault("missing", "bluesky", OTHER_DID)
    assert ask("bluesky", known) == {NAME: Missing.REASSIGNED}
