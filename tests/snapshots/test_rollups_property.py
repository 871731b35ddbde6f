from __future__ import annotations

import datetime as dt
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Organization
from snapshots.judging import judge
from snapshots.models import FIGURES, DailyTotal, LatestSnapshot, PlatformAccounts, PlatformTotal, Quality, Snapshot
from snapshots.recording import Sighting, record
from snapshots.statements import TALLY
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

DAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ACCOUNTS, ORGANIZATIONS = 4, 2

PHASES = (Phase.explicit, Phase.generate)  # a failing list of steps says enough; making it shorter takes minutes
day = st.sampled_from([0, 1, 2, 7, 8, 30, 31])
figure = st.sampled_from([None, 0, 900, 1_000, 1_010, 3_000, 3_050, 9_000, 9_100])
who = st.integers(0, ACCOUNTS - 1)
sighting = st.tuples(
    who, day, st.sampled_from([0, 10, 45, 90]), st.sampled_from(["observed", "imported", "simulated"]), figure
)
step = st.one_of(
    st.tuples(st.just("record"), st.lists(sighting, min_size=1, max_size=6)),
    st.tuples(st.just("record"), st.lists(sighting, min_size=1, max_size=6)),
    st.tuples(st.just("judge"), st.booleans(), st.integers(0, 9)),
    st.tuples(st.just("delete"), st.integers(0, 99)),
    st.tuples(st.just("delete_day"), day),
    st.tuples(st.just("edit"), st.integers(0, 99), figure),
    st.tuples(st.just("hide_day"), day, st.sampled_from(list(Quality))),
    st.tuples(st.just("insert"), who, day, figure),
    st.tuples(st.just("move"), who, st.integers(0, ORGANIZATIONS - 1)),
    st.tuples(st.just("rename"), who, st.sampled_from(["x", "youtube", "flickr"])),
    st.tuples(st.just("activate"), who, st.booleans()),
    st.tuples(st.just("delete_account"), who),
    st.tuples(st.just("fail"), st.lists(sighting, min_size=1, max_size=3)),
)


