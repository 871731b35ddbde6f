"""What Facebook and Instagram share: batch entries, error codes and limits in percent."""

from __future__ import annotations

import json

import pytest

from scraping.connectors.base import Missing, Trouble
from scraping.connectors.facebook import Facebook
from tests.scraping.asking import read, response, trouble

CONNECTOR = Facebook()


def error(code, message="m", **more):
    return {"error": {"message": message, "type": "OAuthException", "code": code, **more}}


def entry(content, code=200):
    return {"code": code, "body": json.dumps(content)}


PAGE = {"id": "1", "followers_count": 10}


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80014])
def test_slow_down_codes_of_the_whole_call_limit_the_platform(code):
    assert trouble(read, CONNECTOR, ["a"], error(code), 400).trouble == Trouble.RATE_LIMITED


def test_limited_call_waits_for_the_minutes_that_the_header_states():
    usage = json.dumps({"123": [{"call_count": 100, "estimated_time_to_regain_access": 12}]})
    failed = trouble(read, CONNECTOR, ["a"], error(32), 400, x_business_use_case_usage=usage)
    assert failed.retry_after == 720


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80001, 80014])
def test_entries_refused_for_now_keep_the_other_entries(code):
    answers = read(CONNECTOR, ["a", "b"], [entry(PAGE), entry(error(code), 400)])
    assert answers["a"].followers == 10
    assert answers["b"] == Missing.POSTPONED


def test_batch_whose_every_entry_is_refused_is_limited():
    refused = [entry(error(4), 400), entry(error(613), 400)]
    assert trouble(read, CONNECTOR, ["a", "b"], refused).trouble == Trouble.RATE_LIMITED


@pytest.mark.parametrize("body", [error(190), [{"code": 400, "body": json.dumps(error(190))}]])
def test_dead_token_is_named_wherever_it_stands(body):
    assert trouble(read, CONNECTOR, ["a"], body, 400 if isinstance(body, dict) else 200).trouble == Trouble.DEAD_TOKEN


def test_passing_illness_is_a_server_error():
    assert trouble(read, CONNECTOR, ["a"], error(2), 500).trouble == Trouble.SERVER_ERROR
    assert trouble(read, CONNECTOR, ["a"], [entry(error(1), 500)]).trouble == Trouble.SERVER_ERROR


@pytest.mark.parametrize("shown", [[], [None], [entry(PAGE)]])
def test_null_and_absent_entries_are_missing_from_the_batch(shown):
    assert read(CONNECTOR, ["a", "b"], shown)["b"] == Missing.FROM_BATCH


@pytest.mark.parametrize("body", ["{", "", "[]", "3", None, "null", '{"error": 3}', '{"error": {"code": "4"}}'])
def test_unreadable_entry_is_unparsable(body):
    assert read(CONNECTOR, ["a"], [{"code": 200, "body": body}]) == {"a": Missing.UNPARSABLE}


def test_percentages_become_calls_left_of_the_hour():
    quota = CONNECTOR.quota(response(x_app_usage='{"call_count": 28, "total_time": 75, "total_cputime": 5}'))
    assert (quota.remaining, quota.reset_seconds, quota.retry_after) == (50, 3600, None)


def test_more_than_all_is_nothing_left():
    assert CONNECTOR.quota(response(x_app_usage='{"call_count": 130}')).remaining == 0


def test_minutes_to_regain_access_become_seconds():
    case = {"call_count": 100, "estimated_time_to_regain_access": 7}
    quota = CONNECTOR.quota(response(x_business_use_case_usage=json.dumps({"123": [case]})))
    assert (quota.remaining, quota.retry_after) == (0, 420)


@pytest.mark.parametrize("raw", ["", "{", "[]", '{"call_count": "NaN"}', '{"call_count": -5}', '{"call_count": true}'])
def test_unreadable_usage_is_unknown(raw):
    quota = CONNECTOR.quota(response(x_app_usage=raw, x_business_use_case_usage=raw))
    assert (quota.remaining, quota.reset_seconds, quota.retry_after) == (None, None, None)
