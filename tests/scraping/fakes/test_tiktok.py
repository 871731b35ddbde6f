"""The fake TikTok API over HTTP: whose account a token opens, and the fields it gives."""

from __future__ import annotations

from perf import clock
from scraping.fakes import curves

PATH = "open.tiktokapis.com/v2/user/info/"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_token_opens_its_own_account_with_the_fields_asked_for(call):
    status, _, data = call(f"{PATH}?fields=username,follower_count", **bearer("act.cdcgov"))
    truth = curves.figures("tiktok", "cdcgov", clock.today())["followers"]
    assert (status, data["error"]["code"]) == (200, "ok")
    assert data["data"]["user"] == {"username": "cdcgov", "follower_count": truth}


def test_call_that_is_wrong_is_refused_by_name(call, fakes):
    def code(path, token):
        status, _, data = call(path, **bearer(token))
        return status, data["error"]["code"]

    assert code(f"{PATH}?fields=username", "unknown") == (401, "access_token_invalid")
    assert code(PATH, "act.cdcgov") == (400, "invalid_params")
    assert code(f"{PATH}?fields=birthday", "act.cdcgov") == (400, "invalid_params")
    fakes.set(limits={"tiktok": {"calls": 1, "seconds": 60, "kind": "rolling"}})
    assert code(f"{PATH}?fields=username", "act.another") == (200, "ok")
    assert code(f"{PATH}?fields=username", "act.another") == (429, "rate_limit_exceeded")
    assert code(f"{PATH}?fields=username", "act.third") == (200, "ok")
