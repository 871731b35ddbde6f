"""What is particular to each site's pages: addresses, facts and its own words."""

from __future__ import annotations

import json
from datetime import date

import pytest

from scraping.connectors import PAGES
from scraping.connectors.base import Missing, Reading, Target, Trouble
from tests.scraping.asking import batch_of, read, trouble
from tests.scraping.connectors.test_pages import counter, linked, person

CHANNEL = "UCabcdefghijklmnopqrstuv"


def address(platform, target):
    return PAGES[platform].request(batch_of(PAGES[platform], target), "").url


@pytest.mark.parametrize(
    ("platform", "target", "expected"),
    [
        ("x", Target(1, "HHSGov"), "https://x.com/HHSGov"),
        ("facebook", Target(1, "HHS"), "https://www.facebook.com/HHS"),
        ("facebook", Target(1, "100066204115008"), "https://www.facebook.com/profile.php?id=100066204115008"),
        ("linkedin", Target(1, "nasa"), "https://www.linkedin.com/company/nasa/"),
        (
            "linkedin",
            Target(1, "nurse-corps", url="https://www.linkedin.com/showcase/nurse-corps/"),
            "https://www.linkedin.com/showcase/nurse-corps/",
        ),
        ("youtube", Target(1, "HHS", url="https://www.youtube.com/user/HHS"), "https://www.youtube.com/user/HHS"),
        ("youtube", Target(1, "HHS", url="https://www.youtube.com/c/HHS"), "https://www.youtube.com/c/HHS"),
        ("youtube", Target(1, "HHS", external_id=CHANNEL), f"https://www.youtube.com/channel/{CHANNEL}"),
        ("tiktok", Target(1, "hhs.gov"), "https://www.tiktok.com/@hhs.gov"),
    ],
)
def test_address_is_the_profiles_own(platform, target, expected):
    assert address(platform, target) == expected


@pytest.mark.parametrize(
    ("platform", "limit"),
    [("x", (15, 900)), ("linkedin", (5, 3600)), ("youtube", (100, 3600)), ("facebook", (200, 3600)),
     ("instagram", (10, 3600)), ("tiktok", (10, 3600))],
)  # fmt: skip
def test_pages_are_asked_for_seldom(platform, limit):
    (window,) = PAGES[platform].windows
    assert (window.calls, window.seconds) == limit


@pytest.mark.parametrize("platform", PAGES)
def test_handle_of_no_legal_form_stays_out_of_the_address(platform):
    connector, target = PAGES[platform], Target(1, "a/../b?c#d é")
    if connector.at_once(target) is None:
        request = connector.request(batch_of(connector, target), "")
        assert request.url.isascii()
        assert "/../" not in request.url
        assert "#" not in request.url


def test_person_on_linkedin_is_never_asked_for():
    target = Target(1, "in:somebody")
    assert PAGES["linkedin"].at_once(target) == Missing.UNSUPPORTED_PROFILE
    assert "person" in PAGES["linkedin"].advice(target, Missing.UNSUPPORTED_PROFILE)


# --- X ---------------------------------------------------------------------------------------------


def x_page(**more):
    counters = [
        counter(f"https://schema.org/{name}Action", n) for name, n in (("Follow", 9), ("Subscribe", 2), ("Write", 3))
    ]
    entity = person(*counters, additionalName="HHSGov", identifier="44783853", name="HHS", description="News") | more
    return linked({"@type": "ProfilePage", "mainEntity": entity})


def test_x_profile_is_read_with_its_id_and_facts():
    assert read(PAGES["x"], ["hhsgov"], x_page())["hhsgov"] == Reading(
        followers=9, following=2, posts=3, external_id="44783853", handle="HHSGov", display_name="HHS", bio="News"
    )


def test_x_page_of_somebody_else_is_not_taken():
    assert read(PAGES["x"], ["hhsgov"], x_page(additionalName="other")) == {"hhsgov": Missing.UNPARSABLE}


def test_x_handle_given_to_somebody_else_is_reassigned():
    assert read(PAGES["x"], [Target(1, "hhsgov", "1")], x_page()) == {"hhsgov": Missing.REASSIGNED}


# --- Facebook --------------------------------------------------------------------------------------


