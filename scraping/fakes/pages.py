"""Fake public pages of X, YouTube, Facebook and LinkedIn, in the shapes that visitors get.

Source: the sites as visitors see them, unverified. Facebook's pages state the count in one of three ways; an account
keeps its own.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from html import escape
from typing import Any

from scraping.fakes import curves
from scraping.fakes.world import Call, Limit, Reply, World, shortened

HTML = {"Content-Type": "text/html; charset=utf-8"}
ABSENT = frozenset(["not_found", "renamed", "missing", "suspended"])
SHAPES = ("linked", "summary", "text")


@dataclass(frozen=True, slots=True)
class Subject:
    """What one page is about: the count as text and as the number that linked data holds (None = it says none)."""

    handle: str
    identity: str
    name: str
    bio: str
    address: str
    shown: str | None
    number: Any
    figures: dict[str, Any]

    @property
    def head(self) -> str:
        """Title and address, as every profile page has them."""
        title = f'<title>{escape(self.name)}</title><meta property="og:title" content="{escape(self.name)}">'
        return f'{title}<link rel="canonical" href="{self.address}"><meta property="og:url" content="{self.address}">'


class Site:
    """One site's profile pages under one host."""

    NAME: str
    HOSTS: tuple[str, ...]
    LIMIT: Limit
    PROFILE: re.Pattern[str]
    too_many = 429

    def answer(self, call: Call, world: World) -> Reply:
        """One profile page."""
        if not world.spend(self.NAME, call, self.LIMIT).allowed:
            return self.limited()
        asked = self.PROFILE.fullmatch(f"{call.path}?{call.query}" if call.path == "/profile.php" else call.path)
        if asked is None:
            return self.gone()
        stated = next(part for part in asked.groups() if part)
        handle = world.name_of(self.NAME, stated)
        fault = world.account_fault(self.NAME, handle)
        if fault in ABSENT:
            reply = self.gone()
        elif fault in {"forbidden", "unsupported"}:
            reply = self.wall()
        else:
            reply = Reply(self.page(self._subject(handle, stated, fault, world)), headers=dict(HTML))
        reply.asked = (handle, stated)
        return reply

    def _subject(self, handle: str, stated: str, fault: str, world: World) -> Subject:
        identity = world.identity(self.NAME, handle, fault)
        figures = world.figures(self.NAME, identity)
        number = figures["followers"]
        profile = curves.profile(self.NAME, handle)
        shown: str | None = f"{number:,}"
        if fault == "rounded":
            number = shown = shortened(number)
        elif fault == "hidden":
            number = shown = None
        elif fault in {"nan", "huge_number"}:
            number, shown = world.figures(self.NAME, identity, fault)["followers"], "NaN"
        address = f"https://{self.HOSTS[0]}/{stated}"
        return Subject(handle, identity, profile.display_name, profile.bio, address, shown, number, figures)

    def page(self, subject: Subject) -> str:
        """The page about `subject`."""
        raise NotImplementedError

    def gone(self) -> Reply:
        """The page in place of a profile that does not exist."""
        return Reply("<!DOCTYPE html><title>Page not found</title>", 404, dict(HTML))

    def wall(self) -> Reply:
        """The page for visitors who shall sign in first."""
        return Reply("<!DOCTYPE html><title>Log in or sign up</title><body>1 followers</body>", 200, dict(HTML))

    def limited(self) -> Reply:
        """The answer to one page too many."""
        return Reply("<!DOCTYPE html><title>Too many requests</title>", self.too_many, dict(HTML))

    def dead(self) -> Reply:
        """Pages need no credential; this is what a refused one would see."""
        return Reply("<!DOCTYPE html><title>Sign in</title>", 401, dict(HTML))


class XSite(Site):
    """Profiles with linked data, or an empty shell for a visitor who hides nothing."""

    NAME = "x"
    HOSTS = ("x.com", "twitter.com", "www.twitter.com")
    LIMIT = Limit(calls=15, seconds=900, kind="fixed")
    PROFILE = re.compile(r"/([A-Za-z0-9_]{1,15})/?")

    def page(self, subject: Subject) -> str:
        """Counts in linked data alone."""
        counters = [("Subscribe", subject.figures["following"]), ("Write", subject.figures["posts"])]
        person = {
            "@type": "Person",
            "additionalName": subject.handle,
            "identifier": subject.identity,
            "name": subject.name,
            "description": subject.bio,
            "interactionStatistic": [
                _counter(action, number)
                for action, number in [("Follow", subject.number), *counters]
                if number is not None
            ],
        }
        thing = {"@context": "http://schema.org", "@type": "ProfilePage", "mainEntity": person}
        return _html(subject.head + _linked(thing), "<h1></h1><div>Something went wrong. Try again.</div>")


