"""Profile pages: the three ways of stating a count, walls, and what is never taken for a count."""
# ruff: noqa: RUF001 - the digits and separators of other scripts are what is tested

from __future__ import annotations

import json

import pytest

from scraping.connectors.base import Missing, Target, Trouble
from scraping.connectors.facebook_page import FacebookPage
from scraping.connectors.linkedin_page import LinkedInPage
from scraping.connectors.markup import read_html
from scraping.connectors.numbers import Count
from scraping.connectors.pages import agreed, linked_followers, summary
from scraping.connectors.wording import FOLLOWERS, counted
from scraping.connectors.x_page import XPage
from scraping.connectors.youtube_page import YouTubePage
from tests.scraping.asking import read, trouble

GENERIC = [XPage(), FacebookPage(), LinkedInPage(), YouTubePage()]
ON_ALL = pytest.mark.parametrize("connector", GENERIC, ids=lambda one: one.platform)


def linked(*things, head=""):
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(thing)}</script>' for thing in things)
    return f"<!DOCTYPE html><html><head>{head}{scripts}</head><body></body></html>".encode()


def counter(action, number, **more):
    return {"@type": "InteractionCounter", "interactionType": action, "userInteractionCount": number} | more


def person(*counters, **more):
    return {"@type": "Person", "additionalName": "hhsgov", "interactionStatistic": list(counters)} | more


def body(html, head=""):
    return f"<!DOCTYPE html><html><head>{head}</head><body>{html}</body></html>".encode()


def followers(connector, page):
    answer = read(connector, [Target(1, "hhsgov")], page)["hhsgov"]
    return answer if isinstance(answer, Missing) else (answer.followers, answer.followers_rounded)


@ON_ALL
@pytest.mark.parametrize(
    "action",
    ["https://schema.org/FollowAction", "http://schema.org/FollowAction", "FollowAction", {"@type": "FollowAction"}],
)
@pytest.mark.parametrize("nest", [lambda p: p, lambda p: {"@type": "ProfilePage", "mainEntity": p}, lambda p: [p]])
def test_linked_data_states_the_followers(connector, action, nest):
    thing = nest(person(counter(action, 12), counter("https://schema.org/LikeAction", 99)))
    assert followers(connector, linked(thing)) == (12, False)


@ON_ALL
def test_text_in_linked_data_is_read_with_its_precision(connector):
    assert followers(connector, linked(person(counter("FollowAction", "1.2M")))) == (1_200_000, True)


def test_what_the_person_follows_is_no_count_of_followers():
    own = person() | {"agentInteractionStatistic": counter("https://schema.org/FollowAction", 5)}
    assert linked_followers(read_html(linked(own)), "hhsgov") is None


def test_author_of_a_post_lends_nobody_followers():
    post = {"@type": "DiscussionForumPosting", "author": person(counter("FollowAction", 7))}
    assert followers(LinkedInPage(), linked({"@graph": [post]})) == Missing.UNPARSABLE


def test_thing_that_is_named_as_asked_is_the_one_to_read():
    other = {"@type": "Organization", "url": "https://x/other", "interactionStatistic": counter("FollowAction", 9)}
    assert followers(FacebookPage(), linked({"@graph": [other, person(counter("FollowAction", 4))]})) == (4, False)


def test_two_unnamed_things_that_disagree_give_nothing():
    things = [{"@type": "Person", "interactionStatistic": counter("FollowAction", n)} for n in (4, 9)]
    assert followers(FacebookPage(), linked(*things)) == Missing.UNPARSABLE


@pytest.mark.parametrize("number", [True, -1, None, 1.5, [], {}, "", "many", "1e999", 10**14])
def test_number_that_is_no_count_is_unparsable(number):
    assert followers(XPage(), linked(person(counter("FollowAction", number)))) == Missing.UNPARSABLE


def test_broken_linked_data_hides_no_whole_one():
    broken = '<script type="application/ld+json">{</script>'
    page = linked(person(counter("FollowAction", 4)), head=broken)
    assert followers(XPage(), page) == (4, False)


def test_zero_that_the_page_contradicts_is_not_stored():
    page = linked(person(counter("FollowAction", 0))).replace(b"<body>", b"<body><h1>H</h1>1,234 followers")
    assert followers(FacebookPage(), page) == Missing.UNPARSABLE
    assert followers(FacebookPage(), linked(person(counter("FollowAction", 0)))) == (0, False)