class World:
    """A few accounts and every way in which their figures change."""

    def __init__(self) -> None:
        self.organizations = [Organization.objects.create(name=f"O{n}") for n in range(ORGANIZATIONS)]
        self.accounts: list[Account | None] = [
            Account.objects.create(
                platform=("x", "youtube")[n % 2], handle=f"h{n}", organization=self.organizations[n // 2]
            )
            for n in range(ACCOUNTS)
        ]

    def record(self, sightings: list[tuple[int, int, int, str, int | None]]) -> None:
        seen = []
        for who, days, minutes, source, followers in sightings:
            at = NOON + dt.timedelta(days=days, minutes=minutes)
            if account := self.accounts[who]:
                seen.append(Sighting(account.pk, at.date(), at, source, followers, posts=followers))
        record(seen, at=NOON + dt.timedelta(days=99))

    def fail(self, sightings: list[Any]) -> None:
        with transaction.atomic():
            self.record(sightings)
            transaction.set_rollback(True)

    def judge(self, accept: bool, pick: int) -> None:
        waiting = list(Snapshot.objects.to_judge().order_by("pk")) or list(Snapshot.objects.order_by("pk"))
        if waiting:
            judge(waiting[pick % len(waiting)], accept=accept, by=None)

    def some(self, pick: int) -> Snapshot | None:
        rows = list(Snapshot.objects.order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    def delete(self, pick: int) -> None:
        if row := self.some(pick):
            row.delete()

    def delete_day(self, days: int) -> None:
        Snapshot.objects.filter(date=DAY + dt.timedelta(days=days)).delete()

    def edit(self, pick: int, followers: int | None) -> None:
        if row := self.some(pick):
            row.followers = followers
            row.save()

    def hide_day(self, days: int, quality: Quality) -> None:
        Snapshot.objects.filter(date=DAY + dt.timedelta(days=days)).update(quality=quality, aside=None)

    def insert(self, who: int, days: int, followers: int | None) -> None:
        if account := self.accounts[who]:
            at = NOON + dt.timedelta(days=days)
            row = Snapshot(account=account, date=at.date(), observed_at=at, source="imported", followers=followers)
            Snapshot.objects.bulk_create([row], ignore_conflicts=True)

    def move(self, who: int, organization: int) -> None:
        self.change(who, organization=self.organizations[organization])

    def rename(self, who: int, platform: str) -> None:
        self.change(who, platform=platform)

    def activate(self, who: int, active: bool) -> None:
        self.change(who, is_active=active)

    def change(self, who: int, **values: Any) -> None:
        if account := self.accounts[who]:
            Account.objects.filter(pk=account.pk).update(**values)

    def delete_account(self, who: int) -> None:
        if account := self.accounts[who]:
            account.delete()
            self.accounts[who] = None


def expected_totals() -> dict[tuple[dt.date, str, int], tuple[int, ...]]:
    """The totals by their definition: active accounts' published followers, by present organisation, and what they
    gained since each was last seen.
    """
    tallies: dict[tuple[dt.date, str, int], list[int]] = defaultdict(lambda: [0] * 5)
    for account in Account.objects.filter(is_active=True):
        counted = Snapshot.objects.filter(account=account, quality="published", followers__isnull=False)
        before = None
        for row in counted.order_by("date"):
            steps = [row.followers - before.followers, before.followers, 1] if before else [0, 0, 0]
            tally = tallies[row.date, account.platform, account.organization_id]
            for place, more in enumerate([row.followers, 1, *steps]):
                tally[place] += more
            before = row
    return {cell: tuple(tally) for cell, tally in tallies.items()}


def expected_sums() -> dict[tuple[dt.date, str], tuple[int, ...]]:
    """The totals of platforms: the sums of those of their organisations, and how many figures are published at all."""
    sums: dict[tuple[dt.date, str], tuple[int, ...]] = {}
    for (date, platform, _), tally in expected_totals().items():
        sums[date, platform] = tuple(map(sum, zip(sums.get((date, platform), (0,) * 5), tally, strict=True)))
    figures = Counter(Snapshot.objects.published().values_list("date", "account__platform"))
    return {cell: (*sums.get(cell, (0,) * 5), count) for cell, count in figures.items()}


def expected_accounts() -> dict[str, int]:
    """How many accounts of each platform have a published figure."""
    known = Snapshot.objects.published().values_list("account", "account__platform")
    return Counter(platform for _, platform in set(known))


def expected_latest() -> dict[int, tuple[Any, ...]]:
    """The latest rows by their definition, by account."""
    latest = {}
    for account in Account.objects.all():
        rows = {row.date: row for row in Snapshot.objects.filter(account=account) if row.quality == "published"}
        if not rows:
            continue
        last = rows[max(rows)]
        changes = []
        for back in (1, 7, 30, 90):
            before = rows.get(last.date - dt.timedelta(days=back))
            known = before and before.followers is not None and last.followers is not None
            changes.append(last.followers - before.followers if known else None)
        cell = (account.platform, account.organization_id, account.is_active)
        figures = [getattr(last, name) for name in FIGURES]
        latest[account.pk] = (*cell, len(rows), last.date, last.observed_at, last.source, *figures, *changes)
    return latest


def stored_totals() -> dict[tuple[dt.date, str, int], tuple[int, ...]]:
    rows = DailyTotal.objects.values_list("date", "platform", "organization_id", *TALLY)
    return {row[:3]: row[3:] for row in rows}


def stored_sums() -> dict[tuple[dt.date, str], tuple[int, ...]]:
    return {row[:2]: row[2:] for row in PlatformTotal.objects.values_list("date", "platform", *TALLY, "figures")}


def stored_accounts() -> dict[str, int]:
    return dict(PlatformAccounts.objects.values_list("platform", "accounts"))


def stored_latest() -> dict[int, tuple[Any, ...]]:
    names = ("platform", "organization_id", "is_active", "days", "date", "observed_at", "source", *FIGURES)
    names += ("change_1", "change_7", "change_30", "change_90")
    return {row.pk: tuple(getattr(row, name) for name in names) for row in LatestSnapshot.objects.known()}


@settings(
    max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=PHASES
)
@given(steps=st.lists(step, min_size=6, max_size=14))
def test_latest_rows_and_totals_equal_a_recomputation_after_any_writes(db: None, steps: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        world = World()
        world.record([(who, days, 0, "imported", 1_000) for who in range(ACCOUNTS) for days in (0, 1, 7)])
        for name, *arguments in steps:
            act: Callable[..., None] = getattr(world, name)
            act(*arguments)
        assert stored_totals() == expected_totals()
        assert stored_sums() == expected_sums()
        assert stored_accounts() == expected_accounts()
        assert stored_latest() == expected_latest()
        transaction.set_rollback(True)


def test_late_days_in_any_order_give_the_same_tables(db: None) -> None:
    world = World()
    sightings = [(who, days, 0, "observed", 1_000 + days) for who in range(ACCOUNTS) for days in range(12)]
    random.Random(7).shuffle(sightings)
    for one in sightings:
        world.record([one])
    assert Snapshot.objects.published().count() == len(sightings)
    assert stored_totals() == expected_totals()
    assert stored_sums() == expected_sums()
    assert stored_accounts() == expected_accounts()
    assert stored_latest() == expected_latest()
