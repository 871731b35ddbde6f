"""A body with its truth, and the numbers, texts and damages that bodies are made of."""
# ruff: noqa: RUF001 - the digits and separators of other scripts are what is made here

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

BOASTS = (
    "Join our 1,000,000 followers!", "500 followers", "1M followers · 3 dogs", "0 subscribers", "Followers: 12",
    'He said "9 followers" {"followers_count": 3}', "</script><b>7 followers</b>", "", "Ünï ✓ \u202e text", "\\u0000",
)  # fmt: skip
NO_COUNTS = (None, True, False, -1, -(2**31), 1.5, "", "NaN", "many", [], {}, [5], {"count": 5}, "1e999", 10**20, "-7")
WALLS = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>0 followers</body></html>",
    b"<html><head><title>Log in or sign up</title></head><body>Join 500 million people. 12 followers</body></html>",
    b"<html><head><title>Security Check</title></head></html>",
)


@dataclass(frozen=True)
class Asked:
    """One account as it was asked for."""

    handle: str
    external_id: str = ""
    url: str = ""


@dataclass
class Body:
    """An answer and its truth: the followers of each handle as stated, None where nothing certain is stated.

    A `clean` body has to be read in full; a damaged one may also give no figure. Cut off, a `whole` one would be
    another truth.
    """

    asked: list[Asked]
    truth: dict[str, int | None]
    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    clean: bool = True
    whole: bool = False


Maker = Callable[[random.Random], Body]


def number(rng: random.Random) -> int:
    """A count of any size, small, round and huge ones among them."""
    return rng.choice([
        rng.randrange(10), rng.randrange(1_000), rng.randrange(10**6), rng.randrange(10**9), 2**31 + rng.randrange(99),
        rng.randrange(100) * 1_000, 999, 1_000, 1_234_567, 2**31 - 1, 2**32, 0,
    ])  # fmt: skip


def names(rng: random.Random, count: int) -> list[str]:
    """Different legal handles, upper case and digits among them."""
    return [f"{rng.choice(['HHS', 'nih', 'Cdc_', 'a', 'X9'])}{n}{rng.randrange(100)}" for n in range(count)]


def boast(rng: random.Random) -> str:
    """What an owner may write about themselves."""
    return rng.choice(BOASTS)


def shuffled(rng: random.Random, things: list[Any]) -> list[Any]:
    """`things` in another order."""
    return rng.sample(things, len(things))


def mixed(rng: random.Random, thing: dict[str, Any]) -> dict[str, Any]:
    """`thing` with its members in another order and some that nobody documented."""
    more = {"x_" + str(rng.randrange(99)): rng.choice([0, 5, "12", None, {"followers_count": 3, "count": 4}])}
    return dict(shuffled(rng, list((thing | more).items())))


def encoded(thing: Any, rng: random.Random) -> bytes:
    """`thing` as JSON, spaced, escaped or neither."""
    return json.dumps(thing, indent=rng.choice([None, 1]), ensure_ascii=rng.random() < 0.5).encode()


def damaged(rng: random.Random, body: Body) -> Body:
    """`body` with one thing wrong: cut off, walled, refused, empty, or something else altogether."""
    kind = rng.randrange(1 if body.whole else 0, 6)
    body.clean = False
    if kind == 0:
        body.content = body.content[: rng.randrange(len(body.content) + 1)]
    elif kind == 1:
        body.content, body.truth = rng.choice(WALLS), dict.fromkeys(body.truth)
        body.status = rng.choice([200, 200, 403, 503])
    elif kind == 2:
        body.status = rng.choice([400, 401, 403, 404, 410, 429, 500, 502, 503, 999])
    elif kind == 3:
        junk = rng.choice([b"", b"{}", b"[]", b"null", b"0", b"[0]", b'"0"', b"\x00\xff", b"<html>", b"followers"])
        body.content, body.truth = junk, dict.fromkeys(body.truth)
    elif kind == 4:
        body.content = b"\xef\xbb\xbf" + body.content
    else:
        body.content += rng.choice([b"\n", b" ", b"<!-- 5 followers -->", b"{}", b"\x00"])
    return body


# --- Numbers as pages write them -------------------------------------------------------------------

SEPARATORS = (",", ".", " ", "\u00a0", "\u202f", "\u2009", "\u2007", "\u2002", "'", "’", "")
DIGITS = ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "０１２３４５６７８９")
EXACT_WORDS = (
    *("followers", "Followers", "Follower:innen", "abonnés", "seguidores", "подписчиков", "متابع"),
    *("フォロワー", "subscribers"),
)
ROUNDED = (
    ("{}.{}M", 6, "followers"), ("{}.{}K", 3, "Followers"), ("{},{} M", 6, "de followers"),
    ("{},{}\u00a0M", 6, "d’abonnés"),
    ("{} Tsd.", 3, "Follower"), ("{},{} Mio.", 6, "Follower:innen"), ("{},{} Mrd.", 9, "Abonnenten"),
    ("{},{} тыс.", 3, "подписчиков"), ("{} mil", 3, "seguidores"), ("{}.{}万", 4, "位粉丝"), ("{}.{}B", 9, "followers"),
    ("{}.{}\u202fM", 6, "followers"), ("{}.{} lakh", 5, "followers"),
)  # fmt: skip
UNCERTAIN = (
    "1.2 followers", "-5 followers", "1,23 followers", "1,234K followers", "1,2 mil. sledujících", "12 B takipçi",
    "followers", "many followers", "1e9 followers", "NaN followers", "½ followers", "12 unfollowers",
    "3 of 9 followers", "9 following",
)  # fmt: skip


def exact(rng: random.Random, count: int) -> str:
    """`count` in full, grouped and with the digits of some script."""
    text = f"{count:,}".replace(",", rng.choice(SEPARATORS))
    if rng.random() < 0.2:
        digits = rng.choice(DIGITS)
        text = f"{count:,}".replace(",", rng.choice(["٬", ",", ""]))
        return "".join(digits[int(char)] if char.isdigit() else char for char in text)
    return text


def stated(rng: random.Random) -> tuple[str, int]:
    """A text that states a count of followers, and the count as it is stated."""
    if rng.random() < 0.5:
        count = number(rng)
        word = rng.choice(EXACT_WORDS)
        return f"{exact(rng, count)} {word}", count
    form, power, word = rng.choice(ROUNDED)
    whole, tenth = rng.randrange(1, 900), rng.randrange(10)
    has_tenth = form.count("{}") == 2
    value = whole * 10**power + (tenth * 10 ** (power - 1) if has_tenth else 0)
    return f"{form.format(whole, tenth) if has_tenth else form.format(whole)} {word}", value
