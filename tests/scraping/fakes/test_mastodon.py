"""The fake Mastodon servers over HTTP: any host, their list's cap, their headers, closed and old ones."""

from __future__ import annotations

from datetime import datetime

import pytest

from perf import clock
from scraping.fakes import curves

ACCOUNTS = "any.example.net/api/v1/accounts"


def test_any_host_answers_as_a_server_of_its_own(call, fakes):
    for host in ("one.example.net", "two.example.net"):
        status, _, data = call(f"{host}/api/v1/accounts/lookup?acct=press")
        truth = curves.figures("mastodon", f"press@{host}", clock.today())["followers"]
        assert (status, data["acct"], data["followers_count"]) == (200, "press", truth)
    assert [row["host"] for row in fakes.served("mastodon")] == ["one.example.net", "two.example.net"]


def test_other_paths_of_unknown_hosts_are_nobodys(call):
    assert call("any.example.net/api/v2/search")[0] == 502
    assert call("any.example.net/api/v1/accounts_x")[0] == 502
    assert call(f"{ACCOUNTS}/1/statuses")[0] == 404


def test_41_ids_are_refused(call):
    def ask(count):
        return call(f"{ACCOUNTS}?" + "&".join(f"id[]={n}" for n in range(1, count + 1)))

    assert (ask(40)[0], len(ask(40)[2]), ask(41)[0]) == (200, 40, 422)


def test_old_server_has_no_list_but_single_accounts(call, fakes):
    fakes.fault("unsupported", "mastodon", "any.example.net")
    assert call(f"{ACCOUNTS}?id[]=1")[0] == 404
    assert call(f"{ACCOUNTS}/1")[2]["id"] == "1"


def test_closed_server_answers_a_token_only(call, fakes):
    fakes.fault("forbidden", "mastodon", "any.example.net")
    assert call(f"{ACCOUNTS}/lookup?acct=press")[0] == 401
    assert call(f"{ACCOUNTS}/lookup?acct=press", Authorization="Bearer t")[0] == 200
    assert call("open.example.net/api/v1/accounts/lookup?acct=press")[0] == 200


def test_reset_is_an_iso_time_and_each_host_has_its_own_meter(call, fakes):
    fakes.set(limits={"mastodon": {"calls": 1, "seconds": 300, "kind": "fixed"}})
    _, headers, _ = call(f"{ACCOUNTS}/lookup?acct=press")
    reset = datetime.fromisoformat(headers["X-RateLimit-Reset"])
    assert headers["X-RateLimit-Remaining"] == "0"
    assert 295 < (reset - clock.now()).total_seconds() <= 300
    assert call(f"{ACCOUNTS}/lookup?acct=press")[0] == 429
    assert call("other.example.net/api/v1/accounts/lookup?acct=press")[0] == 200


@pytest.mark.parametrize("fault", ["rate_limit", "status"])
def test_fault_on_a_host_leaves_the_others(call, fakes, fault):
    fakes.fault(fault, "mastodon", "any.example.net")
    assert call(f"{ACCOUNTS}/lookup?acct=press")[0] in {429, 500}
    assert call("open.example.net/api/v1/accounts/lookup?acct=press")[0] == 200
