"""The ledger's migrations on a filled database, forwards and backwards, beside a process of the release before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = [("accounts", "0002_add_indexes"), ("scraping", "0002_add_indexes")]
AFTER = [("accounts", "0004_index_accounts_on_hold"), ("scraping", "0004_index_left_over_and_ended_jobs")]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def to(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def fill(apps: Any) -> None:
    """One of everything, as the code of `apps` writes it."""
    organization = apps.get_model("accounts", "Organization").objects.create(name="Office")
    account = apps.get_model("accounts", "Account").objects.create(
        platform="x", handle="cdc", handle_key="cdc", organization=organization
    )
    run = apps.get_model("scraping", "ScrapeRun").objects.create(kind="requested", scope="all", created_at=NOW)
    job = apps.get_model("scraping", "ScrapeJob").objects.create(
        account=account, platform="x", date=NOW.date(), reason="requested", rank=0, order_at=NOW, due_at=NOW
    )
    apps.get_model("scraping", "RunJob").objects.create(run=run, job=job)
    apps.get_model("scraping", "PlatformState").objects.create(platform="x", circuit=3)


@pytest.mark.both_dbs
def test_what_a_filled_ledger_holds_stays_and_the_old_code_still_writes(restored: None) -> None:
    before = to(BEFORE)
    fill(before)
    after = to(AFTER)
    run = after.get_model("scraping", "ScrapeRun").objects.get()
    assert (run.mode, run.moved, run.left_out, run.counted) == ("full", 0, 0, None)
    assert after.get_model("scraping", "PlatformState").objects.get().openings == 0
    assert after.get_model("accounts", "Account").objects.get().held == ""
    before.get_model("scraping", "ScrapeRun").objects.create(kind="requested", scope="all", created_at=NOW)
    assert after.get_model("scraping", "ScrapeRun").objects.filter(mode="full").count() == 2
    again = to(BEFORE)
    assert again.get_model("scraping", "RunJob").objects.count() == 1
