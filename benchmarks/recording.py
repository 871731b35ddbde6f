"""Recording a day: ours with latest rows and totals beside Django's bulk_create upsert of the bare snapshots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from django.db import connection, transaction

from accounts.models import Account, Organization
from accounts.platforms import PLATFORMS
from benchmarks.ground import Line
from snapshots import recording
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot
from snapshots.recording import Sighting, record

ACCOUNTS, ROUNDS, BATCH = 100_000, 5, 1_000  # the batch size at which bulk_create was quickest
FIRST = datetime(2026, 1, 1, 12, tzinfo=UTC)


def measure(accounts: int = ACCOUNTS) -> list[Line]:
    """Each variant records the same day, in turns, and is rolled back; the foreign keys are checked within."""
    _seed(accounts)
    for days in range(2):
        record(_sightings(days))
    sightings = _sightings(2)
    variants: dict[str, Callable[[], object]] = {
        "bulk_create upsert, bare snapshots": lambda: _bulk_create(sightings),
        "COPY upsert, bare snapshots": lambda: recording.upsert([recording.row_of(s) for s in sightings]),
        "ours, with latest rows and totals": lambda: record(sightings),
    }
    _check(variants["ours, with latest rows and totals"], accounts)
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, run in variants.items():
            times[name].append(_timed(run))
    base, *others = [(name, accounts / median(taken)) for name, taken in times.items()]
    lines = [Line("a day", base[0], base[1], "rows/s")]
    for (name, speed), goal in zip(others, (5.0, 3.0), strict=True):
        ratio = speed / base[1]
        lines.append(Line("a day", name, speed, "rows/s", ratio, f"≥ {goal:g} ×", ratio >= goal))
    return lines


def _seed(accounts: int) -> None:
    owners = Organization.objects.bulk_create([Organization(name=f"Office {n}") for n in range(49)])
    names = list(PLATFORMS)
    rows = [
        Account(platform=names[n % len(names)], handle=f"user{n}", handle_key=f"user{n}", organization=owners[n % 49])
        for n in range(accounts)
    ]
    Account.objects.bulk_create(rows, batch_size=BATCH)


def _sightings(days: int) -> list[Sighting]:
    """What a night brings: most platforms give a few of the figures."""
    at = FIRST + timedelta(days=days)
    ids = Account.objects.order_by("pk").values_list("pk", flat=True)
    return [
        Sighting(pk, at.date(), at + timedelta(milliseconds=pk % 9_999), "observed", 10_000 + pk % 997 + days, posts=pk)
        for pk in ids
    ]


def _bulk_create(sightings: list[Sighting]) -> None:
    rows = [
        Snapshot(account_id=s.account_id, date=s.date, observed_at=s.observed_at, source=s.source, **s.figures)
        for s in sightings
    ]
    Snapshot._base_manager.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["account_id", "date"],
        update_fields=recording.WRITTEN,
    )


def _timed(run: Callable[[], object]) -> float:
    """Seconds of one run; nothing of it stays but dead rows, which are cleared away before the next."""
    with transaction.atomic():
        started = perf_counter()
        run()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        taken = perf_counter() - started
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE snapshots_snapshot, snapshots_latestsnapshot, snapshots_dailytotal")
    return taken


def _check(ours: Callable[[], object], accounts: int) -> None:
    """Ours writes all that it claims."""
    with transaction.atomic():
        ours()
        day = (FIRST + timedelta(days=2)).date()
        found = [Snapshot.objects.filter(date=day).count(), LatestSnapshot.objects.filter(date=day).count()]
        found.append(sum(DailyTotal.objects.filter(date=day).values_list("accounts", flat=True)))
        transaction.set_rollback(True)
    if found != [accounts] * 3:
        raise RuntimeError(f"snapshots, latest rows and counted accounts of the day: {found}, not {accounts} each")
