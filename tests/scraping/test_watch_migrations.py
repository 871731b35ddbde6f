"""The tables of alerts, hours and samples come and go on a filled database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

BEFORE = ("scraping", "0004_index_left_over_and_ended_jobs")
TABLES = ("scraping", "0005_keep_alerts_and_hours")
NOW = dt.datetime(2026, 11, 22, 2, tzinfo=dt.UTC)


def to(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


@pytest.mark.both_dbs
def test_alerts_and_hours_come_and_go_without_losing_a_job(restored):
    apps = to(BEFORE)
    owner = apps.get_model("accounts", "Organization").objects.create(name="Office")
    account = apps.get_model("accounts", "Account").objects.create(
        organization=owner, platform="x", handle="a", handle_key="a"
    )
    apps.get_model("scraping", "ScrapeJob").objects.bulk_create(
        apps.get_model("scraping", "ScrapeJob")(
            account=account,
            platform="x",
            date=NOW.date() - dt.timedelta(days=number),
            reason="planned",
            rank=4,
            order_at=NOW,
            due_at=NOW,
            state="done",
            finished_at=NOW,
        )
        for number in range(500)
    )
    for _ in range(2):
        apps = to(TABLES)
        apps.get_model("scraping", "Alert").objects.create(kind="backlog", key="x", opened_at=NOW)
        apps = to(BEFORE)
        assert "scraping_alert" not in connection.introspection.table_names()
        assert apps.get_model("scraping", "ScrapeJob").objects.count() == 500
