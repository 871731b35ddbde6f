"""Addresses and handles: every form a roster holds, and what is refused with which reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.platforms import (
    PLATFORMS,
    NotAProfile,
    find_platform,
    handle_key,
    normalise_handle,
    parse_profile_url,
    profile_kind,
    profile_url,
)

ROSTER = json.loads((Path(__file__).parents[2] / "accounts" / "demo_roster.json").read_text())
PAGE_ID = "100066204115008"
CHANNEL = "UCxwOcnZ9pnGKFpZy7yjJdrQ"
DID = "did:plc:z72i7hdynmk6r22z27h6tvur"


@pytest.mark.parametrize("row", ROSTER, ids=lambda row: row["url"])
def test_every_address_of_the_real_roster_names_a_profile_and_its_own_canonical_form(row):
    found = parse_profile_url(row["url"], row["platform"])
    assert parse_profile_url(found.url) == found


def test_the_real_roster_names_99_different_accounts():
    found = [parse_profile_url(row["url"], row["platform"]) for row in ROSTER]
    assert len({(p.platform, handle_key(p.platform, p.handle)) for p in found}) == 99


@pytest.mark.parametrize(
    ("url", "platform", "handle", "external_id", "kind"),
    [
        ("https://twitter.com/CDCgov", "x", "CDCgov", "", "handle"),
        ("HTTPS://MOBILE.TWITTER.COM/CDCgov/", "x", "CDCgov", "", "handle"),
        ("x.com/@CDCgov?lang=es&ref_src=a#top", "x", "CDCgov", "", "handle"),
        ("https://twitter.com/#!/CDCgov", "x", "CDCgov", "", "handle"),
        ("https://x.com/CDCgov/with_replies", "x", "CDCgov", "", "handle"),
        ("//www.x.com/CDCgov", "x", "CDCgov", "", "handle"),
        ("https://x.com:443/CDCgov", "x", "CDCgov", "", "handle"),
        ("https://es-la.facebook.com/HHS/?locale=es_LA", "facebook", "HHS", "", "page"),
        ("https://m.facebook.com/profile.php?v=info&id=100066204115008", "facebook", PAGE_ID, PAGE_ID, "id"),
        ("facebook.com/PROFILE.PHP?id=42&sk=about", "facebook", "42", "42", "id"),
        ("https://www.facebook.com/people/Some-Office/100066204115008/", "facebook", PAGE_ID, PAGE_ID, "id"),
        ("https://www.facebook.com/p/Some-Office-100066204115008/", "facebook", PAGE_ID, PAGE_ID, "id"),
        ("https://www.facebook.com/MentalHealth.gov/about", "facebook", "MentalHealth.gov", "", "page"),
        ("https://www.linkedin.com/company/cdc/posts/?feedView=all", "linkedin", "cdc", "", "company"),
        ("https://fr.linkedin.com/school/johns-hopkins/", "linkedin", "johns-hopkins", "", "school"),
        ("https://www.linkedin.com/showcase/10897894/", "linkedin", "10897894", "10897894", "showcase"),
        ("https://www.linkedin.com/in/hhscybersecurity/fr", "linkedin", "in:hhscybersecurity", "", "person"),
        ("https://www.linkedin.com/company/caf%C3%A9", "linkedin", "café", "", "company"),
        ("https://www.youtube.com/@NIH/videos", "youtube", "NIH", "", "handle"),
        ("https://www.youtube.com/user/USGOVHHS", "youtube", "USGOVHHS", "", "user"),
        ("https://youtube.com/c/HHSOffice?sub_confirmation=1", "youtube", "HHSOffice", "", "custom"),
        ("https://www.youtube.com/hivgov", "youtube", "hivgov", "", "bare"),
        (f"https://m.youtube.com/channel/{CHANNEL}/about", "youtube", CHANNEL, CHANNEL, "channel"),
        ("https://www.threads.net/@potus", "threads", "potus", "", "handle"),
        ("https://www.threads.com/@potus/replies", "threads", "potus", "", "handle"),
        ("https://mastodon.social/web/@Gargron", "mastodon", "Gargron@mastodon.social", "", "handle"),
        ("https://mastodon.social/@Gargron", "mastodon", "Gargron@mastodon.social", "", "handle"),
        ("https://mastodon.social/@user@Mstdn.JP", "mastodon", "user@mstdn.jp", "", "handle"),
        ("https://mastodon.social/users/Gargron", "mastodon", "Gargron@mastodon.social", "", "handle"),
        ("https://bsky.app/profile/nasa.bsky.social", "bluesky", "nasa.bsky.social", "", "handle"),
        (f"https://bsky.app/profile/{DID}", "bluesky", DID, DID, "handle"),
        ("https://old.reddit.com/r/AskScience/top/?t=all", "reddit", "AskScience", "", "community"),
        ("https://www.reddit.com/u/some-body", "reddit", "u:some-body", "", "person"),
        ("https://www.reddit.com/user/some-body/", "reddit", "u:some-body", "", "person"),
        ("https://www.flickr.com/people/hhsgov/", "flickr", "hhsgov", "", "people"),
        ("https://www.flickr.com/photos/12345678@N00/albums/7", "flickr", "12345678@N00", "12345678@N00", "photos"),
        ("https://www.tiktok.com/@who?lang=en", "tiktok", "who", "", "handle"),
        ("https://truthsocial.com/@seckennedy", "truth_social", "seckennedy", "", "handle"),
        ("https://m.tiktok.com/@who", "tiktok", "who", "", "handle"),
        ("https://github.com/CDCgov?tab=followers", "github", "CDCgov", "", "handle"),
        ("https://github.com/orgs/CDCgov/repositories", "github", "CDCgov", "", "handle"),
        ("instagram.com/OPRE_ACF/reels/", "instagram", "OPRE_ACF", "", "handle"),
    ],
)  # fmt: skip  # one case a line
def test_an_address_form_names_its_profile(url, platform, handle, external_id, kind):
    found = parse_profile_url(url)
    assert (found.platform, found.handle, found.external_id, found.kind) == (platform, handle, external_id, kind)
    assert parse_profile_url(found.url) == found


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "no address"),
        ("https://www.instagram.com/p/Cabc123/", "a post"),
        ("https://www.instagram.com/reel/Cabc123/", "a reel"),
        ("https://www.facebook.com/share/p/abc", "a sharing page"),
        ("https://www.facebook.com/profile.php", "without the profile's id"),
        ("https://www.facebook.com/groups/123", "a group"),
        ("https://www.youtube.com/watch?v=abc", "a video"),
        (f"https://www.youtube.com/channel/{CHANNEL.lower()}", "without a channel id"),
        ("https://x.com/CDCgov/status/1", "a post or another page"),
        ("https://twitter.com/intent/user?screen_name=CDCgov", "a sharing page"),
        ("https://x.com/", "front page"),
        ("https://x.com/name_that_is_too_long", "1 to 15"),
        ("https://www.linkedin.com/company/", "without a name"),
        ("https://www.linkedin.com/feed/update/1", "a post"),
        ("https://developers.facebook.com/HHS", "holds no profiles"),
        ("https://github.com/CDCgov/repo", "another page"),
        ("https://example.com/@someone", "No platform"),
        ("https://x.com.evil.example/CDCgov", "No platform"),
        ("https://x.com@127.0.0.1/CDCgov", "not the address of a web page"),
        ("https://127.0.0.1/@someone", "not the name of a server"),
        ("https://x.com:8080/CDCgov", "not the address of a web page"),
        ("https://[::1/x", "not an address"),
        ("javascript://x.com/CDCgov", "not the address of a web page"),
        ("https://x.com/<script>", "characters that no address"),
        ("https://x.com/a b", "characters that no address"),
        ("=HYPERLINK(1)", "not the name of a server"),
        ("https://bsky.app/profile/nasa", "the whole name"),
    ],
)
def test_an_address_that_names_no_profile_is_refused_with_its_reason(url, reason):
    with pytest.raises(NotAProfile, match=reason.replace("(", r"\(")):
        parse_profile_url(url)


def test_a_row_whose_platform_contradicts_its_address_is_refused():
    with pytest.raises(NotAProfile, match="address of Facebook, but the row says X"):
        parse_profile_url("https://www.facebook.com/HHS", "Twitter")


def test_any_server_may_be_mastodon_when_the_row_says_so_but_not_an_ip_address():
    assert parse_profile_url("https://social.example.org/@press", "mastodon").handle == "press@social.example.org"
    with pytest.raises(NotAProfile, match="name of a server"):
        parse_profile_url("https://192.168.0.1/@press", "mastodon")


@pytest.mark.parametrize(
    "name",
    ["Twitter", "x", "facebook Español", "FACEBOOK ESPAN\u0303OL", "Truth  Social", "truth_social", "truth-social"],
)
def test_a_platform_is_found_by_name_label_or_alias_whatever_its_case(name):
    assert find_platform(name) is not None


def test_an_unknown_platform_is_none_and_names_the_known_ones_when_demanded():
    assert find_platform("myspace") is None
    with pytest.raises(NotAProfile, match="truth_social"):
        parse_profile_url("https://x.com/CDCgov", "myspace")


@pytest.mark.parametrize(
    ("platform", "typed", "stored"),
    [
        ("x", " @CDCgov ", "CDCgov"),
        ("reddit", "/r/askscience", "askscience"),
        ("reddit", "u/some-body", "u:some-body"),
        ("linkedin", "in/some-one", "in:some-one"),
        ("linkedin", "showcase/otip", "otip"),
        ("mastodon", "@Press@EXAMPLE.org", "Press@example.org"),
    ],
)
def test_a_typed_handle_is_stored_in_one_way(platform, typed, stored):
    assert normalise_handle(platform, typed) == stored


@pytest.mark.parametrize("handle", ["=1+1", "<b>x</b>", "a,b", "a b", "", "@", "a\x00b", "a\u200bb", "-", "a/b", "'x'"])
@pytest.mark.parametrize("platform", ["x", "facebook", "youtube", "mastodon"])
def test_a_handle_the_platform_cannot_have_is_refused_not_cleaned(platform, handle):
    with pytest.raises(NotAProfile, match=r"cannot be a handle|not the name of a server"):
        normalise_handle(platform, handle)


def test_the_kind_of_an_address_is_kept_for_whoever_asks_the_platform():
    assert profile_kind("youtube", "ODPHP", "https://www.youtube.com/user/ODPHP") == "user"
    assert profile_kind("youtube", "renamed", "https://www.youtube.com/user/ODPHP") == "handle"
    assert profile_kind("youtube", CHANNEL) == "channel"
    assert profile_kind("facebook", "100066204115008") == "id"
    assert profile_kind("linkedin", "in:some-one", "not an address") == "person"


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_white_text_is_readable_on_every_platform_colour():
    contrast = {p.name: 1.05 / (luminance(p.colour) + 0.05) for p in PLATFORMS.values()}
    assert min(contrast.values()) >= 4.5, contrast


def test_every_badge_and_colour_is_its_own():
    assert len({p.badge for p in PLATFORMS.values()}) == len({p.colour for p in PLATFORMS.values()}) == len(PLATFORMS)


ODD = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@pytest.mark.req("A3")
@given(handle=ODD)
def test_a_handle_key_is_the_same_for_case_variants_and_for_itself(handle):
    key = handle_key("x", handle)
    assert handle_key("x", key) == key
    assert handle_key("x", handle.casefold()) == key


@pytest.mark.req("A3")
@pytest.mark.parametrize(
    ("one", "other"), [("a:b", "a/b"), ("a b", "ab"), ("a:b", "a::b"), ("a/b", "a//b"), ("a%3Ab", "a:b")]
)
def test_odd_handles_do_not_share_a_key(one, other):
    assert handle_key("x", one) != handle_key("x", other)


def said(call, *arguments):
    """What `call` gave, or its refusal."""
    try:
        return call(*arguments)
    except NotAProfile as refusal:
        return refusal


@given(platform=st.sampled_from(sorted(PLATFORMS)), text=st.from_regex(r"[A-Za-z0-9_.@:-]{1,20}", fullmatch=True))
def test_whatever_is_accepted_as_a_handle_has_an_address_that_names_it_again(platform, text):
    text = f"{text}@example.org" if platform == "mastodon" else text
    handle = said(normalise_handle, platform, text)
    if isinstance(handle, NotAProfile):
        return
    again = said(parse_profile_url, profile_url(platform, handle, profile_kind(platform, handle)), platform)
    taken_by_the_site = isinstance(again, NotAProfile) and "of the site" in str(again)
    assert taken_by_the_site or handle_key(platform, again.handle) == handle_key(platform, handle)


@given(st.text(max_size=60), st.sampled_from(["", *PLATFORMS]))
def test_no_text_makes_the_parser_fail_in_another_way_than_its_own(text, platform):
    for url in (text, f"https://x.com/{text}", f"https://{text}/@a"):
        found = said(parse_profile_url, url, platform)
        assert isinstance(found, NotAProfile) or normalise_handle(found.platform, found.handle) == found.handle


@pytest.mark.parametrize(("platform", "handle"), [("facebook", "\ufdfa" * 20), ("linkedin", "\u5b57" * 100)])
def test_a_handle_that_grows_too_long_to_be_stored_is_refused(platform, handle):
    with pytest.raises(NotAProfile, match="too long"):
        normalise_handle(platform, handle)