# --- Summary ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("HHS | 219,145 followers on LinkedIn. Join the 5,000 followers of our other page.", 219_145),
        ("HHS | Official | 1,234 followers on LinkedIn", 1_234),
        ("HHS | 219.145 Follower:innen auf LinkedIn. Text", 219_145),
        ("HHS | 219 145 abonnés sur LinkedIn. Texte", 219_145),
        ("HHS | 219.145 seguidores en LinkedIn.", 219_145),
    ],
)
def test_linkedin_says_the_count_in_its_summary(text, number):
    head = f'<meta property="og:description" content="{text}">'
    assert followers(LinkedInPage(), body("", head)) == (number, False)


@pytest.mark.parametrize(
    "text", ["We have 219,145 followers on X.", "HHS | 5,000 followers", "5,000 followers · 3 posts", "LinkedIn", ""]
)
def test_owners_boast_is_no_summary_of_linkedin(text):
    head = f'<meta property="og:description" content="{text}">'
    assert isinstance(followers(LinkedInPage(), body("", head)), Missing)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HHS. 640,123 likes · 1,034 talking about this · 56 were here. We do.", (640_123, False)),
        ("HHS, Washington, D. C. 640,123 likes · 1,034 talking about this.", (640_123, False)),
        ("HHS. 650,456 followers · 640,123 likes. About us.", (650_456, False)),
        ("1.2M followers, 56 following, 789 posts - See photos", (1_200_000, True)),
    ],
)
def test_facebook_says_followers_or_else_likes_among_other_counts(text, expected):
    assert followers(FacebookPage(), body("", f'<meta name="description" content="{text}">')) == expected


@pytest.mark.parametrize("connector", [XPage(), YouTubePage()], ids=lambda one: one.platform)
@pytest.mark.parametrize(
    "text", ["Join our 5,000 followers · 3 children", "1M followers, 3 dogs", "5,000 followers · News"]
)
def test_owners_own_text_is_no_summary(connector, text):
    head = f'<meta name="description" content="{text}"><link rel="canonical" href="https://x.com/hhsgov">'
    assert followers(connector, body("", head)) == Missing.UNPARSABLE


def test_summary_of_nothing_but_counts_is_taken_from_anyone():
    assert summary("1,234,567 Followers, 251 Following, 28K Posts", FOLLOWERS, is_own=False) == [Count(1_234_567)]


# --- Visible text ----------------------------------------------------------------------------------


@ON_ALL
@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>HHS</h1><p>1,234,567 followers</p>", (1_234_567, False)),
        ("<p>1.2M followers</p>", (1_200_000, True)),
        ("<h1>HHS</h1><a><b>251</b> <i>Following</i></a> <a><b>1,234</b> <i>Followers</i></a>", (1_234, False)),
        ("<dl><dt>Following</dt><dd>251</dd><dt>Followers</dt><dd>1,234</dd></dl>", (1_234, False)),
        ("<h1>HHS</h1><h2>Tagline</h2><h3>Washington, DC · 219,145 followers</h3>", (219_145, False)),
        ("<h1>HHS</h1>1.2M followers <b>1,234,567 followers</b>", (1_234_567, False)),
        ("<h1>HHS</h1>9 followers<section>Similar: <p>77 followers</p></section>", (9, False)),
        ("<nav>3 followers</nav><script>4 followers</script><p>5 followers</p>", (5, False)),
    ],
)
def test_text_beside_the_name_states_the_count(connector, html, expected):
    if connector.platform == "youtube" and expected[0] >= 1_000:
        expected = (expected[0], True)  # whatever YouTube says is rounded
    assert followers(connector, body(html)) == expected


@ON_ALL
@pytest.mark.parametrize(
    "html",
    [
        "<h1>HHS</h1><p>We reached 1,000,000 followers!</p>",
        "<h1>HHS</h1><p>4 followers</p><p>9 followers</p>",
        "<h1>HHS</h1><section><h1>Other</h1>9 followers</section>",
        "<h1>HHS</h1><article>9 followers</article>",
        "<h1>HHS</h1><p>1.2 followers</p>",
        "<h1>HHS</h1><p>-9 followers</p>",
        "<h1>HHS</h1><p>9 unfollowers</p>",
        "<h1>HHS</h1><p>followers</p>",
        "<h1>HHS</h1><p>9 following</p>",
    ],
)
def test_text_that_is_not_certain_is_no_count(connector, html):
    head = '<meta property="og:url" content="https://site.example/hhsgov/">'
    assert followers(connector, body(html, head)) == Missing.UNPARSABLE


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12 Tsd. Follower", 12_000), ("12.345 Follower:innen", 12_345), ("1,2 M d’abonnés", 1_200_000),
        ("1,2 M de seguidores", 1_200_000), ("12 mil seguidores", 12_000), ("1 234 567 abonnés", 1_234_567),
        ("4,5 тыс. подписчиков", 4_500), ("フォロワー1.2万人", 12_000), ("팔로워 1,234명", 1_234),
        ("1.2万 位粉丝", 12_000), ("١٬٢٣٤ متابع", 1_234), ("Followers: 1,234", 1_234),
        ("3,4 mln obserwujących", 3_400_000),
        ("2 000 följare", 2_000), ("チャンネル登録者数 1.23万人", 12_300), ("1,234,567 people follow this", 1_234_567),
    ],
)  # fmt: skip
def test_words_of_many_languages_are_known(text, number):
    assert counted(text, FOLLOWERS).value == number


