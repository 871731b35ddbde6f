"""Every migration of every app, back to each one's first and forwards again, on a database with rows in every table."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, models
from django.db.migrations import Migration, RunPython
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState
from django.test import Client

from snapshots.rollups import recompute
from tests import factories
from tests.migrations import APPS
from tests.project import leftovers
from tests.project.backups import worlds
from workitems.models import StatusTotal, WorkItem

FIRST = [(app, "0001_initial") for app in APPS if app != "accounts"]
FIRST += [("accounts", "0002_add_indexes")]  # what snapshots and jobs have always stood on
COME_AGAIN = {
    "project_signin": {"session_id", "user_id", "lasts"},
    "snapshots_platformtotal": {"date", "platform", "figures", "followers", "accounts", "gained", "base", "compared"},
    "snapshots_platformaccounts": {"platform", "accounts"},
    "snapshots_dailytotal": {"gained", "base", "compared"},
    "snapshots_latestsnapshot": {"change_90"},
    "workitems_statustotal": {"status", "items"},
    "workitems_workitem": {"photo_count", "comment_count", "captions"},
}
"""What the first schema has no place for and the migrations work out of what it has."""
POSTGRESQL = """
SELECT 'column', table_name::text, column_name::text, concat_ws(' ', data_type, character_maximum_length, is_nullable,
    column_default, is_identity, generation_expression)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
"""
SQLITE = """
SELECT 'column', t.name, c.name, c.type || ' ' || c."notnull" || ' ' || c.pk || ' ' || coalesce(c.dflt_value, '')
FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
UNION ALL SELECT type, tbl_name, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
"""


class Twice(MigrationExecutor):
    """Applies each migration, and those that write rows a second time after they were taken back."""

    def apply_migration(self, state: ProjectState, migration: Migration, *args: Any, **options: Any) -> ProjectState:
        if any(isinstance(operation, RunPython) for operation in migration.operations):
            super().apply_migration(state.clone(), migration, *args, **options)
            self.unapply_migration(state.clone(), migration)
        return super().apply_migration(state, migration, *args, **options)


def fill() -> None:
    """A world as people leave it, and at least one row in every table of ours."""
    worlds.furnished()
    boss = User.objects.get(username="boss")
    Client().force_login(boss)
    factories.snapshot(factories.account("youtube", is_active=False), followers=7)
    for app in APPS:
        for model in apps.get_app_config(app).get_models():
            if model._meta.managed and not models.QuerySet(model).exists():
                models.QuerySet(model).bulk_create([leftovers.row_of(model, beside=True)])
    WorkItem.objects.all().recount()
    StatusTotal.objects.rebuild()
    recompute()


def schema() -> set[tuple[str, ...]]:
    """Columns, constraints, indexes and triggers, each as the database describes it."""
    with connection.cursor() as cursor:
        cursor.execute(POSTGRESQL if connection.vendor == "postgresql" else SQLITE)
        described = set(cursor.fetchall())
        if connection.vendor == "sqlite":  # it tells its constraints in the words that made the table
            for table in connection.introspection.table_names(cursor):
                made = connection.introspection.get_constraints(cursor, table).values()
                described |= {("constraint", table, str(sorted(each.items(), key=str)), "") for each in made}
    return described


def values() -> dict[tuple[str, str], list[Any]]:
    """Of each column of our tables what stands in it, in the order of its table's keys."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if table.partition("_")[0] in APPS and not table.startswith("workitems_search"):
                key = connection.introspection.get_primary_key_column(cursor, table)
                cursor.execute(f'SELECT * FROM "{table}" ORDER BY "{key}"')  # noqa: S608  # its own names
                names, rows = [column[0] for column in cursor.description], cursor.fetchall()
                found |= {(table, name): [row[at] for row in rows] for at, name in enumerate(names)}
    return found


@pytest.mark.drill
@pytest.mark.both_dbs
@pytest.mark.timeout(600)  # Django renders all models for each of some hundred operations, and again on the way back
def test_filled_tables_go_back_to_the_first_schema_and_come_again_with_all_it_had(restored: None) -> None:
    fill()
    newest, before = schema(), values()
    assert all(before.values()), "a table without a row"

    MigrationExecutor(connection).migrate(FIRST)
    kept = values()
    executor = Twice(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())

    after = values()
    assert schema() == newest
    assert kept.keys() <= before.keys()
    assert [column for column in kept if not kept[column] == before[column] == after[column]] == []
    again = [(table, name) for table, names in COME_AGAIN.items() for name in names]
    assert [column for column in again if after[column] != before[column]] == []
    assert not recompute(write=False)
