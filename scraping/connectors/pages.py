"""Public profile pages: what each way of stating a count says, and when a page is a wall and no profile at all.

Trusted in this order: linked data (schema.org `interactionStatistic`), the summary in the page's head, the text beside
the profile's name. Two statements of one kind that disagree are worth nothing: no count is better than a stranger's.
Source: schema.org ProfilePage and InteractionCounter; the sites' own use of them is UNVERIFIED.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from accounts.platforms import profile_kind, profile_url
from scraping.connectors import reading
from scraping.connectors.base import Answer, Batch, Connector, Missing, Quota, Reading, Request, Response, Target
from scraping.connectors.markup import Document, read_html
from scraping.connectors.numbers import Count, count
from scraping.connectors.reading import member
from scraping.connectors.wording import ANYTHING, FOLLOWERS, LABELS, bare, counted, plain

HEADERS = {"Accept": "text/html", "Accept-Language": "en-US,en;q=0.9"}
REFUSED = {
    401: Missing.BLOCKED,  # there is no credential that could be dead
    403: Missing.BLOCKED,
    404: Missing.NOT_FOUND,
    410: Missing.NOT_FOUND,
    451: Missing.BLOCKED,
    999: Missing.BLOCKED,  # LinkedIn's own
}
WALL = re.compile(
    r"^(?:log in|sign ?in|sign up)\b|\b(?:log in or sign up|sign in|just a moment|security (?:check|verification)"
    r"|attention required|before you continue|access denied|verify (?:that )?you|unusual traffic)\b",
    re.IGNORECASE,
)
# Names too, such as "Login.gov": no wall where the page says whose it is.
PERHAPS_A_WALL = re.compile(r"^(?:signup|join)\b|\b(?:login|captcha|robot|checkpoint)\b", re.IGNORECASE)
POSTS = {"socialmediaposting", "discussionforumposting", "article", "newsarticle", "blogposting", "videoobject"}
SENTENCE = re.compile(r"(?<=[^\W\d_]{4})[.!?]\s|\n")  # "Tsd." and "Mio." end no sentence
PIECE = re.compile(r"\s*[·•|]\s*|[,،]\s+(?=[^\W\d_]*\d)| [-–—] ")


class PageConnector(Connector):
    """A site's public pages, one a call and without a credential; a subclass says what a page of its site says."""

    kind = "page"
    needs_credential = False
    sites: ClassVar[tuple[str, ...]] = ()  # hosts a page may lead on to
    withheld: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")  # titles of pages in place of a profile that is gone
    words: ClassVar[tuple[str, ...]] = FOLLOWERS
    says_summary: ClassVar[bool] = True  # the site writes the description itself; elsewhere it is the owner's text
    ending: ClassVar[str] = ""  # what follows the count in the description

    def hosts(self, batch: Batch) -> frozenset[str]:
        return super().hosts(batch) | frozenset(self.sites)

    def address(self, target: Target) -> str:
        """The address of a profile's page."""
        return profile_url(self.platform, target.handle, profile_kind(self.platform, target.handle, target.url))

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(self.address(batch.targets[0]), headers=HEADERS)

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        reading.check(response, readable=(*REFUSED, 503))
        page = read_html(response.body)
        is_named = response.status == 200 and any(names(page, target.handle) for target in batch.targets)
        if is_wall(page, is_named=is_named) and response.status in {200, 404, 503}:
            page.walled = True
        elif response.status == 503:
            reading.check(response)
        if response.status != 200:
            return reading.everyone(batch, Missing.BLOCKED if page.walled else REFUSED[response.status])
        return reading.per_target(batch, lambda target: self.answer(target, page))

    def answer(self, target: Target, page: Document) -> Answer:
        """What the page says of `target`, facts included."""
        followers = self.followers(target, page)
        if isinstance(followers, Missing):
            return followers
        person = self.subject(target, page)
        return Reading(
            followers=followers.value,
            followers_rounded=followers.rounded,
            external_id=self.identity(target, person),
            handle=name_of(person),
            display_name=reading.text(member(person, "name") or page.meta.get("og:title"), 255),
        )

    def identity(self, target: Target, person: Any) -> str:
        """The platform's own id of the profile, where the page says one that its API would say too."""
        return ""

    def subject(self, target: Target, page: Document) -> Any:
        """The linked data that is about `target`, or None."""
        found = [entity for entity in entities(page.linked) if statistic(entity, "followaction")]
        named = [entity for entity in found if is_named(entity, target.handle)]
        return next(iter(named or found), None)

    def followers(self, target: Target, page: Document) -> Count | Missing:
        """The count by the first of the three ways that states one, or why there is none."""
        stated = linked_followers(page, target.handle)
        if stated and stated.value:
            return stated
        if page.walled:
            return Missing.BLOCKED
        if self.withheld.search(page.title):
            return Missing.NOT_FOUND
        told = self.told(page)
        if isinstance(told, Missing) or (stated and told):
            return Missing.UNPARSABLE  # they contradict each other
        if stated or told:
            return stated or told or Missing.UNPARSABLE
        is_shown = linked_followers(page, "") is not None or page.linked or names(page, target.handle)
        return Missing.UNPARSABLE if is_shown else Missing.BLOCKED

    def told(self, page: Document) -> Count | Missing | None:
        """The count in the summary, else in the visible text."""
        for name in ("og:description", "description"):
            summed = agreed(summary(page.meta.get(name, ""), self.words, self.ending, is_own=self.says_summary))
            if summed:
                return summed
        return agreed(in_text(page.beside_the_name, self.words))

    def quota(self, response: Response) -> Quota:
        """Pages send no limit headers; only their refusals speak."""
        return Quota(retry_after=reading.retry_after(response.headers))


