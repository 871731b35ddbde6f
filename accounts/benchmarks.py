"""The registry's questions beside the plain way to ask them; run by manage.py benchmark accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from accounts import bulk
from accounts.models import Account, Organization
from accounts.platforms import PLATFORMS
from accounts.seeding import Registry
from perf.benchmark import Case
from perf.costing import Address

ACCOUNTS = 2_000
"""How many there are at least while these cases run; made up and taken back where there are fewer."""
SEED = 96
PER_PAGE = 50
ASKED = 120
"""Accounts on which budgets are asked: more than two pages of every list."""
OFFICES = 30
FIRST = {"platform": next(iter(PLATFORMS)), "handle": "handle-0"}


@contextmanager
def enough_accounts() -> Iterator[None]:
    """At least ACCOUNTS accounts while the block lasts."""
    with transaction.atomic():
        there = Account.objects.count()
        if there < ACCOUNTS:
            Account.objects.bulk_create(Registry(SEED, ACCOUNTS).accounts(range(ACCOUNTS - there)), batch_size=500)
        yield
        transaction.set_rollback(True)


def benchmarks() -> Iterator[Case]:
    """A page of the list, a search, and one account by a handle that somebody typed."""
    yield Case("50 accounts with their organisations", {"naive": page_by_loops, "ours": page}, world=enough_accounts)
    yield Case("accounts called like a word", {"naive": search_in_python, "ours": search}, world=enough_accounts)
    yield Case("account by its handle", {"naive": typed_anyhow, "ours": typed}, world=enough_accounts)


def page_by_loops() -> list[tuple[str, str]]:
    """A query for each account's organisation."""
    return [(row.handle, row.organization.name) for row in Account.objects.in_order()[:PER_PAGE]]


def page() -> list[tuple[str, str]]:
    """One query."""
    return [(row.handle, row.organization.name) for row in Account.objects.for_list()[:PER_PAGE]]


def _word() -> str:
    """The beginning of some handle."""
    return Account.objects.in_order().values_list("handle_key", flat=True)[PER_PAGE][:8]


def search_in_python() -> list[int]:
    """Every account is loaded and looked at."""
    word = _word()
    return [row.pk for row in Account.objects.in_order() if word in row.handle_key][:PER_PAGE]


def search() -> list[int]:
    """The database looks."""
    word = _word()
    rows = Account.objects.filter(handle_key__contains=word).in_order()
    return list(rows.values_list("pk", flat=True)[:PER_PAGE])


def _typed() -> tuple[str, str]:
    platform, handle = Account.objects.order_by("-pk").values_list("platform", "handle")[0]
    return platform, handle.upper()


def typed_anyhow() -> int | None:
    """Compared without regard to case, which no index serves."""
    platform, handle = _typed()
    return Account.objects.filter(platform=platform, handle__iexact=handle).values_list("pk", flat=True).first()


def typed() -> int | None:
    """By the stored key."""
    found = Account.objects.find_at(*_typed())
    return found.pk if found else None


def fill(person: Any) -> None:
    """The registry on which budgets are asked, and an edit of many of its accounts by `person`."""
    offices = [Organization.objects.create(name=f"Office {number}") for number in range(OFFICES)]
    handles = [(f"handle-{number}", offices[number % OFFICES]) for number in range(ASKED)]
    for handle, office in handles:
        Account.objects.create(platform=FIRST["platform"], handle=handle, organization=office)
    bulk.start(bulk.plan(Account.objects.all(), bulk.Wanted({"is_core": True})), person)


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    return {"api:account": Address(FIRST)}