def test_facebook_page_that_is_gone_is_not_found():
    body = "<html><head><title>This page isn’t available</title></head>".encode()  # noqa: RUF001 - as Facebook writes it
    assert read(PAGES["facebook"], ["hhs"], body) == {"hhs": Missing.NOT_FOUND}


# --- YouTube ---------------------------------------------------------------------------------------


def youtube(header, **more):
    metadata = {"channelMetadataRenderer": {"title": "HHS", "externalId": CHANNEL, "description": "9 subscribers"}}
    data = {"header": header, "metadata": metadata} | more
    return f"<html><script nonce=x>var ytInitialData = {json.dumps(data)};</script></html>".encode()


def present(*texts):
    rows = [{"metadataParts": [{"text": {"content": text}}]} for text in texts]
    view = {"metadata": {"contentMetadataViewModel": {"metadataRows": rows}}}
    return {"pageHeaderRenderer": {"content": {"pageHeaderViewModel": view}}}


OLDER = {"c4TabbedHeaderRenderer": {"subscriberCountText": {"simpleText": "25.7K subscribers"}}}


@pytest.mark.parametrize("header", [present("@HHS", "25.7K subscribers", "812 videos"), OLDER])
def test_channel_is_read_from_either_header(header):
    answer = read(PAGES["youtube"], ["hhs"], youtube(header))["hhs"]
    assert (answer.followers, answer.followers_rounded, answer.external_id) == (25_700, True, CHANNEL)
    assert answer.videos == (None if header is OLDER else 812)


def test_small_channel_is_exact():
    answer = read(PAGES["youtube"], ["hhs"], youtube(present("999 subscribers")))["hhs"]
    assert (answer.followers, answer.followers_rounded) == (999, False)


@pytest.mark.parametrize(
    ("html", "answer"),
    [
        (youtube(present("@HHS", "812 videos")), Missing.HIDDEN),
        (youtube(present("@HHS", "many subscribers", "812 videos")), Missing.UNPARSABLE),
        (youtube(present()), Missing.UNPARSABLE),
        (youtube(None), Missing.UNPARSABLE),
    ],
)
def test_channel_without_a_count_has_a_reason(html, answer):
    assert read(PAGES["youtube"], ["hhs"], html) == {"hhs": answer}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("This channel does not exist.", Missing.NOT_FOUND),
        ("This account has been terminated for violating Google's Community Guidelines.", Missing.SUSPENDED),
    ],
)
@pytest.mark.parametrize("form", [lambda text: {"simpleText": text}, lambda text: {"runs": [{"text": text}]}])
def test_alert_in_place_of_a_channel_is_named(text, answer, form):
    page = youtube({}, alerts=[{"alertRenderer": {"type": "ERROR", "text": form(text)}}])
    assert read(PAGES["youtube"], ["hhs"], page) == {"hhs": answer}


# --- Instagram -------------------------------------------------------------------------------------

USER = {
    "id": "528817151",
    "username": "hhsgov",
    "full_name": "HHS",
    "biography": "Bio",
    "external_url": "https://www.hhs.gov/",
    "is_verified": True,
    "edge_followed_by": {"count": 120_034},
    "edge_follow": {"count": 80},
    "edge_owner_to_timeline_media": {"count": 3_201},
}


def test_instagram_profile_is_read():
    assert read(PAGES["instagram"], ["HHSgov"], {"data": {"user": USER}, "status": "ok"})["HHSgov"] == Reading(
        followers=120_034, following=80, posts=3_201, external_id="528817151", handle="hhsgov", display_name="HHS",
        bio="Bio", bio_link="https://www.hhs.gov/", verified="verified",
    )  # fmt: skip


def test_instagram_is_told_which_app_asks():
    request = PAGES["instagram"].request(batch_of(PAGES["instagram"], "hhsgov"), "")
    assert request.headers["X-IG-App-ID"].isdigit()
    assert request.params == (("username", "hhsgov"),)


