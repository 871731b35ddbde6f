"""Figures by account and day, from the cache as ready bytes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from perf.access import requires
from perf.answers import CONDITIONAL, Page
from perf.cache import cached_view
from snapshots.cache import GRID
from snapshots.grid import GridFilters, grid_page

router = Router(tags=["figures"])


class GridPage(Page):
    """A page of the grid: `data` holds a row per account and day, its values in the order of `columns`."""

    columns: list[str]
    data: list[list[Any]]


@router.get(
    "/grid",
    response=GridPage,
    summary="One row per account and day, newest first",
    url_name="grid",
    openapi_extra=CONDITIONAL,
)
@requires("snapshots.view_snapshot")
@cached_view(GRID, root="grid:all")
def grid(request: HttpRequest, filters: Query[GridFilters]) -> bytes:
    """Rows are arrays, in the order of `columns`. Follow `next` as `after` (with the next `page`) to read on."""
    return grid_page(filters, request.user)