def test_exact_statement_beats_the_rounded_one_it_agrees_with():
    assert agreed([Count(1_200_000, rounded=True), Count(1_234_567)]) == Count(1_234_567)
    assert agreed([Count(1_200_000, rounded=True), Count(9)]) == Missing.UNPARSABLE
    assert agreed(iter([Count(3, rounded=True)])) == Count(3, rounded=True)
    assert agreed([]) is None


# --- Walls and refusals ----------------------------------------------------------------------------


@ON_ALL
@pytest.mark.parametrize(
    "title",
    ["Just a moment...", "Log in to Facebook", "Facebook – log in or sign up", "Sign Up | LinkedIn", "Security Check",
     "LinkedIn Login, Sign in | LinkedIn", "Before you continue to YouTube", "Access denied", "Login • Instagram"],
)  # fmt: skip
def test_wall_is_blocked_whatever_numbers_it_shows(connector, title):
    page = f"<html><head><title>{title}</title></head><body>500 followers</body></html>".encode()
    assert followers(connector, page) == Missing.BLOCKED


@ON_ALL
@pytest.mark.parametrize("title", ["Login.gov | LinkedIn", "Join Us – Facebook", "Robot Wars"])
def test_profile_whose_name_sounds_like_a_wall_is_read(connector, title):
    own = f'<title>{title}</title><link rel="canonical" href="https://site.example/hhsgov">'
    thing = {"@type": "Person", "interactionStatistic": [counter("FollowAction", 0)]}
    assert followers(connector, linked(thing, head=own)) == (0, False)


@ON_ALL
@pytest.mark.parametrize("title", ["Log in or sign up to view", "Just a moment...", "Sign Up | LinkedIn"])
def test_wall_in_a_profiles_place_is_a_wall(connector, title):
    own = f'<title>{title}</title><link rel="canonical" href="https://site.example/hhsgov">'
    assert followers(connector, body("0 followers", head=own)) == Missing.BLOCKED


@ON_ALL
@pytest.mark.parametrize("html", [b"", b"{}", b"<html></html>", b"\xff\xfe\x00", b"<html><body>Something else</body>"])
def test_page_that_names_no_profile_is_blocked_never_zero(connector, html):
    assert followers(connector, html) == Missing.BLOCKED


@ON_ALL
@pytest.mark.parametrize(
    ("status", "answer"),
    [(401, Missing.BLOCKED), (403, Missing.BLOCKED), (404, Missing.NOT_FOUND), (410, Missing.NOT_FOUND),
     (999, Missing.BLOCKED)],
)  # fmt: skip
def test_status_is_named(connector, status, answer):
    assert read(connector, ["hhsgov"], b"<html>5 followers</html>", status) == {"hhsgov": answer}


@ON_ALL
def test_challenge_with_a_false_status_is_blocked(connector):
    wall = b"<html><title>Just a moment...</title>"
    for status in (404, 503):
        assert read(connector, ["hhsgov"], wall, status) == {"hhsgov": Missing.BLOCKED}
    assert trouble(read, connector, ["hhsgov"], b"<html>", 503).trouble == Trouble.SERVER_ERROR
    assert trouble(read, connector, ["hhsgov"], wall, 429, retry_after="60").retry_after == 60


@pytest.mark.parametrize("piece", [b"<a", b"<![", b"<!--", b'<a b="', b"</", b"<p>1 x</p>", b"<script>", b'<a b="c">'])
def test_page_made_to_be_slow_is_given_up(piece):
    assert followers(FacebookPage(), piece * (1_000_000 // len(piece))) == Missing.BLOCKED
