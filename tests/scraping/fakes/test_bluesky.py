"""The fake AppView over HTTP: its batch cap, its validation and its headers."""

from __future__ import annotations

from perf import clock
from scraping.fakes import curves

PATH = "public.api.bsky.app/xrpc/app.bsky.actor.getProfiles"


def actors(count):
    return "&".join(f"actors=user{n}.bsky.social" for n in range(count))


def test_26th_actor_is_refused(call):
    assert call(f"{PATH}?{actors(25)}")[0] == 200
    status, _, data = call(f"{PATH}?{actors(26)}")
    assert (status, data["error"]) == (400, "InvalidRequest")


def test_one_illegal_actor_fails_the_whole_call(call):
    status, _, data = call(f"{PATH}?actors=good.bsky.social&actors=bad")
    assert (status, data["message"]) == (400, "Error: actors/1 must be a valid did or a handle")
    assert call(PATH)[0] == 400


def test_reset_is_in_epoch_seconds_and_names_its_policy(call):
    status, headers, data = call(f"{PATH}?{actors(1)}")
    assert (status, headers["RateLimit-Remaining"], headers["RateLimit-Policy"]) == (200, "2999", "3000;w=300")
    assert 295 < int(headers["RateLimit-Reset"]) - clock.now().timestamp() <= 301
    truth = curves.figures("bluesky", "user0.bsky.social", clock.today())["followers"]
    assert data["profiles"][0]["followersCount"] == truth


def test_one_call_too_many_says_when_to_come_back(fakes, call):
    fakes.set(limits={"bluesky": {"calls": 1, "seconds": 60, "kind": "fixed"}})
    call(f"{PATH}?{actors(1)}")
    status, headers, data = call(f"{PATH}?{actors(1)}")
    assert (status, data["error"], headers["RateLimit-Remaining"]) == (429, "RateLimitExceeded", "0")
    assert 50 < int(headers["Retry-After"]) <= 61


def test_accounts_out_of_sight_are_left_out_without_a_word(fakes, call):
    fakes.fault("suspended", "bluesky", "user1.bsky.social")
    handles = [profile["handle"] for profile in call(f"{PATH}?{actors(3)}&actors=nosuch.bsky.social")[2]["profiles"]]
    assert sorted(handles) == ["user0.bsky.social", "user2.bsky.social"]


def test_did_alone_gives_the_same_figures_with_or_without_memory_of_its_handle(fakes, call):
    did = curves.external_id("bluesky", "asked.first.by.did.social")
    (unknown,) = call(f"{PATH}?actors={did}")[2]["profiles"]
    call(f"{PATH}?actors=asked.first.by.did.social")
    (known,) = call(f"{PATH}?actors={did}")[2]["profiles"]
    assert (unknown["handle"], known["handle"]) == ("handle.invalid", "asked.first.by.did.social")
    assert unknown["followersCount"] == known["followersCount"]
