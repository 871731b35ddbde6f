"""The fake GitHub over HTTP: two limits, epoch headers, and ETags that are free with a token."""

from __future__ import annotations

from perf import clock

PATH = "api.github.com/users/cdcgov"
BEARER = {"Authorization": "Bearer t"}


def test_limit_with_and_without_a_token(call):
    _, without, _ = call(PATH)
    status, headers, data = call(PATH, **BEARER)
    assert (without["X-RateLimit-Limit"], headers["X-RateLimit-Limit"]) == ("60", "5000")
    assert (status, headers["X-RateLimit-Remaining"], data["login"]) == (200, "4999", "cdcgov")
    assert 3_590 < int(headers["X-RateLimit-Reset"]) - clock.now().timestamp() <= 3_601


def test_unchanged_answer_is_free_with_a_token_only(call):
    tag = call(PATH, **BEARER)[1]["ETag"]
    status, headers, data = call(PATH, **BEARER, If_None_Match=tag)
    assert (status, data, headers["X-RateLimit-Used"]) == (304, None, "1")
    assert call(PATH, If_None_Match=tag)[1]["X-RateLimit-Used"] == "1"
    assert call(PATH, If_None_Match=tag)[1]["X-RateLimit-Used"] == "2"


def test_61st_call_without_a_token_is_refused_with_403(call):
    statuses = [call(PATH)[0] for _ in range(61)]
    assert statuses == [200] * 60 + [403]
    assert call(PATH)[1]["X-RateLimit-Remaining"] == "0"


def test_id_leads_to_the_account_whatever_its_name(call, fakes):
    number = call(PATH)[2]["id"]
    fakes.fault("renamed", "github", "cdcgov")
    assert call(PATH)[0] == 404
    assert call(f"api.github.com/user/{number}")[2]["login"] == "moved-cdcgov"
    assert call("api.github.com/user/1/repos")[0] == 404
