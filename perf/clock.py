"""The only clock: instants and days in Python, and the database's own time for leases and due times."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.db.models import DateTimeField, ExpressionWrapper, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.db.models.sql import Query
from django.utils import timezone

from perf.conf import setting


class _Shift:
    """How far tests have moved the clock; TIDEMARK_CLOCK_SHIFT (seconds) moves it in processes a test starts."""

    by = timedelta(seconds=float(os.environ.get("TIDEMARK_CLOCK_SHIFT", "0")) if setting("TESTING") else 0)


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return timezone.now() + _Shift.by


def today(zone: tzinfo | str | None = None) -> date:
    """The calendar day in `zone` (a tzinfo or an IANA name); TIME_ZONE when none is given."""
    if zone is None:
        zone = settings.TIME_ZONE
    return now().astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone).date()


def db_now(plus: timedelta = timedelta(0)) -> Combinable:
    """The database's own instant, `plus` later, as an expression.

    A worker whose clock is wrong then decides nothing about leases and due times.
    """
    shift = _Shift.by + plus
    if not shift:
        return Now()
    return ExpressionWrapper(Now() + Value(shift), output_field=DateTimeField())


def db_at(instant: datetime) -> Combinable:
    """What this process calls `instant`, on the database's clock: as long from its now as `instant` is from ours."""
    return db_now(instant - now())


def db_instant() -> datetime:
    """The database's present instant, aware; costs a query. For days and starts that Python computes."""
    query = Query(None)
    query.add_annotation(db_now(), "now")
    (row,) = query.get_compiler(DEFAULT_DB_ALIAS).results_iter()
    instant: datetime = row[0]
    return instant


def lease_over(field: str, length: timedelta) -> Q:
    """Whether the lease in `field`, given for `length` of the database's time, is over.

    One that ends much later than any can was given before that clock was put back; its holder may be long dead.
    """
    return Q(**{f"{field}__lte": db_now()}) | Q(**{f"{field}__gt": db_now(2 * length)})


def surely_over(length: timedelta) -> datetime:
    """The instant `length` ago by our clock and by the database's: what is older is, whichever of them is wrong."""
    return min(now(), db_instant()) - length


def offset() -> timedelta:
    """How far tests have moved the clock; zero in production. Lua scripts and the fakes read it too."""
    return _Shift.by


@contextmanager
def shifted(by: timedelta) -> Iterator[None]:
    """Move every clock of the product by `by` for the length of a test; refused outside tests."""
    if not setting("TESTING"):
        raise RuntimeError("the clock may only be moved in tests")
    before, _Shift.by = _Shift.by, _Shift.by + by
    try:
        yield
    finally:
        _Shift.by = before
