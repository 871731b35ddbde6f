from __future__ import annotations

import datetime as dt
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account, Organization
from snapshots.judging import judge
from snapshots.models import Snapshot
from snapshots.recording import Sighting, record
from snapshots.rollups import Drift, recompute
from tests.snapshots.test_rollups_property import expected_latest, expected_totals, stored_latest, stored_totals

pytestmark = pytest.mark.django_db(transaction=True)

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
THREADS, ROUNDS, ACCOUNTS = 6, 6, 12


def write_at_random(seed: int, accounts: list[int], organizations: list[int]) -> None:
    """One writer's life: whole and partial batches in any order, judgements, moves, deletions."""
    choose = random.Random(seed)
    try:
        for _ in range(ROUNDS):
            some = choose.sample(accounts, choose.randint(1, len(accounts)))
            acts: list[Any] = [scrape, scrape, scrape, decide, move, rename_and_move, remove]
            choose.choice(acts)(choose, some, organizations)
    finally:
        connection.close()


def scrape(choose: random.Random, accounts: list[int], organizations: list[int]) -> None:
    at = NOON + dt.timedelta(days=choose.randint(0, 8), minutes=choose.randint(0, 90))
    record([Sighting(pk, at.date(), at, "observed", choose.choice([1_000, 1_100, 9_000])) for pk in accounts])


def decide(choose: random.Random, accounts: list[int], organizations: list[int]) -> None:
    for row in Snapshot.objects.to_judge().order_by("?")[:2]:
        with suppress(Snapshot.DoesNotExist):  # another writer deleted it since
            judge(row, accept=choose.random() < 0.5, by=None)


def move(choose: random.Random, accounts: list[int], organizations: list[int]) -> None:
    to = choose.choice(organizations)
    Account.objects.filter(pk__in=accounts).update(organization=to, is_active=choose.random() < 0.8)


def rename_and_move(choose: random.Random, accounts: list[int], organizations: list[int]) -> None:
    with transaction.atomic():
        account = Account.objects.get(pk=accounts[0])
        account.handle, account.organization_id = f"h{choose.random()}", choose.choice(organizations)
        account.save()


def remove(choose: random.Random, accounts: list[int], organizations: list[int]) -> None:
    Snapshot.objects.filter(
        account_id__in=accounts, date=NOON.date() + dt.timedelta(days=choose.randint(0, 8))
    ).delete()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_concurrent_writers_neither_deadlock_nor_lose_a_difference() -> None:
    organizations = [Organization.objects.create(name=f"O{n}").pk for n in range(2)]
    accounts = [
        Account.objects.create(platform=("x", "youtube")[n % 2], handle=f"h{n}", organization_id=organizations[0]).pk
        for n in range(ACCOUNTS)
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(write_at_random, seed, accounts, organizations) for seed in range(THREADS)]:
            done.result()
    assert Snapshot.objects.published().count() > ACCOUNTS
    assert stored_totals() == expected_totals()
    assert stored_latest() == expected_latest()
    assert recompute(write=False) == Drift(latest=0, totals=0)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time")
def test_moves_in_opposite_directions_do_not_deadlock() -> None:
    here, there = (Organization.objects.create(name=f"O{n}").pk for n in range(2))
    accounts = [
        Account.objects.create(platform="x", handle=f"h{n}", organization_id=(here, there)[n]).pk for n in range(2)
    ]
    record(
        [
            Sighting(pk, (at := NOON - dt.timedelta(days=n)).date(), at, "observed", 9)
            for pk in accounts
            for n in range(20)
        ]
    )

    def swing(account: int, organizations: list[int]) -> None:
        try:
            for turn in range(15):
                move(random.Random(turn), [account], [organizations[turn % 2]])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        swings = [pool.submit(swing, accounts[0], [there, here]), pool.submit(swing, accounts[1], [here, there])]
        for done in swings:
            done.result()
    assert stored_totals() == expected_totals()
