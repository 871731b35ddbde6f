"""What an entry of the registry of platforms says: names, addresses, handles, and how counts are rounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rounding:
    """How a platform rounds what it does not give exactly: to so many leading digits, down or to the nearest."""

    digits: int
    how: Literal["down", "nearest"]


@dataclass(frozen=True, slots=True)
class Form:
    """One way a platform writes a profile's address. `path` captures `handle`, or `id` where its id stands there."""

    kind: str
    path: str
    url: str
    prefix: str = ""

    def match(self, path: str) -> tuple[str, str] | None:
        """The handle (prefix included) and the platform's id, or "", that `path` names; None for other pages."""
        found = re.fullmatch(self.path, path, re.IGNORECASE)
        if not found:
            return None
        external_id = found.groupdict().get("id") or ""
        return self.prefix + (external_id or found["handle"]), external_id


@dataclass(frozen=True, slots=True)
class Platform:
    """One social platform as the registry knows it. `handle` is the pattern of a legal handle, `rule` says it in words.
    White text can be read on `colour`.

    The first of `forms` is how an address is built when nothing says otherwise. `pages` says what else lives there:
    first segments of paths by what they are. `tabs` may follow a profile's path. `rounding` is None where the platform
    does not say how it rounds; API and page round alike where it does.
    """

    name: str
    label: str
    badge: str
    colour: str
    domains: tuple[str, ...]
    site: str
    handle: str
    rule: str
    forms: tuple[Form, ...]
    aliases: tuple[str, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    tabs: str = ""
    rounding: Rounding | None = None

    def page_at(self, path: str) -> str | None:
        """What the site keeps at `path` that is no profile, or None."""
        first = re.split(r"[/?]", path, maxsplit=1)[0].lower()
        return next((what for what, segments in self.pages.items() if first in segments.split()), None)