def test_instagram_ids_of_the_two_kinds_are_never_compared():
    known_by_graph = Target(1, "hhsgov", external_id="17841401234567890")
    answer = read(PAGES["instagram"], [known_by_graph], {"data": {"user": USER}})["hhsgov"]
    assert (answer.followers, answer.external_id) == (120_034, "")
    other = Target(1, "hhsgov", external_id="99")
    assert read(PAGES["instagram"], [other], {"data": {"user": USER}}) == {"hhsgov": Missing.REASSIGNED}


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"data": {"user": None}, "status": "ok"}, 200, Missing.NOT_FOUND),
        ({"message": "", "require_login": True, "status": "fail"}, 401, Missing.BLOCKED),
        ({"message": "checkpoint_required", "status": "fail"}, 400, Missing.BLOCKED),
        ({"status": "fail"}, 200, Missing.BLOCKED),
        (b"<html>Login</html>", 200, Missing.BLOCKED),
        (b"<html><title>Login \xe2\x80\xa2 Instagram</title>", 404, Missing.BLOCKED),
        (b"<html><title>Page not found</title>", 404, Missing.NOT_FOUND),
        ({}, 404, Missing.NOT_FOUND),
        ({"data": {"user": USER | {"username": "b"}}}, 200, Missing.UNPARSABLE),
        ({"data": {"user": USER | {"edge_followed_by": {"count": None}}}}, 200, Missing.UNPARSABLE),
        ({"data": {}}, 200, Missing.UNPARSABLE),
    ],
)
def test_instagram_answer_without_a_count_has_a_reason(body, status, answer):
    assert read(PAGES["instagram"], ["hhsgov"], body, status) == {"hhsgov": answer}


def test_instagram_that_asks_to_wait_is_a_limit_not_a_dead_token():
    body = {"message": "Please wait a few minutes before you try again.", "require_login": True, "status": "fail"}
    assert trouble(read, PAGES["instagram"], ["a"], body, 401).trouble == Trouble.RATE_LIMITED


# --- TikTok ----------------------------------------------------------------------------------------


def tiktok(stats=None, exact=None, code=0, **user):
    who = {"id": "6784563", "uniqueId": "hhsgov", "nickname": "HHS", "createTime": 1_500_000_000} | user
    detail = {"statusCode": code, "userInfo": {"user": who, "stats": stats, "statsV2": exact}}
    data = json.dumps({"__DEFAULT_SCOPE__": {"webapp.user-detail": detail}})
    return f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}</script>'.encode()


def test_tiktok_exact_texts_are_preferred():
    page = tiktok(
        {"followerCount": 1_200_000, "heartCount": -7},
        {"followerCount": "1234567", "followingCount": "5", "heartCount": "5000000000", "videoCount": "12"},
    )
    assert read(PAGES["tiktok"], ["hhsgov"], page)["hhsgov"] == Reading(
        followers=1_234_567, following=5, likes=5_000_000_000, videos=12, external_id="6784563", handle="hhsgov",
        display_name="HHS", opened_on=date(2017, 7, 14),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "is_rounded"), [(1_200_000, True), (1_234_567, False), (9_900, False), (12_300, True), (0, False)]
)
def test_tiktok_shown_numbers_are_flagged_where_they_may_be_rounded(number, is_rounded):
    answer = read(PAGES["tiktok"], ["hhsgov"], tiktok({"followerCount": number}))["hhsgov"]
    assert (answer.followers, answer.followers_rounded) == (number, is_rounded)


@pytest.mark.parametrize(
    ("html", "answer"),
    [
        (tiktok({"followerCount": 5}, code=10221), Missing.NOT_FOUND),
        (tiktok({"followerCount": 0}, code=10225), Missing.SUSPENDED),
        (tiktok({}, {}), Missing.UNPARSABLE),
        (tiktok({"followerCount": -1}), Missing.UNPARSABLE),
        (tiktok({"followerCount": 5}, uniqueId="other"), Missing.UNPARSABLE),
        (b"<html><title>TikTok</title>", Missing.BLOCKED),
        (b"<script id=__UNIVERSAL_DATA_FOR_REHYDRATION__>{</script>", Missing.UNPARSABLE),
        (b"<script id=__UNIVERSAL_DATA_FOR_REHYDRATION__>{}</script>", Missing.UNPARSABLE),
    ],
)
def test_tiktok_page_without_a_count_has_a_reason(html, answer):
    assert read(PAGES["tiktok"], ["hhsgov"], html) == {"hhsgov": answer}
