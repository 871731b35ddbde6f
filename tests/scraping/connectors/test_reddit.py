"""Reddit: communities from /api/info and people from /about, written by hand from its API documentation."""

from __future__ import annotations

from datetime import date

import pytest

from perf import clock
from scraping.connectors import Unavailable, connector_for
from scraping.connectors.base import Elsewhere, Missing, Reading, Target, Trouble
from scraping.connectors.reddit import Reddit
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, response, trouble

CONNECTOR = Reddit()
COMMUNITY = {
    "name": "t5_2qm4e",
    "id": "2qm4e",
    "display_name": "askscience",
    "title": "AskScience: Got Questions?",
    "public_description": "Ask a science question & get an answer.",
    "subscribers": 26_000_123,
    "subreddit_type": "public",
    "community_icon": "https://styles.example/a.png?s=1",
    "icon_img": "",
    "created_utc": 1_197_000_000.0,
}
PERSON = {
    "id": "1w72",
    "name": "spez",
    "icon_img": "https://styles.example/u.png",
    "created_utc": 1_118_030_400.0,
    "subreddit": {"display_name": "u_spez", "title": "spez", "public_description": "CEO", "subscribers": 987},
}
KNOWN = Target(1, "askscience", external_id="t5_2qm4e")


def listing(*communities):
    return {"kind": "Listing", "data": {"children": [{"kind": "t5", "data": data} for data in communities]}}


def about(**changes):
    return {"kind": "t2", "data": PERSON | changes}


def test_community_is_read_with_figures_and_facts():
    assert read(CONNECTOR, ["AskScience"], listing(COMMUNITY))["AskScience"] == Reading(
        followers=26_000_123,
        external_id="t5_2qm4e",
        handle="askscience",
        display_name="AskScience: Got Questions?",
        bio="Ask a science question & get an answer.",
        image_url="https://styles.example/a.png?s=1",
        opened_on=date(2007, 12, 7),
    )


def test_person_is_read_with_followers_of_the_profile_page():
    assert read(CONNECTOR, ["u:Spez"], about())["u:Spez"] == Reading(
        followers=987,
        external_id="t2_1w72",
        handle="u:spez",
        display_name="spez",
        bio="CEO",
        image_url="https://styles.example/u.png",
        opened_on=date(2005, 6, 6),
    )


def test_answers_find_their_communities_in_any_order():
    names = [f"name{n}" for n in range(5)]
    shuffled = [COMMUNITY | {"display_name": names[n].upper(), "subscribers": n} for n in (3, 0, 4, 2, 1)]
    answers = read(CONNECTOR, names, listing(*shuffled))
    assert [answers[name].followers for name in names] == [0, 1, 2, 3, 4]


def test_communities_by_name_then_by_fullname_and_people_alone():
    targets = [Target(2, "science"), Target(3, "space"), KNOWN, Target(4, "u:spez"), Target(5, "u:some-one")]
    urls = [
        (request.url.removeprefix("https://oauth.reddit.com"), dict(request.params))
        for request in (CONNECTOR.request(batch, "t") for batch in CONNECTOR.batches(targets))
    ]
    assert urls == [
        ("/api/info", {"sr_name": "science,space", "raw_json": "1"}),
        ("/api/info", {"id": "t5_2qm4e", "raw_json": "1"}),
        ("/user/spez/about", {"raw_json": "1"}),
        ("/user/some-one/about", {"raw_json": "1"}),
    ]


def test_101_communities_travel_in_two_calls():
    sizes = [len(batch.targets) for batch in CONNECTOR.batches([Target(n, f"name{n}") for n in range(101)])]
    assert sizes == [100, 1]


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"subscribers": None, "subreddit_type": "private"}, Missing.HIDDEN),
        ({"subscribers": -1}, Missing.UNPARSABLE),
        ({"subscribers": "1.2m"}, Missing.UNPARSABLE),
        ({"subscribers": True}, Missing.UNPARSABLE),
    ],
)
def test_community_without_a_count_has_a_reason(changed, answer):
    assert read(CONNECTOR, ["askscience"], listing(COMMUNITY | changed)) == {"askscience": answer}


def test_absent_count_of_a_community_is_unparsable_never_zero():
    without = {name: value for name, value in COMMUNITY.items() if name != "subscribers"}
    assert read(CONNECTOR, ["askscience"], listing(without)) == {"askscience": Missing.UNPARSABLE}


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"subreddit": None}, Missing.UNSUPPORTED_PROFILE),
        ({"is_suspended": True, "subreddit": None}, Missing.SUSPENDED),
        ({"subreddit": {"title": "spez"}}, Missing.UNPARSABLE),
        ({"name": "somebody"}, Missing.UNPARSABLE),
    ],
)
def test_person_without_a_count_has_a_reason(changed, answer):
    assert read(CONNECTOR, ["u:spez"], about(**changed)) == {"u:spez": answer}


def test_person_whose_answer_has_no_profile_page_at_all_is_unsupported():
    body = about()
    del body["data"]["subreddit"]
    assert read(CONNECTOR, ["u:spez"], body) == {"u:spez": Missing.UNSUPPORTED_PROFILE}
    assert "profile page" in CONNECTOR.advice(Target(1, "u:spez"), Missing.UNSUPPORTED_PROFILE)


