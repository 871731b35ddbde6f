"""Finding items by words: full text with stems and beginnings, and parts of words, over all that an item says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db import connections
from django.db.models import BooleanField, F, Func, Q
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString

from workitems.models import WorkItemQuerySet

FEW = 250
"""So many that are found are named one by one and counted; of more it is only said that they are more."""

WORDS_MAX = 8
PART = 3  # letters from which on a part of a word is sought, below its beginning alone: three make a trigram
SMALL = {
    *("a", "am", "an", "as", "at", "be", "by", "do", "he", "i", "if", "in", "is", "it", "me", "my", "no", "of", "on"),
    *("or", "s", "so", "t", "to", "up", "us", "we"),
}
"""Words that full text knows nothing of, too short to be sought as parts; alone they are sought like others."""

READ = ("number", "location", "description", "submitter_name", "captions")
DETAIL_MAX = 50_000  # characters: full text takes a megabyte of words at most, and no write may fail for it
"""Where words are sought: these and so much of the detail. See search_index, which keeps them ready on PostgreSQL."""


def words_of(text: str) -> list[str]:
    """The words of what was typed, each once; at most WORDS_MAX."""
    found = list(dict.fromkeys(text.lower().split()))
    return ([word for word in found if word not in SMALL and not _is_sign(word)] or found)[:WORDS_MAX]


def matching(items: WorkItemQuerySet, words: Sequence[str]) -> WorkItemQuerySet:
    """Those of `items` of which every word is said: itself, its stem, a word that begins so, or a part of a word."""
    for word in words:
        items = items.filter(reduce(or_, map(Q, _ways(items, word))))
    return items


def found(items: WorkItemQuerySet, words: Sequence[str]) -> tuple[WorkItemQuerySet, int | None]:
    """Those of `items` that match, and how many they are; None: more than FEW.

    Few are named, so that no order is walked to its end in search of them; many are soon met on that walk. Whether
    they are many one index of the two mostly knows: the other is asked where it does not.
    """
    meant, ways = matching(items, words), [_ways(items, word) for word in words]
    if any(len(each) > 1 for each in ways) and len(_few(items.filter(*(first for first, *_ in ways)))) > FEW:
        return meant, None
    ids = _few(meant)
    return (items.filter(pk__among=ids), len(ids)) if len(ids) <= FEW else (meant, None)


def _few(items: WorkItemQuerySet) -> list[int]:
    return list(items.order_by().values_list("pk", flat=True)[: FEW + 1])


def _ways(items: WorkItemQuerySet, word: str) -> list[_Said]:
    """How `word` may be said, the cheapest to look up first; one of them is enough."""
    if len(word) < PART and word.isalnum():
        return [Beginning(word) if word in SMALL or _by_letters(items) else Words(word)]
    if _by_letters(items) or not word.isalnum():  # full text knows no signs: % and _ mean themselves
        return [Letters(word)]
    return [Letters(word), Words(word)]


def _is_sign(word: str) -> bool:
    """Whether it is a dash, an ampersand or the like between words."""
    return len(word) < PART and not any(map(str.isalnum, word))


def _by_letters(items: WorkItemQuerySet) -> bool:
    """Whether this database knows letters alone, and no full text."""
    return connections[items.db].vendor != "postgresql"


class _Said(Func):
    """A condition on what is said of an item: a column that no model knows, beside one that it does."""

    output_field = BooleanField()
    condition = ""

    def __init__(self, value: str) -> None:
        super().__init__(*map(F, (*READ, "detail")))
        self.extra["value"] = value

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[str]]:
        """By the column that is kept ready."""
        table = compiler.quote_name_unless_alias(self.source_expressions[0].alias)  # type: ignore[attr-defined]  # a Col
        return f"{table}.{self.condition}", [self.extra["value"]]


class Words(_Said):
    """Whether the full text has `word`, its stem, or a word that begins so. PostgreSQL alone."""

    condition = "words @@ to_tsquery('english', %s)"

    def __init__(self, word: str) -> None:
        quoted = word.replace("\\", " ").replace("'", "''")
        super().__init__(f"'{quoted}':*")


class Letters(_Said):
    """Whether the letters of `word` occur anywhere in what is said of an item."""

    condition = "letters LIKE %s"

    def __init__(self, word: str) -> None:
        escaped = re.sub(r"([\\%_])", r"\\\1", word)
        super().__init__(f"%{escaped}%")
        self.extra["pattern"] = "" if word.isascii() else re.escape(word)

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[str | int, ...]]:
        """By putting together what is said."""
        *columns, detail = (compiler.compile(each)[0] for each in self.source_expressions)
        document = " || ' ' || ".join(["''", *columns, f"substr({detail}, 1, {DETAIL_MAX})"])
        if pattern := self.extra["pattern"]:  # LIKE is five times as fast, but folds ASCII alone and knows no words
            return f"({document}) REGEXP %s", (f"(?i){pattern}",)
        return f"({document}) LIKE %s ESCAPE '\\'", (self.extra["value"],)


class Beginning(Letters):
    """Whether a word in what is said of an item begins with `word`, of letters and digits alone."""

    condition = "letters ~ %s"

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.extra |= {"value": rf"\m{word}", "pattern": rf"\b{word}"}


# --- Showing what was found -----------------------------------------------------------------------

ENDINGS = re.compile(r"(?:ing|ed|es|s)$")
AROUND = 60  # characters of an excerpt on either side of what was found


def pattern_of(words: Sequence[str]) -> re.Pattern[str] | None:
    """What to mark: the words wherever they occur, and words that begin with their stems."""
    stems = {ENDINGS.sub("", word) for word in words} - set(words)
    parts = [re.escape(word) for word in sorted(words, key=len, reverse=True)]
    parts += [rf"\b{re.escape(stem)}\w*" for stem in sorted(stems, key=len, reverse=True) if len(stem) >= PART]
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def marked(text: str, pattern: re.Pattern[str] | None) -> str:
    """`text` with what was found between <mark>s, escaped where that makes it HTML."""
    if pattern is None or not pattern.search(text):
        return text
    pieces, end = [], 0
    for match in pattern.finditer(text):
        pieces += [escape(text[end : match.start()]), "<mark>", escape(match[0]), "</mark>"]
        end = match.end()
    return SafeString("".join([*pieces, escape(text[end:])]))


def excerpt(texts: Sequence[str], pattern: re.Pattern[str] | None) -> str:
    """The first place in `texts` where something was found, with a few words around it; empty where there is none."""
    for text in texts:
        if pattern and (match := pattern.search(text)):
            start, end = max(0, match.start() - AROUND), match.end() + AROUND
            words = conditional_escape(marked(text[start:end], pattern))
            return SafeString(f"{'…' * (start > 0)}{words}{'…' * (end < len(text))}")
    return ""
