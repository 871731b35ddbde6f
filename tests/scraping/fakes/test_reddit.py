"""The fake Reddit over HTTP: its order, its cap and its headers in seconds left."""

from __future__ import annotations

INFO = "oauth.reddit.com/api/info"
BEARER = {"Authorization": "Bearer t"}


def test_answers_come_reordered_and_at_most_a_hundred(call):
    names = [f"name{n:03}" for n in range(101)]
    _, _, data = call(f"{INFO}?sr_name={','.join(names)}", **BEARER)
    found = [child["data"]["display_name"] for child in data["data"]["children"]]
    assert (len(found), sorted(found) == names[:100], found == names[:100]) == (100, True, False)


def test_remaining_is_a_decimal_and_reset_the_seconds_left(call):
    status, headers, _ = call(f"{INFO}?sr_name=science", **BEARER)
    assert (status, headers["X-Ratelimit-Remaining"], headers["X-Ratelimit-Used"]) == (200, "999.0", "1")
    assert 590 <= int(headers["X-Ratelimit-Reset"]) <= 600


def test_fullname_answers_as_its_name_does(call):
    (by_name,) = call(f"{INFO}?sr_name=science", **BEARER)[2]["data"]["children"]
    (by_id,) = call(f"{INFO}?id={by_name['data']['name']}", **BEARER)[2]["data"]["children"]
    assert by_id == by_name


def test_person_is_a_t2_with_the_profile_page_inside(call, fakes):
    data = call("oauth.reddit.com/user/spez/about", **BEARER)[2]
    assert (data["kind"], data["data"]["subreddit"]["display_name"]) == ("t2", "u_spez")
    fakes.fault("suspended", "reddit", "u:spez")
    assert call("oauth.reddit.com/user/spez/about", **BEARER)[2]["data"]["is_suspended"] is True


def test_call_without_a_token_or_past_the_limit_is_refused(call, fakes):
    assert call(f"{INFO}?sr_name=science")[0] == 401
    fakes.set(limits={"reddit": {"calls": 1, "seconds": 600, "kind": "fixed"}})
    assert [call(f"{INFO}?sr_name=science", **BEARER)[0] for _ in range(2)] == [200, 429]
