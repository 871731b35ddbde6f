"""The fake Threads over HTTP: who it shows, its two shapes and its limit."""

from __future__ import annotations

from perf import clock
from scraping.fakes import curves

PATH = "graph.threads.com/v1.0/profile_lookup"
BEARER = {"Authorization": "Bearer t"}


def test_profile_stands_at_top_level_or_under_data(call):
    answers = [call(f"{PATH}?username=name{n}", **BEARER)[2] for n in range(8)]
    assert {"data" in answer for answer in answers} == {True, False}
    counts = [answer.get("data", [answer])[0]["follower_count"] for answer in answers]
    assert counts == [curves.figures("threads", f"name{n}", clock.today())["followers"] for n in range(8)]


def test_profile_that_is_not_shown_does_not_exist(call):
    status, _, data = call(f"{PATH}?username=nosuchname", **BEARER)
    assert (status, data["error"]["code"]) == (400, 24)


def test_call_without_a_token_or_past_the_limit_is_refused(call, fakes):
    assert call(f"{PATH}?username=a")[2]["error"]["code"] == 190
    fakes.set(limits={"threads": {"calls": 1, "seconds": 86_400, "kind": "rolling"}})
    codes = [call(f"{PATH}?username=a", **BEARER)[2].get("error", {}).get("code") for _ in range(2)]
    assert codes == [None, 4]
    assert call("graph.threads.com/v1.0/me", **BEARER)[0] == 404