def test_community_gone_by_fullname_is_asked_for_by_name_which_may_be_anothers():
    assert read(CONNECTOR, [KNOWN], listing()) == {"askscience": Elsewhere("names")}
    again = CONNECTOR.again(KNOWN, Elsewhere("names"))
    assert read(CONNECTOR, [again], listing(COMMUNITY | {"name": "t5_x"})) == {"askscience": Missing.REASSIGNED}
    assert read(CONNECTOR, [again], listing()) == {"askscience": Missing.FROM_BATCH}


def test_person_under_another_id_is_reassigned():
    known = Target(1, "u:spez", external_id="t2_other")
    assert read(CONNECTOR, [known], about()) == {"u:spez": Missing.REASSIGNED}


@pytest.mark.parametrize(
    ("handle", "status", "answer"),
    [
        ("u:spez", 404, Missing.NOT_FOUND),
        ("u:spez", 403, Missing.BLOCKED),
        ("askscience", 403, Missing.BLOCKED),
    ],
)
def test_refusal_is_named(handle, status, answer):
    assert read(CONNECTOR, [handle], {"message": "m", "error": status}, status) == {handle: answer}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Trouble.REFUSED),
        (401, Trouble.DEAD_TOKEN),
        (404, Trouble.REFUSED),
        (429, Trouble.RATE_LIMITED),
        (503, Trouble.SERVER_ERROR),
    ],
)
def test_failed_call_is_named(status, expected):
    assert trouble(read, CONNECTOR, ["askscience"], {"message": "m"}, status).trouble == expected


@pytest.mark.parametrize("handle", ["askscience", "u:spez"])
@pytest.mark.parametrize(("body", "answer"), [(b"<html>", Missing.BLOCKED), (b"[", Missing.UNPARSABLE)])
def test_body_that_is_no_answer_is_named(handle, body, answer):
    assert read(CONNECTOR, [handle], body) == {handle: answer}


def test_remaining_is_a_decimal_and_reset_the_seconds_left():
    quota = CONNECTOR.quota(response(x_ratelimit_used="4", x_ratelimit_remaining="995.9", x_ratelimit_reset="321"))
    assert (quota.remaining, quota.reset_seconds) == (995, 321)


@pytest.mark.parametrize("handle", ["a", "has space", "has-dash", "x" * 22, "u:ab", "u:a/b", "u:", "r/askscience", ""])
def test_name_outside_the_grammar_is_never_asked(handle):
    assert CONNECTOR.at_once(Target(1, handle)) == Missing.NOT_FOUND
    assert "u:name" in CONNECTOR.advice(Target(1, handle), Missing.NOT_FOUND)


@pytest.mark.parametrize("credential", ["p-jcoLKBynTLew:gko_LXELoV07ZBNUXrvWZfzE3aI0wx", "two words"])
def test_credential_that_is_no_bearer_token_is_refused_in_words(settings, credential):
    settings.PLATFORM_TOKENS = {"reddit": credential}
    refused = connector_for("reddit")
    assert isinstance(refused, Unavailable)
    assert "bearer token" in refused.reason


def test_credential_over_two_lines_is_refused_in_words(settings):
    settings.PLATFORM_TOKENS = {"reddit": "line\nbreak"}
    refused = connector_for("reddit")
    assert isinstance(refused, Unavailable)
    assert "REDDIT_TOKEN holds a line break" in refused.reason


def test_bearer_token_is_sent_in_a_header():
    assert CONNECTOR.credential_problem("eyJhbGciOi.J-_x.Y~+/=") == ""
    request = CONNECTOR.request(batch_of(CONNECTOR, "science"), "secret")
    assert (request.headers["Authorization"], "secret" in request.url) == ("Bearer secret", False)


# --- Through the fake -------------------------------------------------------------------------------


def test_fake_gives_its_own_figures_to_communities_and_people(fakes):
    handles = ["askscience", "science", "u:spez", "u:some-one"]
    truths = {handle: curves.figures("reddit", handle, clock.today())["followers"] for handle in handles}
    first = ask("reddit", *handles)
    again = ask("reddit", *(Target(n, handle, first[handle].external_id) for n, handle in enumerate(handles)))
    for answers in (first, again):
        assert {handle: answer.followers for handle, answer in answers.items()} == truths
    assert [row["requests"] for row in fakes.served("reddit")] == [6]


@pytest.mark.parametrize(
    ("fault", "community", "person"),
    [
        ("hidden", Missing.HIDDEN, Missing.UNSUPPORTED_PROFILE),
        ("suspended", Missing.HIDDEN, Missing.SUSPENDED),
        ("missing", Missing.FROM_BATCH, Missing.NOT_FOUND),
        ("rounded", Missing.UNPARSABLE, Missing.UNPARSABLE),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, community, person):
    for handle in ("bad", "u:bad"):
        fakes.fault(fault, "reddit", handle)
    answers = ask("reddit", "bad", "good", "u:bad", "u:good")
    assert isinstance(answers.pop("good"), Reading)
    assert isinstance(answers.pop("u:good"), Reading)
    assert answers == {"bad": community, "u:bad": person}


def test_renamed_community_keeps_its_figures_under_its_fullname(fakes):
    before = ask("reddit", "science")["science"]
    fakes.fault("renamed", "reddit", "science")
    after = ask("reddit", Target(1, "science", before.external_id))["science"]
    assert (after.followers, after.handle) == (before.followers, "moved_science")
