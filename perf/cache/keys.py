"""Names of cached answers: families that grow stale together, and keys that cannot collide."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

PARAMETERS_MAX = 150  # characters; longer ones are kept as their digest, Redis keys stay short


@dataclass(frozen=True, slots=True)
class Family:
    """Cached answers that grow stale together; `timeout` in seconds; `depends_on` make it stale too."""

    name: str
    timeout: int
    depends_on: tuple[Family, ...] = ()
    parent: Family | None = None

    def of(self, member: str) -> Family:
        """The family of one member, e.g. HISTORY.of("x:cdcgov"); forgetting it leaves the others warm.

        Forgetting the family itself forgets every member.
        """
        return Family(f"{self.name}:{member}", self.timeout, (self,), self)

    @property
    def subject(self) -> str:
        """The name that counters use: the family's own, or that of the family this is a member of."""
        return self.parent.subject if self.parent else self.name

    def names(self) -> tuple[str, ...]:
        """Every family whose generation is part of the version of an answer of this one, each once, sorted."""
        return tuple(sorted(set(self._walk())))

    def _walk(self) -> Iterator[str]:
        yield self.name
        for family in self.depends_on:
            yield from family._walk()


class Slot(NamedTuple):
    """Where one answer is kept: under `key`, apart for each `vary` (who may see it)."""

    family: Family
    key: str
    vary: str = ""

    @property
    def version(self) -> str:
        """The cache version in Django's sense; it also marks our keys among others in the same Redis."""
        return f"answers.{self.vary}" if self.vary else "answers"

    @property
    def digest(self) -> str:
        """A short name of the slot for its lock and its spare copy, which carry no readable root."""
        return digest(f"{self.version} {self.key}")


def digest(text: str) -> str:
    """32 hexadecimal digits that stand for `text`."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


def key(*root: object, **parameters: Any) -> str:
    """The key of an answer: its root, part by part, and its cleaned parameters in a stable order.

    Each part is quoted, so no handle, whatever it contains, can pass for another part or a parameter:
    key("history", "x", "a:b") is "history:x:a%3Ab". None stands for "not given" and is left out.
    """
    return with_parameters(":".join(quote(str(part), safe="@") for part in root), parameters)


def with_parameters(root: str, parameters: Mapping[str, Any]) -> str:
    """`root` followed by `parameters` sorted by name; characters a root may not hold are quoted."""
    root = quote(root, safe=":%@")
    given = sorted((name, value) for name, value in parameters.items() if value is not None)
    if not given:
        return root
    text = urlencode([_plain(name, value) for name, value in given])
    return f"{root}?{text if len(text) <= PARAMETERS_MAX else digest(text)}"


def _plain(name: str, value: Any) -> tuple[str, str]:
    """One spelling per value; a collection cannot pass for a text."""
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=str)
    if isinstance(value, (list, tuple)):
        return f"{name}[]", json.dumps([str(item) for item in value])
    return name, str(value)
