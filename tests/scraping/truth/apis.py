"""Answers of documented endpoints, in the shapes of their references."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.scraping.truth.labels import NO_COUNTS, Asked, Body, boast, encoded, mixed, names, number, shuffled

PROBLEM = "https://api.twitter.com/2/problems/resource-not-found"


def spoilt(rng: random.Random) -> bool:
    """Whether this one account has no readable count."""
    return rng.random() < 0.15


def x(rng: random.Random) -> Body:
    """GET /2/users and /2/users/by: users in any order, the absent in `errors`."""
    by_id = rng.random() < 0.5
    asked = [Asked(name, str(10**17 + n) if by_id else "") for n, name in enumerate(names(rng, rng.randrange(1, 8)))]
    users, errors, truth = [], [], {}
    for one in asked:
        truth[one.handle] = None
        kind = rng.random()
        value = one.external_id or one.handle
        if kind < 0.1:
            continue  # vanished from the answer
        if kind < 0.2:
            detail = rng.choice(
                [f"Could not find user with usernames: [{value}].", f"User has been suspended: [{value}]."]
            )
            errors.append({"value": value, "detail": detail, "title": "Not Found Error", "type": PROBLEM})
            continue
        metrics: dict[str, Any] = {
            "following_count": 3,
            rng.choice(["tweet_count", "post_count"]): 9,
            "listed_count": 0,
        }
        if kind < 0.3:
            metrics["followers_count"] = rng.choice(NO_COUNTS)
        elif kind > 0.35:
            metrics["followers_count"] = truth[one.handle] = number(rng)
        shown = {"id": one.external_id or "5", "username": one.handle.upper(), "name": boast(rng)}
        users.append(mixed(rng, shown | {"description": boast(rng), "public_metrics": mixed(rng, metrics)}))
    body: dict[str, Any] = {"data": shuffled(rng, users)} if users else {}
    return Body(asked, truth, encoded(body | ({"errors": errors} if errors else {}), rng))


def youtube(rng: random.Random) -> Body:
    """channels.list by id: strings, in any order, no `items` for nothing."""
    asked = [Asked(name, f"UC{n:022d}") for n, name in enumerate(names(rng, rng.randrange(1, 8)))]
    items, truth = [], {}
    for one in asked:
        truth[one.handle] = None
        kind = rng.random()
        if kind < 0.1:
            continue
        statistics: dict[str, Any] = {"viewCount": "99", "videoCount": "0", "hiddenSubscriberCount": kind < 0.2}
        if kind < 0.2:
            statistics["subscriberCount"] = "0"  # hidden: the zero means nothing
        elif kind < 0.3:
            statistics["subscriberCount"] = rng.choice(NO_COUNTS)
        elif kind > 0.35:
            truth[one.handle] = count = number(rng)
            statistics["subscriberCount"] = str(count)
        snippet = {"title": boast(rng), "description": boast(rng), "publishedAt": "2010-01-01T00:00:00Z"}
        items.append(mixed(rng, {"id": one.external_id, "statistics": mixed(rng, statistics), "snippet": snippet}))
    page: dict[str, Any] = {"pageInfo": {"totalResults": len(items), "resultsPerPage": 50}}
    return Body(asked, truth, encoded(page | ({"items": shuffled(rng, items)} if items else {}), rng))


def _graph(rng: random.Random, make: Any) -> Body:
    """A Graph batch: one entry each, in order; some null, some refused."""
    asked = [Asked(name) for name in names(rng, rng.randrange(1, 8))]
    entries: list[Any] = []
    truth: dict[str, int | None] = {}
    for one in asked:
        truth[one.handle] = None
        kind = rng.random()
        if kind < 0.1:
            entries.append(None)
        elif kind < 0.25:
            code, subcode = rng.choice(
                [(803, None), (21, None), (110, 2207013), (10, None), (100, 33), (4, None), (2, None)]
            )
            error = {"error": {"code": code, "error_subcode": subcode, "message": boast(rng)}}
            entries.append({"code": 400, "body": json.dumps(error)})
        else:
            truth[one.handle], content = make(rng, one.handle)
            entries.append({"code": 200, "body": encoded(content, rng).decode()})
    return Body(asked, truth, encoded(entries, rng))


def facebook(rng: random.Random) -> Body:
    """Pages: followers, else likes, else nothing certain."""

    def page(rng: random.Random, handle: str) -> tuple[int | None, dict[str, Any]]:
        shown: dict[str, Any] = {"id": "123456", "name": boast(rng), "username": handle, "about": boast(rng)}
        count, kind = number(rng), rng.random()
        if kind < 0.5:
            return count, mixed(rng, shown | {"followers_count": count, "fan_count": 5})
        if kind < 0.8:
            return count, mixed(rng, shown | {"fan_count": count})
        return None, mixed(rng, shown | {"followers_count": rng.choice(NO_COUNTS), "likes": 7})

    return _graph(rng, page)


def instagram(rng: random.Random) -> Body:
    """Business discovery: the username says whose figures they are."""

    def discovered(rng: random.Random, handle: str) -> tuple[int | None, dict[str, Any]]:
        count, kind = number(rng), rng.random()
        found = {
            "username": handle.lower(),
            "follows_count": 7,
            "media_count": 0,
            "biography": boast(rng),
            "id": "17" * 8,
        }
        if kind < 0.1:
            return None, {
                "business_discovery": found | {"username": "somebody_else", "followers_count": count},
                "id": "1",
            }
        if kind < 0.25:
            return None, {"business_discovery": found | {"followers_count": rng.choice(NO_COUNTS)}, "id": "1"}
        if kind < 0.3:
            return None, {"business_discovery": found, "id": "1", "followers_count": 9}
        return count, {"id": "1", "business_discovery": mixed(rng, found | {"followers_count": count})}

    return _graph(rng, discovered)


def linkedin(rng: random.Random) -> Body:
    """networkSizes of one organisation."""
    count = number(rng)
    asked = [Asked("nurse-corps", str(rng.randrange(10, 10**8)))]
    if spoilt(rng):
        thing = rng.choice([{}, {"firstDegreeSize": rng.choice(NO_COUNTS)}, {"secondDegreeSize": 5}])
        return Body(asked, {"nurse-corps": None}, encoded(thing, rng))
    return Body(asked, {"nurse-corps": count}, encoded(mixed(rng, {"firstDegreeSize": count}), rng))


def truth_social(rng: random.Random) -> Body:
    """An account in Mastodon's shape: -1 is hidden, a suspended one has zeros."""
    (name,) = names(rng, 1)
    count: int | None = number(rng)
    account: dict[str, Any] = {"id": "1077", "username": name.lower(), "acct": name, "followers_count": count}
    account |= {"following_count": 4, "statuses_count": 0, "note": boast(rng), "display_name": boast(rng)}
    kind = rng.random()
    if kind < 0.1:
        account, count = account | {"suspended": True, "followers_count": 0}, None
    elif kind < 0.2:
        account, count = account | {"followers_count": rng.choice(NO_COUNTS)}, None
    elif kind < 0.3:
        account, count = account | {"username": "somebody_else"}, None
    return Body([Asked(name)], {name: count}, encoded(mixed(rng, account), rng))


APIS = {"X": x, "YouTube": youtube, "Facebook": facebook, "Instagram": instagram, "LinkedIn": linkedin}
APIS |= {"TruthSocial": truth_social}
