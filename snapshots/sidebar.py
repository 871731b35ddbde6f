"""The sidebar's list: active accounts, or those searched for, any hundred by position, with what a small row shows."""

from __future__ import annotations

import datetime as dt
import secrets
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Self

import orjson
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from ninja import Schema
from pydantic import BeforeValidator

from accounts.cache import ACCOUNTS
from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock, keyset
from perf.cache import cached, key
from perf.cache.recent import Recent
from perf.pagination import page_number
from snapshots.cache import GRID
from snapshots.filters import FEW, ONE_DAY
from snapshots.models import CHANGES, LatestSnapshot, Snapshot

PER_PAGE = 100
SPARK_DAYS, SPARK_STEP = 30, 3  # the line has a point for every three days
SPARK_HEIGHT = 20  # the highest point of a line; its lowest is 0
SEARCH_MAX = 100  # characters
ORDERS_BYTES_MAX = 32 * 1024 * 1024  # of orders in one process: forty of 100,000 accounts

SORTS = {"followers": "Most followers", "name": "Name", "change": "Most gained"}
Sort = Literal["followers", "name", "change"]
State = Literal["ok", "late", "none", "held", "inactive", "suspect"]
STATES = {
    "ok": "",
    "late": "No figure since the day before yesterday",
    "none": "No figure yet",
    "held": "On hold: nothing is fetched",
    "inactive": "Inactive: not scraped or counted",
    "suspect": "A figure waits for a second look",
}
"""What each state is said as; nothing needs saying of an account that is as it should be."""

COLUMNS = ("id", "platform", "handle", "name", "organization", "followers", "rounded", "change", "state", "line")
"""What a row holds, in this order."""


def _sort(raw: Any) -> Any:
    return raw if raw in SORTS else "followers"


class Wanted(Schema):
    """Which part of which list an address asks for; what it cannot mean is as if it were not there."""

    q: str = ""
    sort: Annotated[Sort, BeforeValidator(_sort)] = "followers"
    days: int = 30
    page: Annotated[int, BeforeValidator(page_number)] = 1

    @classmethod
    def of(cls, query: QueryDict, days: int) -> Self:
        """What `query` asks for, with the changes over the longest of the maintained spans within `days`."""
        fitting = [span for span in CHANGES.values() if 1 < span <= days]
        words = " ".join(query.get("q", "").replace("\x00", "").split())[:SEARCH_MAX]
        span = max(fitting, default=7)
        return cls.model_validate({"q": words, "sort": query.get("sort"), "days": span, "page": query.get("page")})

    @property
    def change(self) -> str:
        """The field of a latest row that has the change."""
        return f"change_{self.days}"


class Order(NamedTuple):
    """An answer to one sorting and search: how many accounts there are, and the wanted page of their ids."""

    total: int
    ids: Sequence[int]


def page_of(wanted: Wanted, per_page: int = PER_PAGE) -> bytes:
    """A page as JSON: {"total", "page", "per_page", "days", "platforms": {name: [badge, label]}, "rows"}.

    A row holds COLUMNS. `name` is empty where it is the handle again, `change` is over `days`, and `line` has a height
    from 0 to SPARK_HEIGHT for every three days, null where none of the three has a figure. Past the end there are no
    rows.
    """
    order = _order(wanted, per_page)
    rows = _rows(order.ids, wanted.change)
    names = sorted({row[1] for row in rows})
    platforms = {name: [PLATFORMS[name].badge, PLATFORMS[name].label] for name in names}
    head = {"total": order.total, "page": wanted.page, "per_page": per_page, "days": wanted.days}
    return orjson.dumps(head | {"platforms": platforms, "rows": rows})


# The orders: 100,000 ids are sorted once, then a page anywhere among them is a slice ----------------------------------
_orders: Recent[tuple[str, ...], array[int]] = Recent(ORDERS_BYTES_MAX, lambda ids: len(ids) * ids.itemsize)


def _order(wanted: Wanted, per_page: int) -> Order:
    """The ids of the wanted page, and how many there are in all."""
    edition = _edition()
    if (first := _first(wanted, edition, per_page)) is not None:
        return first
    ids = _found(wanted, edition) if wanted.q else _sorted(wanted, edition)
    start = (wanted.page - 1) * per_page
    return Order(len(ids), ids[start : start + per_page])


def _first(wanted: Wanted, edition: str, per_page: int) -> Order | None:
    """The first page of many active accounts that nobody has sorted yet; None where it is a slice of what is kept.

    With every new edition somebody waits for it, and few read on: an index has it without sorting the others.
    """
    if wanted.page > 1 or wanted.q or _orders.get(_name(wanted, edition)) is not None:
        return None
    if (total := _active()) <= FEW:
        return None
    rows, names = _listed(wanted)
    return Order(total, keyset.Order(rows, names).take(rows.values_list("pk", flat=True), per_page))


def _active() -> int:
    """How many accounts are active: counted again when an account changes, not with every figure."""
    active = Account.objects.filter(is_active=True)
    return int(cached(ACCOUNTS, key("active-accounts"), lambda: str(active.count()).encode()).value)


