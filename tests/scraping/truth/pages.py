"""Public pages, in the shapes that visitors get, with what owners write and other people's counts around the truth."""

from __future__ import annotations

import json
import random
from html import escape
from typing import Any

from tests.scraping.truth.labels import (
    EXACT_WORDS,
    NO_COUNTS,
    UNCERTAIN,
    Asked,
    Body,
    boast,
    encoded,
    exact,
    mixed,
    names,
    number,
    shuffled,
    stated,
)

UNSEEN = (
    "<script>var a = '3 followers';</script>",
    "<nav><p>4 followers</p></nav>",
    "<style>p::after{content:'5 followers'}</style>",
    "<aside>6 followers</aside>",
    "<!-- 7 followers -->",
    "<footer>8 followers</footer>",
    "<template>9 followers</template>",
)


def page(rng: random.Random, handle: str, head: str = "", body: str = "") -> bytes:
    """A page that names the profile, with things around its parts that state nothing."""
    address = f'<link rel="canonical" href="https://site.example/{handle}">'
    title = f"<title>{escape(handle)} – profile</title>"
    parts = shuffled(rng, [address, title, head, '<meta charset="utf-8">'])
    around = "".join(rng.sample(UNSEEN, 2))
    return f"<!DOCTYPE html><html><head>{''.join(parts)}</head><body>{around}{body}</body></html>".encode()


def linked(thing: Any) -> str:
    """`thing` as linked data in a page."""
    text = json.dumps(thing).replace("</", "<\\/")
    return f'<script type="application/ld+json">{text}</script>'


def counter(rng: random.Random, action: str, count: Any) -> dict[str, Any]:
    """An InteractionCounter in one of the ways they are written."""
    kind: Any = rng.choice(["https://schema.org/{}", "http://schema.org/{}", "{}"]).format(action)
    if rng.random() < 0.3:
        kind = {"@type": kind}
    return {"@type": "InteractionCounter", "interactionType": kind, "userInteractionCount": count}


def linked_profile(rng: random.Random, handle: str, count: Any) -> str:
    """A profile with its counter among other counters and other things."""
    counters = [counter(rng, "FollowAction", count), counter(rng, "LikeAction", 77), counter(rng, "WriteAction", 0)]
    person = {"@type": "Person", "additionalName": handle, "interactionStatistic": shuffled(rng, counters)}
    person |= {"description": boast(rng), "agentInteractionStatistic": counter(rng, "FollowAction", 55)}
    post = {"@type": "SocialMediaPosting", "author": {"interactionStatistic": counter(rng, "FollowAction", 66)}}
    post |= {"interactionStatistic": counter(rng, "FollowAction", 44)}
    profile = {"@type": "ProfilePage", "mainEntity": person, "hasPart": [post]}
    thing = rng.choice([person, [post, person], {"@graph": [person, post]}, profile])
    return linked(thing)


def by_linked_data(rng: random.Random, handle: str) -> Body:
    """The count in linked data; the owner's words and others' posts beside it."""
    count: int | None = number(rng)
    value: Any = str(count) if rng.random() < 0.2 else count
    if rng.random() < 0.15:
        count, value = None, rng.choice(NO_COUNTS)
    noise = f"<h1>{handle}</h1><article>{boast(rng)} 88 followers</article>"
    return Body([Asked(handle)], {handle: count}, page(rng, handle, linked_profile(rng, handle, value), noise))


def by_text(rng: random.Random, handle: str) -> Body:
    """The count beside the name, in one of the ways it is set; whoever comes after has other counts."""
    text, count = stated(rng)
    number_alone, _, word = text.rpartition(" ")
    truth: int | None = count
    if rng.random() < 0.2:
        text, truth = rng.choice(UNCERTAIN), None
        form = "<p>{}</p>"
    else:
        form = rng.choice(
            [
                "<p>{}</p>",
                "<div>Washington, DC · {}</div>",
                "<a><span>{}</span></a> • <a>12 following</a>",
                "<b>{} · 3 posts</b>",
            ]
        )
        if text.endswith(tuple(f" {word}" for word in EXACT_WORDS)) and rng.random() < 0.4:
            text = f"<strong>{number_alone}</strong> <span>{word}</span>"
    after = "<article>77 followers</article><section><h2>Similar</h2><p>66 followers</p></section>"
    said = f"<p>{escape('We reached 1,000,000 followers!')}</p>"
    body = f"<header><h1>{handle}</h1>{form.format(text)}{said}</header>{after}"
    return Body([Asked(handle)], {handle: truth}, page(rng, handle, "", body))


