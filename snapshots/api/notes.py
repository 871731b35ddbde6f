"""What happened on the days of charts, from the cache as ready bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import orjson
from django.http import HttpRequest, HttpResponseBase
from ninja import Field, Query, Router, Schema

from perf.access import requires
from perf.answers import CONDITIONAL_MOVES, Refusal
from perf.cache import Family, cached_view
from snapshots.annotations import MOST, annotations_on
from snapshots.api.history import Accounts, Address, Renamed, accounts_at, addresses_of, moved_to
from snapshots.cache import annotations_of
from snapshots.filters import DayFilters

router = Router(tags=["figures"])


class Told(Schema):
    """One thing that happened."""

    kind: Literal["note", "rename", "gap", "suspect", "rejected", "source", "connector"]
    since: dt.date = Field(alias="from", description="The first day.")
    until: dt.date = Field(alias="to", description="The last day.")
    text: str
    account: str | None = Field(description="As x/CDCgov; null where it is about all accounts.")
    note: int | None = Field(description="The number of an editor's note.")
    by: str = Field(description="Who wrote the note.")


class Annotations(Schema):
    """What happened, oldest first; `left_out` counts older ones that one answer does not hold."""

    data: list[Told]
    left_out: int


class AnnotationFilters(DayFilters):
    """Whose days are meant."""

    account: Accounts = []


@router.get(
    "/annotations",
    response={200: Annotations, 404: Refusal},
    summary="What happened on the days of accounts, and editors' notes",
    url_name="annotations",
    by_alias=True,
    openapi_extra=CONDITIONAL_MOVES,
)
@requires("snapshots.view_snapshot")
def told(request: HttpRequest, filters: Query[AnnotationFilters]) -> HttpResponseBase:
    """Renames, gaps, doubts, changes of source and connector, and notes of the accounts; without any, those on all.

    A former handle answers 301 to the present one.
    """
    addresses = addresses_of(filters.account)
    try:
        return _told(request, filters.pinned(), addresses=addresses)
    except Renamed as renamed:
        return moved_to(request, addresses, renamed)


def _family(request: HttpRequest, *, addresses: Sequence[Address]) -> Family:
    return annotations_of(addresses)


@cached_view(_family, root="annotations")
def _told(request: HttpRequest, filters: AnnotationFilters, *, addresses: Sequence[Address]) -> bytes:
    found = annotations_on(accounts_at(request, addresses), filters)
    return orjson.dumps({"data": [one.told() for one in found[-MOST:]], "left_out": max(0, len(found) - MOST)})
