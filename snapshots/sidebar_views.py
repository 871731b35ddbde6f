"""What stands beside the overview: a page of the sidebar's list, and the pane of the accounts chosen in it."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from perf import clock
from perf.access import requires
from perf.cache import cached, cached_view, key, permissions_of
from snapshots import sidebar as reads
from snapshots.cache import GRID
from snapshots.pane import MOST, Chosen, addresses_of
from snapshots.periods import Period

FIRST_ROWS = 20  # that the page itself holds; the rest come as they scroll into view


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def sidebar(request: HttpRequest) -> HttpResponseBase:
    """A hundred rows of the list as JSON, from the cache."""
    return _rows(request, reads.Wanted.of(request.GET, Period.of(request.GET).days))


def _root(request: HttpRequest, wanted: reads.Wanted) -> str:
    """What the answers of one day are called: who is late is somebody else tomorrow."""
    return key("sidebar", f"{clock.today()}")


@cached_view(GRID, root=_root)
def _rows(request: HttpRequest, wanted: reads.Wanted) -> bytes:
    return reads.page_of(wanted)


@require_safe
@requires("accounts.view_account", "snapshots.view_snapshot")
def pane(request: HttpRequest) -> HttpResponse:
    """The pane alone, as the page of the same address holds it."""
    period = Period.of(request.GET)
    chosen = Chosen.of(request.GET, request.user, period) or Chosen([], [], [], period)
    context = {"chosen": chosen, "period": period, "most": MOST, "note": period.note}
    return render(request, "snapshots/pane.html", context)


def beside(request: HttpRequest, period: Period) -> dict[str, Any]:
    """What the overview's page needs for the sidebar and the pane; nothing for those who may not see accounts."""
    if not request.user.has_perm("accounts.view_account"):
        return {}
    wanted = reads.Wanted.of(request.GET, period.days)
    page = _first(request, wanted)
    chosen = Chosen.of(request.GET, request.user, period)
    rows = _read(page, set(addresses_of(chosen)))
    listed = {"wanted": wanted, "total": page["total"], "rows": rows, "kept": _kept(request, chosen, rows)}
    listed |= {"sorts": reads.SORTS.items(), "states": reads.STATES, "most": MOST, "per_page": reads.PER_PAGE}
    return {"sidebar": listed, "chosen": chosen, "most": MOST}


def _kept(request: HttpRequest, chosen: Chosen | None, rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What the list's form carries on beside its own fields: the period, and chosen accounts without a box in it."""
    boxes = {row["address"] for row in rows}
    period = [(name, request.GET[name]) for name in ("days", "from", "to") if name in request.GET]
    return period + [("account", address) for address in addresses_of(chosen) if address not in boxes]


def _first(request: HttpRequest, wanted: reads.Wanted) -> dict[str, Any]:
    """The beginning of the wanted list, as sidebar.page_of gives it."""
    name = key("sidebar-first", f"{clock.today()}", wanted.sort, f"{wanted.days}", wanted.q)
    start = wanted.model_copy(update={"page": 1})
    found = cached(GRID, name, lambda: reads.page_of(start, FIRST_ROWS), vary=permissions_of(request))
    page: dict[str, Any] = orjson.loads(found.value)
    return page


def _read(page: dict[str, Any], chosen: set[str]) -> list[dict[str, Any]]:
    """The first rows as a template reads them, marked where an account is `chosen`."""
    rows = [dict(zip(reads.COLUMNS, row, strict=True)) for row in page["rows"]]
    for row in rows:
        row["badge"], row["label"] = page["platforms"][row["platform"]]
        row["address"] = f"{row['platform']}/{row['handle']}"
        row["is_chosen"] = row["address"] in chosen
        row["word"] = reads.STATES[row["state"]]
    return rows
