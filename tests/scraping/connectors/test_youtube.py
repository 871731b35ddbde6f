"""YouTube: shapes of channels.list, written by hand from its reference."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from perf import clock
from scraping.connectors.base import Elsewhere, Missing, Reading, Target, Trouble
from scraping.connectors.youtube import YouTube
from scraping.fakes import curves
from tests.scraping.asking import ask, batch_of, read, trouble

CONNECTOR = YouTube()
CHANNEL = "UCabcdefghijklmnopqrstuv"
NOTHING = {"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0, "resultsPerPage": 5}}
ITEM = {
    "id": CHANNEL,
    "snippet": {
        "title": "HHS",
        "description": "d",
        "publishedAt": "2007-01-02T03:04:05Z",
        "thumbnails": {"default": {"url": "https://yt.example/a.jpg"}},
    },
    "statistics": {
        "viewCount": "5000000000",
        "subscriberCount": "34500",
        "hiddenSubscriberCount": False,
        "videoCount": "812",
    },
}


def found(*items):
    return NOTHING | {"items": list(items)}


def statistics(**changed):
    return ITEM | {"statistics": ITEM["statistics"] | changed}


def test_channel_is_read_and_its_rounding_flagged():
    assert read(CONNECTOR, [CHANNEL], found(ITEM))[CHANNEL] == Reading(
        followers=34_500,
        followers_rounded=True,
        videos=812,
        total_video_views=5_000_000_000,
        external_id=CHANNEL,
        display_name="HHS",
        bio="d",
        image_url="https://yt.example/a.jpg",
        opened_on=date(2007, 1, 2),
    )


def test_small_count_is_exact():
    answer = read(CONNECTOR, [CHANNEL], found(statistics(subscriberCount="999")))[CHANNEL]
    assert (answer.followers, answer.followers_rounded) == (999, False)


@pytest.mark.parametrize("shown", ["0", "34500"])
def test_hidden_count_is_hidden_whatever_number_stands_there(shown):
    item = statistics(hiddenSubscriberCount=True, subscriberCount=shown)
    assert read(CONNECTOR, [CHANNEL], found(item)) == {CHANNEL: Missing.HIDDEN}


@pytest.mark.parametrize("raw", [None, "", "1.2M", "-1", True, 34.5, "1e3"])
def test_count_that_is_no_count_is_unparsable(raw):
    assert read(CONNECTOR, [CHANNEL], found(statistics(subscriberCount=raw))) == {CHANNEL: Missing.UNPARSABLE}


def test_no_items_key_means_not_found():
    assert read(CONNECTOR, [CHANNEL], NOTHING) == {CHANNEL: Missing.NOT_FOUND}


def test_object_that_is_no_channel_list_is_unparsable():
    assert read(CONNECTOR, [CHANNEL], {"channels": [ITEM]}) == {CHANNEL: Missing.UNPARSABLE}


def test_channel_left_out_of_a_batch_is_missing_from_it():
    other = Target(2, "other", external_id="UC" + "x" * 22)
    assert read(CONNECTOR, [CHANNEL, other], found(ITEM))["other"] == Missing.FROM_BATCH


@pytest.mark.parametrize(
    ("url", "handle", "external_id", "step", "parameter"),
    [
        ("https://www.youtube.com/@hhs", "hhs", "", "handle", ("forHandle", "@hhs")),
        ("https://www.youtube.com/user/USGOVHHS", "USGOVHHS", "", "username", ("forUsername", "USGOVHHS")),
        ("https://www.youtube.com/c/Office", "Office", "", "handle", ("forHandle", "@Office")),
        ("https://www.youtube.com/hivgov", "hivgov", "", "handle", ("forHandle", "@hivgov")),
        (f"https://www.youtube.com/channel/{CHANNEL}", CHANNEL, "", "id", ("id", CHANNEL)),
        ("https://www.youtube.com/user/USGOVHHS", "USGOVHHS", CHANNEL, "id", ("id", CHANNEL)),
    ],
)
def test_form_of_the_address_chooses_the_question(url, handle, external_id, step, parameter):
    batch = batch_of(CONNECTOR, Target(1, handle, external_id, url))
    assert batch.step == step
    request = CONNECTOR.request(batch, "secret")
    assert parameter in request.params
    assert "secret" not in str(request.params) + request.url


@pytest.mark.parametrize("url", ["https://www.youtube.com/c/Office", "https://www.youtube.com/Office", ""])
def test_custom_or_bare_name_that_is_no_handle_is_tried_as_user_name_and_then_given_up(url):
    target = Target(1, "Office", url=url)
    first = read(CONNECTOR, [target], NOTHING)["Office"]
    assert first == Elsewhere("username")
    again = CONNECTOR.again(target, first)
    assert read(CONNECTOR, [again], NOTHING) == {"Office": Missing.NOT_FOUND}
    assert "/channel/UC" in CONNECTOR.advice(target, Missing.NOT_FOUND)


def test_missing_handle_is_not_tried_as_anything_else():
    target = Target(1, "hhs", url="https://www.youtube.com/@hhs")
    assert read(CONNECTOR, [target], NOTHING) == {"hhs": Missing.NOT_FOUND}


def test_fifty_ids_travel_in_one_call_and_names_alone():
    ids = [Target(n, f"UC{n:022d}") for n in range(51)]
    names = [Target(100 + n, f"name{n}") for n in range(2)]
    assert [len(batch.targets) for batch in CONNECTOR.batches(ids + names)] == [50, 1, 1, 1]


def error(code, reason):
    return {"error": {"code": code, "message": "m", "errors": [{"reason": reason, "domain": "d"}]}}


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (403, "quotaExceeded", Trouble.RATE_LIMITED),
        (403, "rateLimitExceeded", Trouble.RATE_LIMITED),
        (400, "keyInvalid", Trouble.DEAD_TOKEN),
        (403, "accessNotConfigured", Trouble.REFUSED),
        (500, "backendError", Trouble.SERVER_ERROR),
    ],
)
def test_failed_call_is_named_by_its_reason(status, reason, expected):
    assert trouble(read, CONNECTOR, [CHANNEL], error(status, reason), status).trouble == expected


def test_spent_quota_waits_until_midnight_in_california():
    noon_pacific = datetime(2026, 1, 15, 20, 0, tzinfo=UTC)
    with clock.shifted(noon_pacific - clock.now()):
        failed = trouble(read, CONNECTOR, [CHANNEL], error(403, "quotaExceeded"), 403)
    assert failed.retry_after == pytest.approx(12 * 3600, abs=5)


def test_learned_id_answers_for_the_same_channel(fakes):
    (answer,) = ask("youtube", Target(1, "odphp", url="https://www.youtube.com/odphp")).values()
    later = ask("youtube", Target(1, "odphp", answer.external_id, "https://www.youtube.com/odphp"))
    assert answer.external_id == curves.external_id("youtube", "odphp")
    assert later["odphp"] == answer


def test_units_are_counted_by_the_fake_and_end(fakes):
    fakes.fault("budget_spent", "youtube", "spent")
    failed = trouble(ask, "youtube", Target(1, "spent", url="https://www.youtube.com/@spent"))
    assert failed.trouble == Trouble.RATE_LIMITED
    assert timedelta() < timedelta(seconds=failed.retry_after) <= timedelta(hours=25)
    (row,) = fakes.served("youtube")
    assert row["calls"] == 1
    assert row["window"]["zone"] == "America/Los_Angeles"
