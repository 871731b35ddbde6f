"""Histories of accounts, from the cache as ready bytes; a former handle leads to the present one."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import reverse
from ninja import Query, Router, Schema
from ninja.errors import HttpError

from accounts.models import Account
from accounts.platforms import find_platform, handle_key
from perf.access import requires
from perf.cache import Family, cached_view, key
from snapshots.api.envelopes import Refusal
from snapshots.cache import history_of
from snapshots.history import HistoryFilters, history_of_account

router = Router(tags=["figures"])


class History(Schema):
    """An account's days; a list per metric, null where a day has no figure."""

    platform: str
    handle: str
    dates: list[dt.date]
    followers: list[int | None] = []
    engagement: list[int | None] = []
    marks: dict[str, list[tuple[dt.date, dt.date]]]


class Renamed(Exception):
    """The account asked for now has another handle."""

    def __init__(self, account: Account) -> None:
        super().__init__(f"{account.platform} {account.handle}")
        self.account = account


@router.get(
    "/history/{platform}/{handle}",
    response={200: History, 400: Refusal, 404: Refusal},
    summary="One account's figures day by day",
    url_name="history",
)
@requires("snapshots.view_snapshot")
def history(request: HttpRequest, platform: str, handle: str, filters: Query[HistoryFilters]) -> HttpResponseBase:
    """Whatever the handle's case. A former handle answers 301 to the present one."""
    try:
        return _history(request, filters.pinned(), platform=platform, handle=handle)
    except Renamed as renamed:
        here = request.resolver_match
        path = reverse(here.view_name if here else "history", args=[renamed.account.platform, renamed.account.handle])
        query = request.GET.urlencode()
        there = HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
        there["Cache-Control"] = "private, no-cache"  # the old handle may come back, or be another account's
        return there


def _address(platform: str, handle: str) -> tuple[str, str]:
    """Platform and handle in the one spelling under which they are stored and cached."""
    found = find_platform(platform)
    name = found.name if found else platform.casefold()
    return name, handle_key(name, handle)


def _family(request: HttpRequest, *, platform: str, handle: str) -> Family:
    return history_of(*_address(platform, handle))


def _root(request: HttpRequest, filters: HistoryFilters, *, platform: str, handle: str) -> str:
    return key("history", *_address(platform, handle))


@cached_view(_family, root=_root)
def _history(request: HttpRequest, filters: HistoryFilters, *, platform: str, handle: str) -> bytes:
    name, wanted = _address(platform, handle)
    account = Account.objects.visible_to(request.user).find_at(name, handle)
    if account is None:
        raise HttpError(404, f"No account “{handle[:100]}” on {name[:40]} is known here.")
    if account.handle_key != wanted:
        raise Renamed(account)
    return history_of_account(account, filters)
