"""Mastodon: the Account entity by name, by id and in a list, from any server; written by hand from its API."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from perf import clock
from scraping.connectors.base import Batch, CallFailed, Elsewhere, Missing, Reading, Target, Trouble
from scraping.connectors.mastodon import Mastodon
from scraping.fakes import curves
from scraping.fetch import Fetcher
from tests.scraping.asking import ask, batch_of, read, response, trouble
from tests.scraping.fetch.conftest import RawServer, Rebinding

CONNECTOR = Mastodon()
NAME, ID = "Press@example.org", "109302436954721982"
OLD, NEW = "old.example.net", "new.example.net"
ACCOUNT = {
    "id": ID,
    "username": "Press",
    "acct": "Press",
    "display_name": "Press Office",
    "created_at": "2022-11-07T00:00:00.000Z",
    "note": "<p>News</p>",
    "avatar": "https://files.example/a.png",
    "last_status_at": "2026-11-20",
    "followers_count": 51_234,
    "following_count": 3,
    "statuses_count": 120,
}
KNOWN = Target(1, NAME, external_id=f"{ID}@example.org")
PAIR = [KNOWN, Target(2, "other@example.org", external_id="7@example.org")]
OTHER = ACCOUNT | {"id": "7", "username": "other", "acct": "other", "followers_count": 9}


def test_account_found_by_name_is_read_along_with_its_id():
    assert read(CONNECTOR, ["press@example.org"], ACCOUNT)["press@example.org"] == Reading(
        followers=51_234,
        following=3,
        posts=120,
        external_id=f"{ID}@example.org",
        handle="Press@example.org",
        display_name="Press Office",
        image_url="https://files.example/a.png",
        opened_on=date(2022, 11, 7),
    )


def test_list_by_id_is_read_in_any_order():
    answers = read(CONNECTOR, PAIR, [OTHER, ACCOUNT])
    assert [answers[target.handle].followers for target in PAIR] == [51_234, 9]


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"followers_count": -1}, Missing.HIDDEN),
        ({"followers_count": 0, "pleroma": {"hide_followers_count": True}}, Missing.HIDDEN),
        ({"suspended": True, "followers_count": 0}, Missing.SUSPENDED),
        ({"followers_count": None}, Missing.UNPARSABLE),
        ({"followers_count": -2}, Missing.UNPARSABLE),
        ({"followers_count": "1.2K"}, Missing.UNPARSABLE),
    ],
)
def test_account_without_a_count_has_a_reason(changed, answer):
    assert read(CONNECTOR, [NAME], ACCOUNT | changed) == {NAME: answer}
    assert read(CONNECTOR, [KNOWN], ACCOUNT | changed) == {NAME: answer}
    assert read(CONNECTOR, PAIR, [ACCOUNT | changed, OTHER])[NAME] == answer


def test_pleromas_hidden_follows_are_not_zero():
    account = ACCOUNT | {"following_count": 0, "pleroma": {"hide_follows_count": True}}
    assert read(CONNECTOR, [NAME], account)[NAME].following is None


def test_answer_about_somebody_else_is_unparsable():
    assert read(CONNECTOR, [NAME], ACCOUNT | {"username": "somebody"}) == {NAME: Missing.UNPARSABLE}
    assert read(CONNECTOR, [KNOWN], ACCOUNT | {"id": "8"}) == {NAME: Missing.UNPARSABLE}


def test_name_is_looked_up_and_a_known_id_is_not():
    by_name = batch_of(CONNECTOR, NAME)
    request = CONNECTOR.request(by_name, "")
    assert (request.url, request.params) == ("https://example.org/api/v1/accounts/lookup", (("acct", "Press"),))
    by_id = CONNECTOR.request(batch_of(CONNECTOR, KNOWN), "")
    assert (by_id.url, by_id.params) == (f"https://example.org/api/v1/accounts/{ID}", ())
    by_ids = CONNECTOR.request(batch_of(CONNECTOR, *PAIR), "")
    assert (by_ids.url, by_ids.params) == ("https://example.org/api/v1/accounts", (("id[]", ID), ("id[]", "7")))
    assert CONNECTOR.hosts(by_name) == {"example.org"}


def test_id_of_another_server_is_nobodys_here():
    moved = Target(1, NAME, external_id=f"{ID}@elsewhere.example.org")
    assert batch_of(CONNECTOR, moved).step == "lookup"
    assert read(CONNECTOR, [moved], ACCOUNT) == {NAME: Missing.REASSIGNED}


def test_41_ids_of_one_server_travel_in_two_calls_and_servers_apart():
    targets = [Target(n, f"u{n}@example.org", external_id=f"{n}@example.org") for n in range(1, 42)]
    targets.append(Target(99, "a@example.com", external_id="1@example.com"))
    packed = [(batch.host, batch.step, len(batch.targets)) for batch in CONNECTOR.batches(targets)]
    assert packed == [("example.org", "list", 40), ("example.org", "one", 1), ("example.com", "one", 1)]


def test_server_without_a_list_is_asked_one_by_one():
    assert set(read(CONNECTOR, PAIR, {"error": "Not Found"}, 404).values()) == {Elsewhere("one")}
    again = [CONNECTOR.again(target, Elsewhere("one")) for target in PAIR]
    assert [batch.step for batch in CONNECTOR.batches(again)] == ["one", "one"]


def test_id_that_is_gone_is_looked_up_by_name_which_may_be_anothers():
    assert read(CONNECTOR, PAIR, [OTHER])[NAME] == Elsewhere("lookup")
    assert read(CONNECTOR, [KNOWN], {"error": "Record not found"}, 404) == {NAME: Elsewhere("lookup")}
    again = CONNECTOR.again(KNOWN, Elsewhere("lookup"))
    assert read(CONNECTOR, [again], ACCOUNT | {"id": "8"}) == {NAME: Missing.REASSIGNED}
    assert read(CONNECTOR, [again], {"error": "Record not found"}, 404) == {NAME: Missing.NOT_FOUND}


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (401, {"error": "This API requires an authenticated user"}, Missing.WANTS_TOKEN),
        (403, {"error": "This action is not allowed"}, Missing.BLOCKED),
        (404, {"error": "Record not found"}, Missing.NOT_FOUND),
        (404, b"<html>no such page</html>", Missing.BLOCKED),
        (410, {"error": "Gone"}, Missing.SUSPENDED),
        (200, b"<html>wall</html>", Missing.BLOCKED),
        (200, b"[", Missing.UNPARSABLE),
    ],
)
def test_refusal_of_a_server_is_that_accounts_reason(status, body, answer):
    assert read(CONNECTOR, [NAME], body, status) == {NAME: answer}


@pytest.mark.parametrize(
    ("status", "expected"), [(422, Trouble.REFUSED), (429, Trouble.RATE_LIMITED), (503, Trouble.SERVER_ERROR)]
)
def test_failed_call_is_named(status, expected):
    assert trouble(read, CONNECTOR, [NAME], {"error": "e"}, status).trouble == expected


def test_list_that_is_none_is_unparsable():
    assert set(read(CONNECTOR, PAIR, {"accounts": []}).values()) == {Missing.UNPARSABLE}


def test_reset_is_an_iso_time():
    reset = (clock.now() + timedelta(seconds=200)).isoformat().replace("+00:00", "Z")
    quota = CONNECTOR.quota(response(x_ratelimit_limit="300", x_ratelimit_remaining="299", x_ratelimit_reset=reset))
    assert (quota.remaining, quota.reset_seconds) == (299, pytest.approx(200, abs=2))


def test_reasons_say_what_to_do():
    assert "signed in" in CONNECTOR.advice(KNOWN, Missing.WANTS_TOKEN)
    assert "address" in CONNECTOR.advice(KNOWN, Missing.NOT_FOUND)
    assert "user@server" in CONNECTOR.advice(Target(1, "press"), Missing.NOT_FOUND)


# --- No handle reaches what is not a public server --------------------------------------------------

ODD_HOSTS = """127.0.0.2 2130706434 0x7f000002 0177.0.0.2 127.2 localhost [::1] ::1 [::ffff:127.0.0.2] 127.0.0.2:443
example.org:8443 example.org/ example.org/x example.org?x example.org# a@example.org example..org .example.org
example.org. EXAMPLE.org exa_mple.org -a.example.org 1.2 server user:pw@example.org example.org\\@127.0.0.2
ü.org""".split()  # noqa: SIM905 - a list of words reads best as words


@pytest.mark.parametrize("host", ["", " ", "127.0.0.2\n", "example.org ", *ODD_HOSTS])
def test_server_that_is_no_public_name_is_never_asked(host):
    target = Target(1, f"press@{host}")
    assert CONNECTOR.at_once(target) == Missing.NOT_FOUND
    assert CONNECTOR.batches([target]) == []


@pytest.mark.parametrize("handle", ["press", "@example.org", "a/b@example.org", "a?b@example.org", "../x@example.org"])
def test_user_outside_the_grammar_is_never_asked(handle):
    assert CONNECTOR.batches([Target(1, handle)]) == []


@pytest.fixture
def forbidden():
    running = RawServer("127.0.0.2")
    yield running
    running.stop()


def fetched(batch, resolver=None):
    async def call():
        async with Fetcher(deadline=3, resolver=resolver) as fetcher:
            await fetcher.fetch(CONNECTOR.request(batch, ""), hosts=CONNECTOR.hosts(batch))

    with pytest.raises(CallFailed) as caught:
        asyncio.run(call())
    return caught.value.trouble


def test_server_whose_name_leads_to_our_own_network_is_not_reached(forbidden, settings):
    settings.FAKE_PLATFORMS_URL = ""
    resolver = Rebinding(["127.0.0.2"], port=forbidden.port)
    assert fetched(batch_of(CONNECTOR, NAME), resolver) == Trouble.FORBIDDEN_ADDRESS
    assert (resolver.asked, forbidden.hits) == (1, 0)


@pytest.mark.parametrize("host", ["127.0.0.2", "2130706434", "0x7f.0.0.2", "127.2", "[::ffff:127.0.0.2]"])
def test_address_check_holds_even_without_the_grammar(settings, host):
    settings.FAKE_PLATFORMS_URL = ""
    assert fetched(Batch("mastodon", (Target(1, f"press@{host}"),), "lookup", host)) == Trouble.FORBIDDEN_ADDRESS


def test_server_that_sends_us_elsewhere_is_not_followed(fakes):
    fakes.fault("redirect", "mastodon", "example.org", value="https://example.com/api/v1/accounts/1")
    assert trouble(ask, "mastodon", NAME).trouble == Trouble.FORBIDDEN_ADDRESS


# --- Through the fake servers -----------------------------------------------------------------------


def known(*handles):
    """`handles` as targets whose ids are known."""
    answers = ask("mastodon", *handles)
    return [Target(n, handle, answers[handle].external_id) for n, handle in enumerate(handles)]


def test_fake_servers_give_their_own_figures_by_name_and_by_id(fakes):
    handles = [f"user{n}@{host}" for host in (OLD, NEW) for n in range(3)]
    fakes.fault("unsupported", "mastodon", OLD)
    truths = {handle: curves.figures("mastodon", handle, clock.today())["followers"] for handle in handles}
    targets = known(*handles)
    assert {handle: answer.followers for handle, answer in ask("mastodon", *targets).items()} == truths
    served = {row["host"]: row["requests"] for row in fakes.served("mastodon")}
    assert served == {OLD: 3 + 1 + 3, NEW: 3 + 1}


@pytest.mark.parametrize(
    ("fault", "by_name", "by_id"),
    [
        ("hidden", Missing.HIDDEN, Missing.HIDDEN),
        ("suspended", Missing.SUSPENDED, Missing.SUSPENDED),
        ("missing", Missing.NOT_FOUND, Missing.NOT_FOUND),
        ("rounded", Missing.UNPARSABLE, Missing.UNPARSABLE),
        ("reassigned", None, Missing.REASSIGNED),
        ("renamed", Missing.NOT_FOUND, None),
    ],
)
def test_one_bad_account_spoils_no_other(fakes, fault, by_name, by_id):
    bad, good = known("bad@example.org", "good@example.org")
    fakes.fault(fault, "mastodon", bad.handle)
    for targets, expected in (([bad.handle, good.handle], by_name), ([bad, good], by_id)):
        answers = ask("mastodon", *targets)
        assert isinstance(answers["good@example.org"], Reading)
        found = answers["bad@example.org"]
        assert found == expected if expected else isinstance(found, Reading)


def test_server_that_wants_a_token_is_the_reason_of_its_accounts_alone(fakes):
    fakes.fault("forbidden", "mastodon", "closed.example.org")
    answers = ask("mastodon", "a@closed.example.org", "b@closed.example.org", "c@example.org")
    assert answers.pop("c@example.org").followers >= 0
    assert set(answers.values()) == {Missing.WANTS_TOKEN}
