"""Histories of accounts, from the cache as ready bytes; a former handle leads to the present one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Annotated, Literal, TypeAlias

from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.urls import reverse
from ninja import Field, Query, Router, Schema
from ninja.errors import HttpError
from pydantic import AfterValidator

from accounts.models import Account, FormerHandle
from accounts.platforms import find_platform, handle_key
from perf.access import requires
from perf.answers import CONDITIONAL_MOVES, Refusal
from perf.cache import Family, cached_view, key
from snapshots.cache import histories_of, history_of
from snapshots.history import MOST_ACCOUNTS, HistoryFilters, history_of_account, history_of_accounts

router = Router(tags=["figures"])
Address = tuple[str, str]
Counts: TypeAlias = list[int | None]
Quotients: TypeAlias = list[float | None]
Stretch = Annotated[list[dt.date], Field(min_length=2, max_length=2, description="The first day and the last.")]


class Rounding(Schema):
    """How the platform rounds: to so many leading `digits`, `down` or to the `nearest`."""

    digits: int
    how: Literal["down", "nearest"]


class Line(Schema):
    """An account's figures: a list per wanted metric, null where a day has none, and stretches that need a word."""

    platform: str
    handle: str
    rounding: Rounding | None = Field(description="Of the days marked as rounded; null: the platform does not say how.")
    followers: Counts = []
    engagement: Counts = []
    posts: Counts = []
    likes: Counts = []
    comments: Counts = []
    shares: Counts = []
    following: Counts = []
    listed: Counts = []
    videos: Counts = []
    stories: Counts = []
    live_streams: Counts = []
    video_views: Counts = []
    total_video_views: Counts = []
    follower_growth_absolute: Counts = []
    follower_growth_rate: Quotients = []
    engagement_rate: Quotients = []
    posts_per_day: Quotients = []
    average_views_per_video: Quotients = []
    marks: dict[str, list[Stretch]]


class History(Line):
    """An account's days."""

    dates: list[dt.date]


class Histories(Schema):
    """The days of several accounts; the dates are the same for all."""

    dates: list[dt.date]
    accounts: list[Line]


def _spelled(raw: list[str]) -> list[str]:
    """One spelling and one order for the same accounts, so that they are cached once."""
    if wrong := [one for one in raw if "\x00" in one or not all(one.partition("/"))]:
        raise ValueError(f"say platform/handle, as x/cdcgov, not {wrong[0][:40]!r}")
    found = sorted({"/".join(_address(*one.split("/", 1))) for one in raw})
    if len(found) > MOST_ACCOUNTS:
        raise ValueError(f"at most {MOST_ACCOUNTS} accounts in one answer, not {len(found)}")
    return found


Accounts = Annotated[
    list[str],
    AfterValidator(_spelled),
    Field(description=f"A platform and a handle, as x/cdcgov; repeated for up to {MOST_ACCOUNTS} accounts."),
]


def addresses_of(accounts: Iterable[str]) -> tuple[Address, ...]:
    """Platform and handle of each of the spelled `accounts`."""
    return tuple((platform, handle) for platform, _, handle in (one.partition("/") for one in accounts))


class SeveralFilters(HistoryFilters):
    """Whose histories are wanted, beside what of them."""

    account: Accounts = Field(min_length=1)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Platform and handle of each wanted account."""
        return addresses_of(self.account)

    @property
    def series(self) -> int:
        """How many lists of values the answer has."""
        return len(self.account) * len(self.names)


class Renamed(Exception):
    """Accounts asked for now have other handles: `present` by the addresses they were asked for under."""

    def __init__(self, present: Mapping[Address, Account]) -> None:
        super().__init__(", ".join(map(str, present.values())))
        self.present = present


@router.get(
    "/history",
    response={200: Histories, 404: Refusal},
    summary="Several accounts' figures day by day",
    url_name="histories",
    openapi_extra=CONDITIONAL_MOVES,
)
@requires("snapshots.view_snapshot")
def histories(request: HttpRequest, filters: Query[SeveralFilters]) -> HttpResponseBase:
    """In the order of platform and handle, each account once; 404 names all that are not known.

    A former handle answers 301 to the same accounts under their present handles.
    """
    try:
        return _histories(request, filters.pinned(), addresses=filters.addresses)
    except Renamed as renamed:
        return moved_to(request, filters.addresses, renamed)


@router.get(
    "/history/{platform}/{handle}",
    response={200: History, 404: Refusal},
    summary="One account's figures day by day",
    url_name="history",
    openapi_extra=CONDITIONAL_MOVES,
)
@requires("snapshots.view_snapshot")
def history(request: HttpRequest, platform: str, handle: str, filters: Query[HistoryFilters]) -> HttpResponseBase:
    """Whatever the handle's case. A former handle answers 301 to the present one."""
    try:
        return _history(request, filters.pinned(), platform=platform, handle=handle)
    except Renamed as renamed:
        here, (account,) = request.resolver_match, renamed.present.values()
        path = reverse(here.view_name if here else "history", args=[account.platform, account.handle])
        query = request.GET.urlencode()
        return _moved(f"{path}?{query}" if query else path)


def _moved(path: str) -> HttpResponseBase:
    there = HttpResponsePermanentRedirect(path)
    there["Cache-Control"] = "private, no-cache"  # the old handle may come back, or be another account's
    return there


def moved_to(request: HttpRequest, addresses: Iterable[Address], renamed: Renamed) -> HttpResponseBase:
    """Leads to the same answer about the accounts at `addresses` under their present handles."""
    present = {asked: (account.platform, account.handle) for asked, account in renamed.present.items()}
    query = request.GET.copy()
    query.setlist("account", ["/".join(present.get(one, one)) for one in addresses])
    return _moved(f"{request.path}?{query.urlencode()}")


def _address(platform: str, handle: str) -> Address:
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
        raise Renamed({(name, wanted): account})
    return history_of_account(account, filters)


def _several(request: HttpRequest, *, addresses: Sequence[Address]) -> Family:
    return histories_of(addresses)


@cached_view(_several, root="histories")
def _histories(request: HttpRequest, filters: SeveralFilters, *, addresses: Sequence[Address]) -> bytes:
    return history_of_accounts(accounts_at(request, addresses), filters)


def accounts_at(request: HttpRequest, addresses: Sequence[Address]) -> list[Account]:
    """The accounts at `addresses`, in their order. Raises Renamed for a former handle, a 404 for an unknown one."""
    if not addresses:
        return []
    known = Account.objects.visible_to(request.user)
    rows = known.filter(_at(addresses)).only("platform", "handle", "handle_key", "opened_on")
    found = {(account.platform, account.handle_key): account for account in rows}
    if missing := [address for address in addresses if address not in found]:
        former = FormerHandle.objects.filter(_at(missing), account__in=known).select_related("account")
        renamed = {(one.platform, one.handle_key): one.account for one in former}
        if unknown := ["/".join(address)[:140] for address in missing if address not in renamed]:
            raise HttpError(404, f"Not known here: {', '.join(unknown)}. Ask again without.")
        raise Renamed(renamed)
    return [found[address] for address in addresses]


def _at(addresses: Iterable[Address]) -> Q:
    return reduce(or_, (Q(platform=platform, handle_key=handle) for platform, handle in addresses))
