"""What the fake platforms hold to be true: one smooth follower curve per account, computed, never stored.

Everything hangs on the platform's own id, so a fake that is asked by id alone gives the same figures as one that is
asked by handle, and a restarted fake remembers everything.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

EPOCH = date(2020, 1, 1)
DIP_EVERY = 45  # days; each stretch holds one small loss of followers that heals in about two weeks
GIVES = {  # what each platform's profile endpoint really says; engagement per day is not among it anywhere
    "x": ("followers", "following", "listed", "posts"),
    "youtube": ("followers", "followers_rounded", "videos", "total_video_views"),
    "facebook": ("followers",),
    "instagram": ("followers", "following", "posts"),
    "linkedin": ("followers",),
    "flickr": ("followers", "posts"),
    "truth_social": ("followers", "following", "posts"),
    "bluesky": ("followers", "following", "posts"),
    "mastodon": ("followers", "following", "posts"),
    "threads": ("followers",),
    "tiktok": ("followers", "following", "likes", "videos"),
    "reddit": ("followers",),
    "github": ("followers", "following"),
}
_OWN_ID = {  # handles that are the platform's own id already
    "youtube": re.compile(r"UC[\w-]{22}"),
    "facebook": re.compile(r"\d{5,20}"),
    "linkedin": re.compile(r"\d{3,20}"),
    "flickr": re.compile(r"\d{5,12}@N\d{2}"),
    "bluesky": re.compile(r"did:plc:[a-z2-7]{24}"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What the platform says of an account besides its counts."""

    external_id: str
    handle: str
    display_name: str
    bio: str
    bio_link: str
    image_url: str
    opened_on: date


@dataclass(frozen=True, slots=True)
class _Traits:
    """The numbers an account's curve is drawn with."""

    size: float
    growth: float  # per year
    phase: float
    posts: int
    posts_per_day: float
    following: int
    views_per_day: float
    engagement: float  # share of followers who react to a day's posts
    opened: int  # days before EPOCH
    seed: bytes


def external_id(platform: str, handle: str) -> str:
    """The platform's own id of `handle`, in the form that platform uses; any case of the handle gives the same."""
    own = _OWN_ID.get(platform)
    if own and own.fullmatch(handle):
        return handle
    seed = _digest("id", platform, handle.casefold())
    number = int.from_bytes(seed[:8], "big")
    return _ID_FORMS.get(platform, _digits(18))(seed, number)


def figures(platform: str, handle: str, day: date) -> dict[str, int]:
    """What `platform` says of `handle` on `day`, under the names of `snapshots.models.Figures`."""
    return figures_by_id(platform, external_id(platform, handle), day)


def figures_by_id(platform: str, identity: str, day: date) -> dict[str, int]:
    """The same for the account whose own id is `identity`."""
    traits = _traits(platform, identity)
    followers = _followers(traits, (day - EPOCH).days)
    everything = _counts(traits, (day - EPOCH).days) | {"followers": followers}
    if platform == "youtube":  # documented: rounded down to three significant digits
        everything |= {"followers": round_down(followers), "followers_rounded": followers >= 1_000}
    return {name: everything[name] for name in GIVES[platform]}


def seeded(platform: str, handle: str, day: date) -> dict[str, int]:
    """`figures()` plus plausible engagement of that day, for the demo's history only."""
    traits = _traits(platform, external_id(platform, handle))
    number = (day - EPOCH).days
    reacting = _followers(traits, number) * traits.engagement * (1 + 0.5 * _week(traits, number))
    likes, comments, shares = int(reacting), int(reacting * 0.06), int(reacting * 0.09)
    return figures(platform, handle, day) | {
        "likes": likes,
        "comments": comments,
        "shares": shares,
        "engagements": likes + comments + shares,
    }