def contradicting(rng: random.Random, handle: str) -> Body:
    """Two statements of one kind that cannot both be true."""
    body = f"<h1>{handle}</h1><p>{exact(rng, 5_000)} followers</p><p>{exact(rng, 9_000)} followers</p>"
    return Body([Asked(handle)], {handle: None}, page(rng, handle, "", body), whole=True)


def _any_of(rng: random.Random, *makers: Any) -> Body:
    (handle,) = names(rng, 1)
    made: Body = rng.choice(makers)(rng, handle)
    return made


def x(rng: random.Random) -> Body:
    """Linked data mostly, or text; the description is the owner's."""
    return _any_of(rng, by_linked_data, by_linked_data, by_text, contradicting)


def facebook(rng: random.Random) -> Body:
    """Linked data, the description of the site, or text."""

    def described(rng: random.Random, handle: str) -> Body:
        text, count = stated(rng)
        said = rng.choice(["{}", "Department. {}"]).format(f"{text} · 12 talking about this · 3 were here")
        head = f'<meta name="description" content="{escape(said)}. {escape(boast(rng))}">'
        return Body([Asked(handle)], {handle: count}, page(rng, handle, head))

    return _any_of(rng, by_linked_data, by_text, described, contradicting)


def linkedin(rng: random.Random) -> Body:
    """The description of the site: the first count of followers on LinkedIn; the owner's text comes after."""

    def described(rng: random.Random, handle: str) -> Body:
        count = number(rng)
        text = rng.choice(["{} followers on LinkedIn", "{} Follower:innen auf LinkedIn", "{} abonnés sur LinkedIn"])
        said = f"{rng.choice(['HHS', 'A | B', 'Jobs on LinkedIn'])} | {text.format(exact(rng, count))}. {boast(rng)}"
        head = f'<meta property="og:description" content="{escape(said)}">'
        return Body([Asked(handle)], {handle: count}, page(rng, handle, head))

    def silent(rng: random.Random, handle: str) -> Body:
        said = f"HHS | {rng.choice(['We have 9 followers on X', 'Join 5,000 followers', boast(rng)])}"
        head = f'<meta property="og:description" content="{escape(said)}">'
        return Body([Asked(handle)], {handle: None}, page(rng, handle, head))

    return _any_of(rng, described, described, silent, by_text)


def youtube(rng: random.Random) -> Body:
    """`ytInitialData` in either form; other channels on the same page have subscribers too."""
    (handle,) = names(rng, 1)
    form, power = rng.choice([("{}.{}M", 6), ("{}.{}K", 3), ("{}", 0)])
    whole, tenth = rng.randrange(1, 999), rng.randrange(10)
    text = form.format(whole, tenth) + " subscribers"
    truth: int | None = whole * 10**power + (tenth * 10 ** (power - 1) if power else 0)
    texts = [f"@{handle}", text, "1,204 videos"]
    kind = rng.random()
    if kind < 0.2:
        texts, truth = [f"@{handle}", rng.choice(UNCERTAIN[:4]), "1,204 videos"], None
    elif kind < 0.3:
        texts, truth = [f"@{handle}", "1,204 videos"], None  # hidden
    rows = [{"metadataParts": [{"text": {"content": one}}]} for one in texts]
    view = {"metadata": {"contentMetadataViewModel": {"metadataRows": rows}}}
    header: dict[str, Any] = {"pageHeaderRenderer": {"content": {"pageHeaderViewModel": view}}}
    if rng.random() < 0.4:
        older: dict[str, Any] = {"title": handle, "videosCountText": {"runs": [{"text": "1,204"}, {"text": " videos"}]}}
        if len(texts) == 3:
            older["subscriberCountText"] = {"simpleText": texts[1]}
        header = {"c4TabbedHeaderRenderer": older}
    other = {"gridChannelRenderer": {"subscriberCountText": {"simpleText": "77.7M subscribers"}}}
    about = {"title": handle, "description": boast(rng), "externalId": "UC" + "a" * 22}
    data = mixed(rng, {"header": header, "contents": [other], "metadata": {"channelMetadataRenderer": about}})
    script = f"<script>var ytInitialData = {json.dumps(data).replace('</', '<' + chr(92) + '/')};</script>"
    head = f'<meta name="description" content="{escape(boast(rng))}">'
    return Body([Asked(handle)], {handle: truth}, page(rng, handle, head, script))


