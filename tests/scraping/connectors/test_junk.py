"""Whatever a platform answers, a connector gives reasons or CallFailed; never a number that was not there."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scraping.connectors import EVERY
from scraping.connectors.base import CallFailed, Elsewhere, Learned, Missing, Quota, Response, Target
from tests.examples import examples

TIKTOK = "__UNIVERSAL_DATA_FOR_REHYDRATION__"
CHANNEL = "UCabcdefghijklmnopqrstuv"
WORDS = """data errors id username name public_metrics followers_count tweet_count items pageInfo statistics snippet
subscriberCount hiddenSubscriberCount body code error error_subcode message business_discovery fan_count elements
firstDegreeSize acct suspended statuses_count value detail reason main modelExport person-contacts-count-models
followerCount thumbnails default url type details profiles did handle followersCount follower_count children kind
subreddit subscribers display_name login followers user open_id edge_followed_by userInfo stats statsV2 uniqueId @type
@graph mainEntity interactionStatistic interactionType userInteractionCount FollowAction header metadata
alerts""".split()  # noqa: SIM905 - a list of words reads best as words
NO_COUNTS = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(max_value=-1),
    st.integers(min_value=10**14),
    st.sampled_from(["", "NaN", "1e999", "-5", "many", "1.2", "hhsgov", CHANNEL, "suspended"]),
    st.just(math.nan),
)
JUNK = st.recursive(
    NO_COUNTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)
TARGETS = [
    Target(1, "hhsgov"),
    Target(2, "known", external_id="123456"),
    Target(3, "nurse-corps", url="https://www.linkedin.com/company/nurse-corps/"),
    Target(4, CHANNEL, url=f"https://www.youtube.com/channel/{CHANNEL}"),
    Target(5, "hhsgov.bsky.social"),
    Target(6, "hhsgov@example.org"),
    Target(7, "known@example.org", external_id="123456@example.org"),
    Target(8, "u:hhsgov"),
]
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 402, 403, 404, 410, 418, 429, 500, 503, 999])
HEADER_NAMES = """retry-after x-rate-limit-remaining x-rate-limit-reset x-ratelimit-reset x-ratelimit-remaining
ratelimit-remaining ratelimit-reset x-app-usage x-business-use-case-usage content-type""".split()  # noqa: SIM905 - the same
HEADER_VALUES = ["1e999", "NaN", "-1", "9" * 30, '{"call_count": 1e400}', "[1]", "text/html", "Mon, 99 Zzz 1e9"]
HEADERS = st.dictionaries(
    st.sampled_from(HEADER_NAMES), st.text(max_size=40) | st.sampled_from(HEADER_VALUES), max_size=4
)
EVERY_CONNECTOR = pytest.mark.parametrize("connector", EVERY, ids=lambda one: type(one).__name__)
QUICK = settings(max_examples=examples(10), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(connector, batch, response):
    try:
        return connector.parse(batch, response)
    except CallFailed as failed:
        return failed


def hold(connector, status, headers, body):
    """Parse `body` for each kind of target and check every promise of the contract."""
    response = Response(status, headers, body)
    assert isinstance(connector.quota(response), Quota)
    for batch in connector.batches(TARGETS):
        found = outcome(connector, batch, response)
        if isinstance(found, CallFailed):
            assert found.retry_after is None or 0 < found.retry_after <= 90_000
        else:
            assert set(found) == set(batch.handles)
            assert all(isinstance(answer, Missing | Learned | Elsewhere) for answer in found.values())


@EVERY_CONNECTOR
@QUICK
@given(status=STATUSES, headers=HEADERS, body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_reason(connector, status, headers, body):
    hold(connector, status, headers, body)


@EVERY_CONNECTOR
@QUICK
@given(status=STATUSES, headers=HEADERS, data=JUNK)
def test_any_json_without_counts_gives_a_reason(connector, status, headers, data):
    text = json.dumps(data)
    hold(connector, status, headers, text.encode())
    for body in in_pages(text) if connector.kind == "page" else [json.dumps([{"code": 200, "body": text}, None, data])]:
        hold(connector, status, headers, body.encode())


def in_pages(text):
    """The ways in which pages carry data."""
    yield f"<script>modelExport: {text}</script>"
    yield f'<script type="application/ld+json">{text}</script>'
    yield f"<script>var ytInitialData = {text};</script>"
    yield f'<script id={TIKTOK}>{{"__DEFAULT_SCOPE__": {{"webapp.user-detail": {text}}}}}</script>'