def profile(platform: str, handle: str) -> Profile:
    """Name, text, link, picture and opening day of `handle`."""
    identity = external_id(platform, handle)
    return Profile(
        external_id=identity,
        handle=handle,
        display_name=f"{handle} on {platform.replace('_', ' ').title()}",
        bio=f"The official account of {handle}. Figures of a fake platform.",
        bio_link=f"https://www.example.org/{identity}",
        image_url=f"https://images.example.org/{platform}/{identity}.jpg",
        opened_on=EPOCH - timedelta(days=_traits(platform, identity).opened),
    )


def round_down(count: int) -> int:
    """`count` with all but its first three digits set to zero."""
    step = int(10 ** max(0, len(str(count)) - 3))
    return count // step * step


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=32).digest()


def _digits(length: int, start: str = "1") -> Callable[[bytes, int], str]:
    """Ids of `length` digits that begin with `start`; at least ten free digits, so 100,000 accounts never collide."""
    free = length - len(start)
    return lambda _, number: f"{start}{number % 10**free:0{free}d}"


_ID_FORMS: dict[str, Callable[[bytes, int], str]] = {
    "youtube": lambda seed, _: "UC" + base64.urlsafe_b64encode(seed[:18]).decode()[:22],
    "facebook": _digits(15),
    "instagram": _digits(17, "1784"),
    "linkedin": _digits(14, "1"),
    "flickr": lambda _, number: f"{number % 10**12:012d}@N0{number % 9}",
    "bluesky": lambda seed, _: "did:plc:" + base64.b32encode(seed[:15]).decode().lower(),
    "reddit": lambda seed, _: f"t5_{seed[:8].hex()}",
    "github": _digits(13),
}


@lru_cache(maxsize=200_000)
def _traits(platform: str, identity: str) -> _Traits:
    seed = _digest("curve", platform, identity)
    share = [byte / 255 for byte in seed[:12]]
    size = 10 ** (2.5 + 4 * (share[0] + share[1]) / 2)  # 316 to 3.2 million, most in the middle
    return _Traits(
        size=size,
        growth=-0.03 + 0.28 * share[2],
        phase=2 * math.pi * share[3],
        posts=int(500 + 9_500 * share[4]),
        posts_per_day=0.2 + 4 * share[5],
        following=int(20 + 900 * share[6]),
        views_per_day=size * (0.02 + 0.2 * share[7]),
        engagement=0.001 + 0.012 * share[8],
        opened=int(200 + 4_000 * share[9]),
        seed=seed,
    )


def _week(traits: _Traits, day: int) -> float:
    """The weekly rhythm, between -1 and 1."""
    return math.sin(2 * math.pi * day / 7 + traits.phase)


def _dip(traits: _Traits, day: int) -> float:
    """The share of followers lost on `day` through the last two purges; below half a percent each."""
    lost = 0.0
    for stretch in (day // DIP_EVERY - 1, day // DIP_EVERY):
        depth = traits.seed[stretch % 32] / 255 * 0.005
        since = day - (stretch * DIP_EVERY + traits.seed[(stretch + 7) % 32] % DIP_EVERY)
        if since >= 0:
            lost += depth * math.exp(-since / 5)
    return lost


def _followers(traits: _Traits, day: int) -> int:
    season = 0.02 * math.sin(2 * math.pi * day / 365.25 + 2 * traits.phase)
    level = traits.size * math.exp(traits.growth * day / 365.25)
    return max(0, int(level * (1 + season + 0.0008 * _week(traits, day) - _dip(traits, day))))


def _counts(traits: _Traits, day: int) -> dict[str, int]:
    """Counts besides followers. The running totals never fall: their rhythm is weaker than their growth."""
    ahead = day + traits.opened + _week(traits, day) * 0.9 * 7 / (2 * math.pi)
    posts = traits.posts + int(max(0.0, ahead) * traits.posts_per_day)
    return {
        "following": traits.following + day // 40,
        "listed": int(traits.size * 0.003) + day // 30,
        "posts": posts,
        "videos": posts // 12,
        "likes": posts * int(20 + traits.size * 0.004),
        "total_video_views": int(max(0.0, ahead) * traits.views_per_day),
    }
