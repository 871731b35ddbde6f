"""The demo: the real roster with a simulated year, kept apart from figures that somebody observed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from django.db import connection, transaction

import accounts
from accounts.importing import import_roster, plan_import
from accounts.models import Account, Organization
from accounts.rosters import Row, read_roster
from perf.clock import today
from perf.events import happened
from project import demo_items
from scraping import ledger, tasks
from scraping.connectors import CONNECTORS
from scraping.connectors.base import Target
from scraping.fakes.curves import seeded
from scraping.models import ScrapeRun
from snapshots.models import FIGURES, Quality, Snapshot, Source, keeping

ROSTER = Path(accounts.__file__).parent / "demo_roster.json"
HISTORY_DAYS = 365
SEEN_AT = time(4, 0, tzinfo=UTC)  # when the nightly scrape would have seen a day's figures

COLUMNS = ("account_id", "date", "observed_at", "source", "quality", *FIGURES)
ROWS_A_STATEMENT = 50  # 999 parameters are the least that every SQLite takes


class Mixture(Exception):
    """Simulated and observed figures would meet in one database; the message is one line."""


def refuse_mixture(*, demo: bool) -> None:
    """Raises Mixture when this database holds figures of the other kind than this start would write."""
    count = Snapshot.objects.filter(source=Source.OBSERVED if demo else Source.SIMULATED).count()
    if count and demo:
        raise Mixture(
            f"This database holds {count:,} observed figures, and a demo would mix simulated ones into them:"
            " start with DEMO=0, or set DATA_DIR to another folder for the demo."
        )
    if count:
        raise Mixture(
            f"This database holds {count:,} simulated figures of the demo: start with DEMO=1, set DATA_DIR to"
            " another folder, or remove them with `manage.py forget_demo`."
        )


def prepare() -> Iterator[str]:
    """Import the roster into an empty registry and fill the year behind us; yields a line for each thing done."""
    if not Account.objects.exists():
        counts = import_roster(_roster(), by=None, name="Demo roster").counts
        yield f"Imported the demo's roster: {counts['new']} accounts, {counts['refused']} refused."
    if figures := seed_history():
        yield f"Simulated {figures:,} days of history."
    if count := demo_items.seed_items():
        yield f"Made {count} work items up; their photographs are ready within a minute."


def _roster() -> list[Row]:
    return read_roster(ROSTER.read_bytes())


def seed_history() -> int:
    """Give every active account the simulated figures of each of the last 365 days that lacks any; how many.

    A profile that no connector can ever read (a person on LinkedIn) gets none, as it would in earnest.
    Run again it fills only what is missing, so an interrupted start, or days on which the demo did not run, heal.
    """
    first = today() - timedelta(days=HISTORY_DAYS)
    days = [first + timedelta(days=number) for number in range(HISTORY_DAYS)]  # up to yesterday; today is scraped
    known = set(Snapshot.objects.filter(date__gte=first).values_list("account_id", "date"))
    missing: dict[date, list[tuple[int, str, str]]] = {day: [] for day in days}
    for account, platform, handle in Account.objects.active().values_list("id", "platform", "handle"):
        if CONNECTORS[platform].at_once(Target(account, handle)):
            continue
        for day in days:
            if (account, day) not in known:
                missing[day].append((account, platform, handle))
    rows = [row for day, profiles in missing.items() for row in _rows(day, profiles)]
    if rows:
        _insert(rows)
    return len(rows)


def _rows(day: date, profiles: list[tuple[int, str, str]]) -> Iterator[tuple[Any, ...]]:
    """One day's rows of the snapshot table, in the order of COLUMNS."""
    shared: dict[str, Any] = {
        "date": day,
        "observed_at": datetime.combine(day, SEEN_AT),
        "source": Source.SIMULATED.value,
        "quality": Quality.PUBLISHED.value,
        "followers_rounded": False,
    }
    for name in ("date", "observed_at"):
        shared[name] = Snapshot._meta.get_field(name).get_db_prep_save(shared[name], connection)  # type: ignore[union-attr]  # both are columns
    for account, platform, handle in profiles:
        row = shared | seeded(platform, handle, day) | {"account_id": account}
        yield tuple(row.get(name) for name in COLUMNS)


def _insert(rows: list[tuple[Any, ...]]) -> None:
    """Write `rows` as they are: through model instances the year takes four times as long."""
    table = connection.ops.quote_name(Snapshot._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in COLUMNS)
    places = f"({', '.join(['%s'] * len(COLUMNS))})"
    with keeping({account for account, *_ in rows}), connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            part = rows[start : start + ROWS_A_STATEMENT]
            cursor.execute(
                f"INSERT INTO {table} ({names}) VALUES {', '.join([places] * len(part))} ON CONFLICT DO NOTHING",  # noqa: S608  # our own names
                list(chain.from_iterable(part)),
            )


def request_first_scrape() -> ScrapeRun | None:
    """Ask for a scrape of everything unless today's was asked for already; the run to watch, if one is open."""
    run = ScrapeRun.objects.filter(kind=ScrapeRun.Kind.DEMO, created_at__date=today()).order_by("-id").first()
    if run is None and Account.objects.active().exists():
        with transaction.atomic():
            run = ledger.request_scrape(
                Account.objects.active(), None, kind=ScrapeRun.Kind.DEMO, scope=ScrapeRun.Scope.ALL
            )
            tasks.wake()
    return run if run is not None and run.is_open else None


# --- Leaving the demo ----------------------------------------------------------------------------


def belongings() -> dict[str, int]:
    """What `forget` would delete, counted under words for people."""
    return {
        "simulated figures": Snapshot.objects.filter(source=Source.SIMULATED).count(),
        "accounts of the demo's roster": len(_accounts()),
        "work items of the demo": demo_items.items().count(),
        "people of the demo": demo_items.people().count(),
        "scrapes of the demo": ScrapeRun.objects.filter(kind=ScrapeRun.Kind.DEMO).count(),
    }


@transaction.atomic
def forget(by: Any = None) -> dict[str, int]:
    """Delete every simulated figure, and the roster's accounts that hold no figure of another source. Audited."""
    counts = belongings()
    doomed = _accounts()
    organizations = set(Account.objects.filter(pk__in=doomed).values_list("organization_id", flat=True))
    Snapshot.objects.filter(source=Source.SIMULATED).delete()
    ScrapeRun.objects.filter(kind=ScrapeRun.Kind.DEMO).delete()
    Account.objects.filter(pk__in=doomed).delete()
    Organization.objects.filter(pk__in=organizations, accounts=None).delete()
    demo_items.forget_items()
    happened(by, "demo.forget", "", counts)
    return counts


def _accounts() -> list[int]:
    """The ids of the accounts that the roster brought and nobody has observed or imported figures for."""
    listed = [line.account_id for line in plan_import(_roster()) if line.account_id is not None]
    real = Snapshot.objects.exclude(source=Source.SIMULATED).filter(account_id__in=listed)
    return sorted(set(listed) - set(real.values_list("account_id", flat=True)))
