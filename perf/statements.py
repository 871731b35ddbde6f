"""SQL without its values: the shape that equal queries share, and a template that a database can still plan.

Parameters never come here. What is written into the text itself (a number, a quoted string, a comment) may be a value
as well, so it goes too; only what shapes a plan and says nothing about anybody stays in the template: the number of a
LIMIT, the place of a column in ORDER BY and GROUP BY, the length of a type.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

SHAPES_KEPT = 512  # of the most recent queries, per process
TEMPLATE_MAX = 20_000  # characters; of a longer query the beginning is looked at, and it is not kept for planning

# Databases differ in where a comment with another in it ends: all that follows it goes.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*(?:(?!/\*|\*/).)*(?:\*/|.*))
    |(?P<text>(?<!\w)[eE]'(?:\\.|''|[^'\\])*(?:'|\Z)|'(?:''|[^'])*(?:'|\Z)|(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<name>"(?:""|[^"])*(?:"|\Z)|`[^`]*(?:`|\Z))
    |(?P<slot>%s|%\(\w+\)s|\$\d+)
    |(?P<number>(?<![\w$])(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?!\w))
    |(?P<word>[^\W\d][\w$]*)
    |(?P<space>\s+)
    |(?P<percent>%%|%)
    |(?P<sign><=|>=|<>|!=|\|\||::|.)""",
    re.VERBOSE | re.DOTALL,
)
_GENERATED = re.compile(r'"(?:s\d+_x\d+|_django_curs_\w+)"')  # Django's savepoints and cursors: a new name each
_LIST = re.compile(r"\((?:\?|NULL)(?:, ?(?:\?|NULL))+(?:\)|,?\Z)", re.IGNORECASE)
_ROWS = re.compile(r"\(…\)(?:, ?\(…\))+")

_COMPARED = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "||", "LIKE", "ILIKE", "GLOB", "REGEXP", "BETWEEN"})
_TYPES = frozenset(
    {
        "NUMERIC",
        "DECIMAL",
        "VARCHAR",
        "CHAR",
        "CHARACTER",
        "VARYING",
        "BIT",
        "FLOAT",
        "TIME",
        "TIMESTAMP",
        "TIMESTAMPTZ",
    }
    | {"INTERVAL", "VECTOR"}
)
_TYPED = frozenset({"INTERVAL", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ"})
_CLAUSES = frozenset(
    {"SELECT", "FROM", "WHERE", "HAVING", "LIMIT", "OFFSET", "FETCH", "FOR", "WINDOW", "UNION", "BY", "ROWS", "RANGE"}
)
_READS = frozenset({"SELECT", "WITH"})
_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "INTO"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One query without values. `shape` has ? for each, `template` %s (and %% for a percent sign)."""

    shape: str
    template: str
    is_read: bool

    @property
    def digest(self) -> str:
        """32 hexadecimal digits that stand for the shape."""
        return blake2b(self.shape.encode(), digest_size=16).hexdigest()

    @property
    def can_be_planned(self) -> bool:
        """Whether a database may be asked how it would run this: one reading statement, kept whole."""
        return self.is_read and bool(self.template)


def statement(sql: str) -> Statement:
    """`sql`, as it is given to a cursor, without its values; of a giant one the beginning."""
    if len(sql) <= TEMPLATE_MAX:
        return _scanned(sql)
    beginning = _scanned(sql[:TEMPLATE_MAX].rpartition(" ")[0])  # a number in two parts is no number any more
    return replace(beginning, shape=f"{beginning.shape} …", template="")


@lru_cache(maxsize=SHAPES_KEPT)
def _scanned(sql: str) -> Statement:
    scan = _Scan()
    for match in _TOKEN.finditer(sql):
        scan.take(str(match.lastgroup), match.group(), dotted=sql.startswith(".", match.end()))
    shape = "".join(scan.shape).strip().removesuffix(";").rstrip()
    template = "".join(scan.template).strip().removesuffix(";").rstrip()
    words = scan.words
    is_read = bool(words) and words[0] in _READS and not _WRITES & set(words) and ";" not in template
    whole = template if len(template) <= TEMPLATE_MAX else ""
    return Statement(_ROWS.sub("(…)", _LIST.sub("(…)", shape)), whole, is_read)


class _Scan:
    """Reads tokens from left to right; knows in which clause and in what parenthesis it is."""

    def __init__(self) -> None:
        self.shape: list[str] = []
        self.template: list[str] = []
        self.words: list[str] = []
        self._last = ""  # the last token that is neither space nor comment, words in capitals
        self._clauses = [""]  # per open parenthesis the clause it is in, or IN, or TYPE

    def take(self, kind: str, token: str, *, dotted: bool) -> None:
        """Add one token to both texts; `dotted` if a dot follows it."""
        if kind in {"space", "comment"}:
            self._put(" ")
            return
        if kind == "name":
            self._name(token, dotted=dotted)
        else:
            getattr(self, f"_{kind}")(token)
        self._last = token.upper()

    def _put(self, shape: str, template: str | None = None) -> None:
        if shape == " " and self.shape[-1:] in ([" "], []):
            return
        self.shape.append(shape)
        self.template.append(shape if template is None else template)

    def _slot(self, _: str) -> None:
        self._put("?", "%s")

    def _text(self, _: str) -> None:
        """A typed literal (DATE '…') takes a parameter only as a cast."""
        if self._last not in _TYPED:
            self._put("?", "%s")
            return
        while self.template[-1].upper() != self._last:
            self.template.pop()
        self.template[-1] = f"CAST(%s AS {self._last})"
        self.shape.append("?")

    def _name(self, token: str, *, dotted: bool) -> None:
        """A quoted name, unless it stands where SQLite and MySQL read one as text: compared, or in a list."""
        compared = self._last in _COMPARED or (self._clauses[-1] == "IN" and self._last in {"(", ","})
        torn = len(token) < 2 or token[0] != token[-1]
        if torn or (compared and not dotted) or _GENERATED.fullmatch(token):
            self._put("?", "%s")
        else:
            self._put(token, token.replace("%", "%%"))

    def _number(self, token: str) -> None:
        clause = self._clauses[-1]
        stays = (
            clause == "TYPE"
            or (clause == "LIMIT" and self._last == "LIMIT")
            or (clause == "BY" and self._last in {"BY", ","})
        )
        self._put("?", token if stays else "%s")

    def _word(self, token: str) -> None:
        word = token.upper()
        self.words.append(word)
        if word in _CLAUSES:
            self._clauses[-1] = word
        self._put(token)

    def _percent(self, _: str) -> None:
        self._put("%", "%%")

    def _sign(self, token: str) -> None:
        if token == "(":
            self._clauses.append("IN" if self._last == "IN" else "TYPE" if self._last in _TYPES else "")
        elif token == ")" and len(self._clauses) > 1:
            self._clauses.pop()
        self._put(token)
