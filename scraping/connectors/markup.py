"""A page's parts that state something: its linked data, its head, its scripts, and the text beside the profile's name.

Reading is bounded: so many characters, tags and pieces of text, whatever a page holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import orjson

STEP = 32 * 1024  # characters; what the parser is given at a time
MOST_TAGS = 30_000  # the largest profile pages have some ten thousand
MOST_SEGMENTS = 3_000
LONGEST_SEGMENT = 300  # characters; a count stands in a short piece of text
UNSEEN = frozenset(["script", "style", "template", "noscript", "nav", "aside", "footer", "article", "svg", "title"])
ENDS_HEAD = frozenset(["article", "aside", "footer", "section", "h1"])  # what begins after a profile's own heading


@dataclass(slots=True)
class Document:
    """What was found on a page."""

    title: str = ""
    canonical: str = ""
    meta: dict[str, str] = field(default_factory=dict)  # by name or property, the first of each
    linked: list[Any] = field(default_factory=list)  # decoded application/ld+json
    scripts: list[tuple[str, str]] = field(default_factory=list)  # id and text of the others
    before: list[str] = field(default_factory=list)
    heading: list[str] | None = None
    walled: bool = False

    @property
    def beside_the_name(self) -> list[str]:
        """The visible text from the first main heading to the next part of the page; all of it without a heading."""
        return self.before if self.heading is None else self.heading


class _Full(Exception):
    """More than a profile page holds."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Document()
        self._unseen: list[str] = []
        self._script: tuple[str, str] | None = None
        self._text: list[str] = []
        self._is_open = True  # the text that comes still stands beside the name
        self._tags = self._segments = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tags += 1
        if self._tags > MOST_TAGS:
            raise _Full
        named = {name: value or "" for name, value in attrs}
        if tag == "meta":
            self.found.meta.setdefault(
                (named.get("property") or named.get("name", "")).lower(), named.get("content", "")
            )
        elif tag == "link" and named.get("rel", "").lower() == "canonical":
            self.found.canonical = self.found.canonical or named.get("href", "")
        elif tag == "script":
            self._script = (named.get("type", "").lower(), named.get("id", ""))
        if self.found.heading is None and tag == "h1":
            self.found.heading = []
        elif self.found.heading is not None and tag in ENDS_HEAD:
            self._is_open = False
        if tag in UNSEEN:
            self._unseen.append(tag)
            self._text = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in UNSEEN:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._unseen:
            return
        while self._unseen.pop() != tag:
            continue
        text, self._text = "".join(self._text), []
        if tag == "title" and not self.found.title:
            self.found.title = " ".join(text.split())[:300]
        elif tag == "script" and self._script:
            self._keep_script(*self._script, text)
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._unseen:
            if self._unseen[-1] in {"script", "title"}:
                self._text.append(data)
            return
        segment = " ".join(data.split())
        if not segment or not self._is_open:
            return
        self._segments += 1
        if self._segments > MOST_SEGMENTS:
            raise _Full
        if len(segment) <= LONGEST_SEGMENT:
            (self.found.before if self.found.heading is None else self.found.heading).append(segment)

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """`<![` is a comment, as in browsers; html.parser gives up on some."""
        return self.parse_bogus_comment(i, bool(report))

    def feed(self, data: str) -> None:
        super().feed(data)
        if len(self.rawdata) > STEP and self.cdata_elem is None:
            raise _Full  # an unfinished tag, which every further feed would scan again

    def _keep_script(self, kind: str, name: str, text: str) -> None:
        if kind != "application/ld+json":
            self.found.scripts.append((name, text))
            return
        try:
            self.found.linked.append(orjson.loads(text))
        except orjson.JSONDecodeError:
            return  # some other block may be whole


def read_html(body: bytes) -> Document:
    """The parts of a page that `body` (at most 2 MiB) holds; a page cut short or overfull gives what came before.

    The parser is never closed: text that no tag ends may have been cut in the middle of a number.
    """
    text = body.decode("utf-8", "replace")
    reader = _Reader()
    try:
        for start in range(0, len(text), STEP):
            reader.feed(text[start : start + STEP])
    except _Full:
        pass
    return reader.found