class FacebookSite(Site):
    """Pages that state the count as linked data, in the description or beside the name."""

    NAME = "facebook"
    HOSTS = ("www.facebook.com", "facebook.com")
    LIMIT = Limit(calls=200, seconds=3600, kind="rolling")
    PROFILE = re.compile(r"/(?:profile\.php\?id=(\d+)|([\w.\-]+))/?")

    def page(self, subject: Subject) -> str:
        """One of three shapes."""
        shape = SHAPES[sum(subject.identity.encode()) % len(SHAPES)] if subject.shown != "NaN" else "linked"
        if subject.shown is None:
            return _html(subject.head, f"<h1>{escape(subject.name)}</h1><p>{escape(subject.bio)}</p>")
        if shape == "linked":
            thing = {"@type": "Organization", "name": subject.name, "url": subject.address}
            return _html(subject.head + _linked(thing | {"interactionStatistic": _counter("Follow", subject.number)}))
        if shape == "summary":
            text = f"{subject.name}. {subject.shown} followers · 12 talking about this · 3 were here. {subject.bio}"
            return _html(f'{subject.head}<meta name="description" content="{escape(text)}">')
        beside = f"<a><strong>{subject.shown}</strong> followers</a> · <a><strong>12</strong> following</a>"
        return _html(subject.head, f"<h1>{escape(subject.name)}</h1>{beside}<article>77 followers</article>")

    def gone(self) -> Reply:
        """Facebook says so with status 200."""
        return Reply("<!DOCTYPE html><title>This page isn’t available</title>", 200, dict(HTML))  # noqa: RUF001 - its words


class LinkedInSite(Site):
    """Pages of organisations: the count in the description; one page too many is answered 999."""

    NAME = "linkedin"
    HOSTS = ("www.linkedin.com",)
    LIMIT = Limit(calls=5, seconds=3600, kind="rolling")
    PROFILE = re.compile(r"/(?:company|showcase|school)/([^/]+)/?")
    too_many = 999

    def page(self, subject: Subject) -> str:
        """The description, with linked data that says nothing of followers."""
        said = "" if subject.shown is None else f"{subject.shown} followers on LinkedIn. "
        text = f"{subject.name} | {said}{subject.bio}"
        thing = {"@graph": [{"@type": "Organization", "name": subject.name, "url": subject.address}]}
        return _html(f'{subject.head}<meta property="og:description" content="{escape(text)}">{_linked(thing)}')


class YouTubeSite(Site):
    """Channels with `ytInitialData`; the header is the present one or the older one, by channel."""

    NAME = "youtube"
    HOSTS = ("www.youtube.com", "m.youtube.com")
    LIMIT = Limit(calls=100, seconds=3600, kind="rolling")
    PROFILE = re.compile(r"/(?:channel/|user/|c/|@)?([^/]+)/?")

    def page(self, subject: Subject) -> str:
        """The data in a script."""
        count = subject.figures["followers"]
        shown = subject.shown if subject.shown in {None, "NaN"} else _three_digits(count)
        texts = [
            f"@{subject.handle}",
            *([f"{shown} subscribers"] if shown else []),
            f"{subject.figures['videos']:,} videos",
        ]
        if sum(subject.identity.encode()) % 2:
            older = dict(zip(("channelHandleText", "subscriberCountText", "videosCountText"), texts, strict=False))
            if shown is None:
                older = {"videosCountText": texts[-1]}
            header: Any = {"c4TabbedHeaderRenderer": {name: {"simpleText": text} for name, text in older.items()}}
        else:
            rows = [{"metadataParts": [{"text": {"content": text}} for text in texts]}]
            view = {"metadata": {"contentMetadataViewModel": {"metadataRows": rows}}}
            header = {"pageHeaderRenderer": {"content": {"pageHeaderViewModel": view}}}
        about = {"title": subject.name, "description": subject.bio, "externalId": subject.identity}
        data = json.dumps({"header": header, "metadata": {"channelMetadataRenderer": about}})
        return _html(subject.head, f'<script nonce="fake">var ytInitialData = {data};</script>')


def _three_digits(count: int) -> str:
    """`count` as YouTube writes it: "1.23M", "25.7K", "812"."""
    for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if count >= size:
            decimals = 2 - int(math.log10(count // size))
            return f"{count / size:.{decimals}f}{letter}"
    return str(count)


def _counter(action: str, number: Any) -> dict[str, Any]:
    return {
        "@type": "InteractionCounter",
        "interactionType": f"https://schema.org/{action}Action",
        "userInteractionCount": number,
    }


def _linked(thing: dict[str, Any]) -> str:
    return f'<script type="application/ld+json">{json.dumps(thing)}</script>'


def _html(head: str, body: str = "") -> str:
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{head}</head><body>{body}</body></html>'


SITES = (XSite(), FacebookSite(), LinkedInSite(), YouTubeSite())
