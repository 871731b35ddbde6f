"""Counts that apps keep of their own rows, found without knowing the apps: an app lists its in gauges.py as GAUGES."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from perf.discovery import discovered

log = logging.getLogger(__name__)

Number = int | float | None
"""A value; None where there is nothing to count, which is not 0."""

PERMISSION = "perf.view_performance"


@dataclass(frozen=True, slots=True)
class Gauge:
    """One count. `read` gives a number, or numbers by a word each, such as {"Submitted": 3, "In review": 1}.

    `name` is the app's and its own ("workitems.items"), for series and exposition; `label` is for people, and `note`
    tells them what is counted. `unit` is "" for rows, or "bytes". Whoever lacks `permission` does not see it.
    """

    name: str
    label: str
    read: Callable[[], Number | Mapping[str, Number]]
    permission: str = PERMISSION
    unit: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a gauge said: its parts by word, "" where it is one number; `why` where it could not be read."""

    gauge: Gauge
    parts: Mapping[str, Number]
    why: str = ""

    @property
    def total(self) -> Number:
        """The sum of its parts; None as soon as one is not known."""
        known = [value for value in self.parts.values() if value is not None]
        return sum(known) if known and len(known) == len(self.parts) else None

    @property
    def is_split(self) -> bool:
        """Whether it has parts with words."""
        return any(self.parts)


GAUGES: list[Gauge] = []
"""perf has none of its own; this module is found like every app's."""


def gauges() -> list[Gauge]:
    """Every app's gauges in the order of the apps. ImproperlyConfigured where two claim one name."""
    found: dict[str, Gauge] = {}
    for label, module in discovered("gauges"):
        for gauge in module.GAUGES:
            if gauge.name in found:
                raise ImproperlyConfigured(f"{label}.gauges: there is a gauge {gauge.name} already")
            found[gauge.name] = gauge
    return list(found.values())


def readings(user: Any = None) -> list[Reading]:
    """Every gauge read now, of those that `user` may see; without one, all. A gauge that fails fails alone."""
    return [_read(gauge) for gauge in gauges() if user is None or user.has_perm(gauge.permission)]


def _read(gauge: Gauge) -> Reading:
    try:
        found = gauge.read()
    except DatabaseError as failure:
        return Reading(gauge, {"": None}, why=str(failure).strip().partition("\n")[0])
    except Exception as failure:  # of whichever app; no page and no other count is lost by it
        log.exception("The gauge %s failed", gauge.name)
        return Reading(gauge, {"": None}, why=f"{type(failure).__name__}: see the log")
    return Reading(gauge, found if isinstance(found, Mapping) else {"": found})