def is_wall(page: Document, *, is_named: bool = False) -> bool:
    """Whether the page's title is that of a wall. One that `is_named` as a profile's may have that name itself."""
    return bool(WALL.search(page.title) or (not is_named and PERHAPS_A_WALL.search(page.title)))


# --- Linked data -----------------------------------------------------------------------------------


def entities(linked: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """The things that linked data is about: each document, the members of its graph, their main entities; no posts."""
    waiting = list(linked)
    for thing in waiting:
        if isinstance(thing, list):
            waiting += thing[:100]
        elif isinstance(thing, dict) and not {_plain(kind) for kind in _several(thing.get("@type"))} & POSTS:
            yield thing
            for inner in (thing.get("@graph"), thing.get("mainEntity")):
                if isinstance(inner, dict | list) and len(waiting) < 1_000:
                    waiting.append(inner)


def statistic(entity: dict[str, Any], action: str, by: str = "interactionStatistic") -> list[Count]:
    """How often others did `action` (lower case) to the entity, as it states it; usually one number."""
    counters = [one for one in _several(entity.get(by)) if isinstance(one, dict)]
    kinds = [(one.get("interactionType"), one.get("userInteractionCount")) for one in counters]
    stated = [count(number) for kind, number in kinds if _plain(member(kind, "@type") or kind) == action]
    return [one for one in stated if one]


def linked_followers(page: Document, handle: str) -> Count | None:
    """The followers in the linked data; where several things have some, of the one that is called `handle`."""
    found = [(entity, one) for entity in entities(page.linked) for one in statistic(entity, "followaction")]
    named = [one for entity, one in found if is_named(entity, handle)]
    stated = agreed(named or [one for _, one in found])
    return stated if isinstance(stated, Count) else None


def is_named(entity: Any, handle: str) -> bool:
    """Whether linked data names the profile by its handle or address."""
    return handle.casefold() in {name_of(entity).casefold(), *(_last(member(entity, key)) for key in ("url", "@id"))}


def name_of(entity: Any) -> str:
    """The handle in linked data, or an empty text."""
    said = member(entity, "additionalName") or member(entity, "alternateName")
    return reading.text(said, 255).removeprefix("@")


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(kind: Any) -> str:
    """`https://schema.org/FollowAction` as `followaction`."""
    return re.split(r"[/#:]", kind)[-1].casefold() if isinstance(kind, str) else ""


# --- Summary and text ------------------------------------------------------------------------------


def summary(text: str, words: tuple[str, ...], ending: str = "", *, is_own: bool = True) -> list[Count]:
    """The followers a description states in the site's own form.

    That is "… | 5 followers on LinkedIn" where the site has an `ending`, else among counts of other things ("5
    followers · 3 talking about this"). Where the owner writes the description, all of it has to be counts, and several.
    """
    if ending:
        tail = re.compile(rf"\s+\S+\s+{ending}\b.*", re.IGNORECASE | re.DOTALL)
        pieces = [tail.sub("", piece) for piece in PIECE.split(text[:1_000]) if tail.search(piece[:80])]
        return [one for piece in pieces if (one := counted(piece, words))][:1]
    for sentence in SENTENCE.split(text[:1_000]):
        pieces = [piece for piece in PIECE.split(sentence) if plain(piece)]
        found = [one for piece in pieces if (one := _at_the_end(piece, words))]
        beside = sum(_at_the_end(piece, ANYTHING) is not None for piece in pieces)
        if found and (is_own or beside == len(pieces)) and (beside > 1 or (is_own and len(pieces) == 1)):
            return found
    return []


def _at_the_end(piece: str, words: tuple[str, ...]) -> Count | None:
    """The count that a piece of a description is, or ends with: "Washington, D. C. 640,123 likes"."""
    return counted(piece, words) or counted(piece.rpartition(". ")[2], words)


def in_text(segments: list[str], words: tuple[str, ...]) -> list[Count]:
    """The followers that pieces of visible text state and nothing besides; a number and its word may be two pieces."""
    pieces = [piece for segment in segments for piece in PIECE.split(segment) if plain(piece)]
    found: list[Count] = []
    position = 0
    while position < len(pieces):
        piece, onward = pieces[position], pieces[position + 1] if position + 1 < len(pieces) else ""
        number, label = (piece, onward) if plain(onward) in LABELS else (onward, piece)
        if whole := counted(piece, words):
            found.append(whole)
        elif plain(label) in LABELS and (beside := bare(number)):
            if plain(label) in words:
                found.append(beside)
            position += 1  # a number goes with one word, whichever of them comes first
        position += 1
    return found


def agreed(stated: Iterable[Count]) -> Count | Missing | None:
    """The one count that all of `stated` mean, the exact one if there is one; UNPARSABLE when they contradict."""
    several = set(stated)
    exact = {one.value for one in several if not one.rounded}
    rounded = {one.value for one in several if one.rounded}
    if len(exact) > 1 or (not exact and len(rounded) > 1):
        return Missing.UNPARSABLE
    if exact:
        (value,) = exact
        return Count(value) if all(is_near(value, about) for about in rounded) else Missing.UNPARSABLE
    return Count(rounded.pop(), rounded=True) if rounded else None


def is_near(exact: int, rounded: int) -> bool:
    """Whether `rounded` may stand for `exact`: not more than a tenth apart."""
    return abs(exact - rounded) <= exact / 10


def names(page: Document, handle: str) -> bool:
    """Whether the page says that it is the one of `handle`."""
    return handle.casefold().removeprefix("@") in {_last(page.canonical), _last(page.meta.get("og:url"))}


def _last(address: Any) -> str:
    """The last segment of an address's path, without an @."""
    if not isinstance(address, str):
        return ""
    try:
        path = urlsplit(address).path
    except ValueError:
        return ""
    return unquote(path).rstrip("/").rpartition("/")[2].removeprefix("@").casefold()
