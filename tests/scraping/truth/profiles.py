"""Answers of the platforms whose endpoint gives one profile or a list of them, in the shapes of their references."""

from __future__ import annotations

import random
from typing import Any

from tests.scraping.truth.labels import NO_COUNTS, Asked, Body, boast, encoded, mixed, names, number, shuffled


def figure(rng: random.Random) -> tuple[int | None, Any]:
    """The truth, and what an answer says for it: mostly itself, sometimes nothing that is a count."""
    if rng.random() < 0.15:
        return None, rng.choice(NO_COUNTS)
    count = number(rng)
    return count, count


def bluesky(rng: random.Random) -> Body:
    """getProfiles: the gone are left out, the rest in any order."""
    asked = [Asked(f"{name.lower().replace('_', '')}.bsky.social") for name in names(rng, rng.randrange(1, 8))]
    profiles, truth = [], {}
    for n, one in enumerate(asked):
        truth[one.handle], value = figure(rng)
        profile = {"did": f"did:plc:{n:024d}", "handle": one.handle, "followsCount": 3, "description": boast(rng)}
        if rng.random() < 0.1:
            truth[one.handle] = None
            continue
        if rng.random() < 0.1:
            truth[one.handle] = None  # the count is optional
        else:
            profile |= {"followersCount": value}
        profiles.append(mixed(rng, profile))
    return Body(asked, truth, encoded({"profiles": shuffled(rng, profiles)}, rng))


def mastodon(rng: random.Random) -> Body:
    """accounts/lookup: -1 is hidden, suspended ones have zeros."""
    (name,) = names(rng, 1)
    handle = f"{name}@mastodon.example"
    count, value = figure(rng)
    account = {"id": "109", "username": name.lower(), "acct": name, "note": boast(rng), "statuses_count": 0}
    account |= {"followers_count": value, "url": f"https://mastodon.example/@{name}"}
    kind = rng.random()
    if kind < 0.1:
        account, count = account | {"suspended": True, "followers_count": 0}, None
    elif kind < 0.2:
        account, count = account | {"followers_count": -1}, None
    return Body([Asked(handle)], {handle: count}, encoded(mixed(rng, account), rng))


def threads(rng: random.Random) -> Body:
    """profile_lookup: the count at top level or in the only entry of `data`."""
    (name,) = names(rng, 1)
    count, value = figure(rng)
    profile = mixed(rng, {"username": name.lower(), "follower_count": value, "biography": boast(rng), "likes_count": 5})
    if rng.random() < 0.1:
        profile, count = profile | {"username": "somebody_else"}, None
    thing: Any = rng.choice([profile, {"data": [profile]}])
    if rng.random() < 0.1:
        thing, count = {"data": []}, None
    return Body([Asked(name)], {name: count}, encoded(thing, rng))


def tiktok(rng: random.Random) -> Body:
    """user/info of the account whose token it is."""
    (name,) = names(rng, 1)
    count, value = figure(rng)
    user = {"open_id": "723f24d7-e717", "username": name.lower(), "follower_count": value, "likes_count": 9}
    thing = {"data": {"user": mixed(rng, user)}, "error": {"code": "ok", "message": ""}}
    return Body([Asked(name)], {name: count}, encoded(thing, rng))


def reddit(rng: random.Random) -> Body:
    """api/info: communities reordered, private ones without a count."""
    asked = [Asked(name) for name in names(rng, rng.randrange(1, 8))]
    children, truth = [], {}
    for n, one in enumerate(asked):
        truth[one.handle], value = figure(rng)
        if rng.random() < 0.1:
            truth[one.handle] = None
            continue
        data = {"name": f"t5_{n}", "display_name": one.handle.lower(), "subscribers": value, "accounts_active": 5}
        children.append({"kind": "t5", "data": mixed(rng, data | {"public_description": boast(rng)})})
    listing = {"kind": "Listing", "data": {"children": shuffled(rng, children), "dist": len(children)}}
    return Body(asked, truth, encoded(listing, rng))


def github(rng: random.Random) -> Body:
    """users/{login}."""
    name = f"user-{rng.randrange(99)}"
    count, value = figure(rng)
    user = {
        "login": name.upper(),
        "id": 583231,
        "followers": value,
        "following": 9,
        "public_repos": 0,
        "bio": boast(rng),
    }
    return Body([Asked(name)], {name: count}, encoded(mixed(rng, user), rng))


PROFILES = {"Bluesky": bluesky, "Mastodon": mastodon, "Threads": threads, "TikTok": tiktok}
PROFILES |= {"Reddit": reddit, "GitHub": github}
