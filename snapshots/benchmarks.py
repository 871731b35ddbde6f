"""Summary, grid and history beside the predecessors' ways; run by manage.py benchmark snapshots."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Count, Max

from accounts.benchmarks import FIRST
from accounts.models import Account, BulkEdit
from benchmarks import naive
from perf import clock
from perf.benchmark import Case, NothingToMeasure, Unequal
from perf.costing import Address
from snapshots.grid import GridFilters, grid_page
from snapshots.history import HistoryFilters, history_of_account
from snapshots.models import Note, Snapshot, Source
from snapshots.recording import Sighting, record
from snapshots.summary import SummaryFilters, summary_list

NEEDED = "there are no figures: start the demo once with `make run`"
EVERYTHING = SummaryFilters.model_validate({})
FIRST_PAGE = GridFilters.model_validate({})
WHOLE = HistoryFilters.model_validate({"points": 5000})
DATE = 3  # where a row of the grid has its day
SHARED = ("platform", "handle", "org_name", "followers", "engagement", "posts")


@contextmanager
def _figures() -> Iterator[None]:
    if not Snapshot.objects.published().exists():
        raise NothingToMeasure(NEEDED)
    yield


def benchmarks() -> Iterator[Case]:
    """The cases of snapshots: cold answers, ready to send."""
    reader = get_user_model()(is_superuser=True, is_active=True)
    account = _longest()
    yield Case(
        "summary",
        {"naive": naive.summary, "ours": lambda: summary_list(EVERYTHING, reader)},
        world=_figures,
        check=lambda: _check_summary(reader),
    )
    yield Case(
        "grid, first page of 50",
        {"naive": lambda: naive.grid(1, 50), "ours": lambda: grid_page(FIRST_PAGE, reader)},
        world=_figures,
        check=lambda: _check_grid(reader),
    )
    if account is not None:
        yield Case(
            "history of one account",
            {
                "naive": lambda: naive.history(account.platform, account.handle.upper()),
                "ours": lambda: history_of_account(account, WHOLE),
            },
            check=lambda: _check_history(account),
        )


def _longest() -> Account | None:
    """The account with the most days."""
    found = (
        Snapshot.objects.published().values("account").annotate(days=Count("pk")).order_by("-days", "account").first()
    )
    return Account.objects.select_related("organization").get(pk=found["account"]) if found else None


def _check_summary(reader: Any) -> None:
    """Ours holds what theirs does. Theirs leaves out accounts without a figure on the single latest day, and tells
    inactive ones from no others, so ours is asked for these too.
    """
    latest = Snapshot.objects.published().aggregate(latest=Max("date"))["latest"]
    all_of_them = json.loads(summary_list(SummaryFilters.model_validate({"active": None}), reader))
    ours = [row for row in all_of_them if row["date"] == latest.isoformat()]
    _require_equal("summary", _plain(json.loads(naive.summary())), _plain(ours))


def _plain(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return sorted(([row[name] for name in SHARED] for row in rows), key=str)


def _check_grid(reader: Any) -> None:
    """The rows of the newest day are the same; within a day theirs sorts by name and ours by number."""

    def ours(page: int) -> Any:
        return grid_page(GridFilters.model_validate({"per_page": 1000, "page": page}), reader)

    _require_equal("grid", _newest_day(lambda page: naive.grid(page, 1000)), _newest_day(ours))


def _newest_day(read: Callable[[int], str | bytes]) -> list[list[Any]]:
    """All rows of the newest day that the pages of `read` hold, in an order of their own."""
    rows: list[list[Any]] = []
    for page in count(1):
        found = json.loads(read(page))["data"]
        rows += found
        if not found or found[-1][DATE] != rows[0][DATE]:
            break
    return sorted((row for row in rows if row[DATE] == rows[0][DATE]), key=str)


def _check_history(account: Account) -> None:
    """The same figure on every day; ours has a null where theirs leaves the day out."""
    pair = (
        json.loads(naive.history(account.platform, account.handle)),
        json.loads(history_of_account(account, WHOLE)),
    )
    series = [list(zip(one["dates"], one["followers"], one["engagement"], strict=True)) for one in pair]
    _require_equal("history", *([day for day in days if day[1:] != (None, None)] for days in series))


def _require_equal(what: str, theirs: Any, ours: Any) -> None:
    if theirs != ours:
        raise Unequal(f"{what}: the predecessor's way and ours give different rows")


def fill(person: Any) -> None:
    """Today's figure of every account, one of a month ago of some, and a note by `person`."""
    accounts = list(Account.objects.order_by("pk"))
    month, now = clock.today() - timedelta(days=30), clock.now()
    record(Sighting(row.pk, month, now, Source.OBSERVED, followers=1_010 + row.pk) for row in accounts[:10])
    record(Sighting(row.pk, clock.today(), now, Source.OBSERVED, followers=1_000 + row.pk) for row in accounts)
    Note.write(person, account=accounts[0], day=clock.today(), text="Campaign begins")


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    two = "?account=x/handle-0&account=x/handle-1"
    return {
        "api:history": Address(FIRST),
        "snapshots:account": Address(FIRST),
        "snapshots:export-accounts": Address({"kind": "csv"}),
        "snapshots:bulk-edit": Address({"pk": BulkEdit.objects.latest("pk").pk}),
        "snapshots:note": Address({"pk": Note.objects.latest("pk").pk}),
        "api:histories": Address(query=two),
        "api:annotations": Address(query=two),
        "snapshots:new-note": Address(query="?account=x/handle-0"),
        "snapshots:bulk": Address(query="?all=1&preview=1&set_core=1&add_tags=news"),
    }