def instagram(rng: random.Random) -> Body:
    """web_profile_info."""
    (handle,) = names(rng, 1)
    count: int | None = number(rng)
    user: dict[str, Any] = {
        "id": "52",
        "username": handle.lower(),
        "biography": boast(rng),
        "edge_follow": {"count": 3},
    }
    user |= {"edge_followed_by": mixed(rng, {"count": count}), "edge_mutual_followed_by": {"count": 9, "edges": []}}
    kind, thing = rng.random(), None
    if kind < 0.1:
        user, count = user | {"edge_followed_by": {"count": rng.choice(NO_COUNTS)}}, None
    elif kind < 0.2:
        user, count = user | {"username": "somebody_else"}, None
    elif kind < 0.3:
        thing, count = {"data": {"user": None}, "status": "ok"}, None
    elif kind < 0.4:
        thing, count = {"message": "checkpoint_required", "status": "fail"}, None
    return Body(
        [Asked(handle)], {handle: count}, encoded(thing or {"data": {"user": mixed(rng, user)}, "status": "ok"}, rng)
    )


def tiktok(rng: random.Random) -> Body:
    """Rehydration data: exact texts before shown numbers, other people's videos beside them."""
    (handle,) = names(rng, 1)
    count: int | None = number(rng)
    shown, exactly = {"followerCount": 5, "heartCount": -7}, {"followerCount": str(count), "heartCount": "9"}
    user, code, kind = {"id": "678", "uniqueId": handle.lower(), "signature": boast(rng)}, 0, rng.random()
    if kind < 0.2:
        shown, exactly = {"followerCount": count or 0}, {}
        count = count or 0
    elif kind < 0.3:
        shown, exactly, count = {"followerCount": rng.choice(NO_COUNTS)}, {"followingCount": "4"}, None
    elif kind < 0.4:
        code, count = rng.choice([10221, 10202, 10225]), None
    elif kind < 0.5:
        user, count = user | {"uniqueId": "somebody_else"}, None
    found = {"user": mixed(rng, user), "stats": shown, "statsV2": exactly}
    scope = {
        "webapp.user-detail": {"statusCode": code, "userInfo": found},
        "webapp.video": {"stats": {"followerCount": 8}},
    }
    data = json.dumps({"__DEFAULT_SCOPE__": mixed(rng, scope)}).replace("</", "<\\/")
    script = f'<script id="__UNIVERSAL_DATA_FOR_REHYDRATION__" type="application/json">{data}</script>'
    return Body([Asked(handle)], {handle: count}, page(rng, handle, "", script))


def flickr(rng: random.Random) -> Body:
    """`modelExport` in both shapes."""
    (handle,) = names(rng, 1)
    count: int | None = number(rng)
    value: Any = exact(rng, count) if rng.random() < 0.2 else count
    kind = rng.random()
    if kind < 0.2:
        count, value = None, rng.choice([one for one in NO_COUNTS if one != {}])
    contacts, person = {"followerCount": value, "followingCount": 3}, {"photoCount": 9, "id": "12345678@N00"}
    if rng.random() < 0.5:
        contacts, person = {"data": contacts}, {"data": person}
    main = {"person-contacts-count-models": [contacts], "person-profile-models": [person], "text": boast(rng)}
    export = json.dumps({"main": mixed(rng, main)})
    script = f"<script>Y.init({{ modelExport: {export}, x: {{followerCount: 4}} }});</script>"
    return Body([Asked(handle)], {handle: count}, page(rng, handle, "", script))


PAGES = {"XPage": x, "FacebookPage": facebook, "LinkedInPage": linkedin, "YouTubePage": youtube}
PAGES |= {"InstagramPage": instagram, "TikTokPage": tiktok, "Flickr": flickr}