def _edition() -> str:
    """A name for the figures as they are now: another one as soon as one of them or an account has changed.

    While somebody writes nothing is kept, so every call gives another name, and nothing sorted before is shown.
    """
    return cached(GRID, key("sidebar-edition"), lambda: secrets.token_hex(8).encode()).value.decode()


def _sorted(wanted: Wanted, edition: str) -> array[int]:
    """The ids of all listed accounts in the wanted order; those without a figure to sort by come last.

    Listed are the active ones, as in the grid; a search goes through all.
    """
    name = _name(wanted, edition)
    ids = _orders.get(name)
    if ids is None:
        ids = array("q", _ids_by(wanted))
        _orders.put(name, ids)
    return ids


def _name(wanted: Wanted, edition: str) -> tuple[str, ...]:
    return edition, "all" if wanted.q else "active", *_by(wanted)


def _by(wanted: Wanted) -> tuple[str, str]:
    """What is sorted by: the same for all spans, except of changes."""
    return wanted.sort, str(wanted.days) if wanted.sort == "change" else ""


def _ids_by(wanted: Wanted) -> Iterable[int]:
    rows, names = _listed(wanted)
    return rows.order_by(*keyset.Order(rows, names).ordering()).values_list("pk", flat=True)


def _listed(wanted: Wanted) -> tuple[QuerySet[Any], list[str]]:
    """The rows whose keys are the ids of the listed accounts, and what they are sorted by."""
    listed = {} if wanted.q else {"is_active": True}
    if wanted.sort == "name":
        return Account.objects.filter(**listed), ["handle_key", "pk"]
    figure = "followers" if wanted.sort == "followers" else wanted.change
    return LatestSnapshot.objects.filter(**listed), [f"-{figure}", "-pk"]


def _found(wanted: Wanted, edition: str) -> array[int]:
    """The ids of the accounts that match the search, in the wanted order."""
    name = (edition, "found", *_by(wanted), wanted.q)
    ids = _orders.get(name)
    if ids is None:
        matching = set(Account.objects.matching(search=wanted.q).order_by().values_list("pk", flat=True))
        ids = array("q", filter(matching.__contains__, _sorted(wanted, edition)) if matching else ())
        _orders.put(name, ids)
    return ids


# The rows: one statement each for accounts and lines, however many there are ----------------------------------
ACCOUNT = ("pk", "platform", "handle", "display_name", "organization__name", "is_active", "held")
_DOUBTS = Snapshot.objects.to_judge().filter(account=OuterRef("pk"))
LATEST = ("latest__date", "latest__followers", "latest__followers_rounded")


def _rows(ids: Sequence[int], change: str) -> list[list[Any]]:
    """The rows of `ids`, in their order; an account that has gone meanwhile is left out."""
    accounts = Account.objects.filter(pk__among=ids).annotate(doubted=Exists(_DOUBTS))
    found = accounts.values_list(*ACCOUNT, "doubted", *LATEST, f"latest__{change}")
    lines = sparks(ids)
    rows = {}
    for pk, platform, handle, name, organization, active, held, doubted, date, followers, rounded, gained in found:
        state = _state(active=active, held=held, doubted=doubted, date=date)
        shown = name if name != handle else ""
        rows[pk] = [pk, platform, handle, shown, organization, followers, bool(rounded), gained, state, lines[pk]]
    return [rows[pk] for pk in ids if pk in rows]


def _state(*, active: bool, held: str, doubted: bool, date: dt.date | None) -> State:
    """What matters most about an account."""
    if not active:
        return "inactive"
    if held:
        return "held"
    if doubted:
        return "suspect"
    if date is None:
        return "none"
    return "late" if date < clock.today() - ONE_DAY else "ok"


def sparks(ids: Collection[int]) -> dict[int, list[int | None]]:
    """For each account its followers of the last 30 days as heights, one for every three days and the last for now.

    None where none of the three days has a published figure; empty where fewer than two points are known.
    """
    today = clock.today()
    first = today - dt.timedelta(days=SPARK_DAYS - 1)
    figures = Snapshot.objects.published().filter(account__among=ids, date__range=(first, today))
    seen = figures.order_by("date").values_list("account_id", "date", "followers")
    lines: dict[int, dict[int, int]] = {pk: {} for pk in ids}
    for account, date, followers in seen:
        if followers is not None:
            lines[account][(date - first).days // SPARK_STEP] = followers
    return {pk: _heights(line) for pk, line in lines.items()}


def _heights(line: Mapping[int, int]) -> list[int | None]:
    if len(line) < 2:
        return []
    low, span = min(line.values()), max(line.values()) - min(line.values())
    points = [line.get(place) for place in range(SPARK_DAYS // SPARK_STEP)]
    if not span:
        return [None if value is None else SPARK_HEIGHT // 2 for value in points]
    return [None if value is None else round((value - low) * SPARK_HEIGHT / span) for value in points]
