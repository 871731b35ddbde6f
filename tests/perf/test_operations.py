"""Adding an index to a table in use."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, NotSupportedError, ProgrammingError, connection, transaction
from django.db.migrations.state import ProjectState
from django.db.models import Index
from django.test.utils import CaptureQueriesContext

from perf.operations import AddIndexOnline, RemoveIndexOnline

pytestmark = pytest.mark.django_db(transaction=True)
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's concurrent building")
NAME = "user_first_name_online"


@pytest.fixture
def migration():
    """Runs the operation forwards or backwards on the users' table; the index is gone after the test."""
    operation = AddIndexOnline("user", Index(fields=["first_name"], name=NAME))
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("auth", after)

    def forwards() -> None:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("auth", editor, before, after)

    def backwards() -> None:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("auth", editor, after, before)

    forwards.backwards, forwards.operation, forwards.before, forwards.after = backwards, operation, before, after
    yield forwards
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "auth_user"))


@pytest.mark.both_dbs
def test_an_index_comes_and_goes(migration):
    migration()
    assert NAME in index_names()
    migration.backwards()
    assert NAME not in index_names()


@pytest.mark.both_dbs
def test_removing_one_is_the_same_the_other_way_round(migration):
    migration()
    with_it = ProjectState.from_apps(apps)
    AddIndexOnline("user", Index(fields=["first_name"], name=NAME)).state_forwards("auth", with_it)
    without, removal = with_it.clone(), RemoveIndexOnline("user", NAME)
    removal.state_forwards("auth", without)
    for way, states, there in (
        (removal.database_forwards, (with_it, without), False),
        (removal.database_backwards, (without, with_it), True),
    ):
        with connection.schema_editor(atomic=False) as editor:
            way("auth", editor, *states)
        assert (NAME in index_names()) == there


@only_postgresql
def test_it_goes_without_waiting_for_readers(migration):
    migration()
    with CaptureQueriesContext(connection) as ran:
        migration.backwards()
    [dropped] = [query["sql"] for query in ran if "DROP INDEX" in query["sql"]]
    assert "DROP INDEX CONCURRENTLY" in dropped


@only_postgresql
def test_the_index_is_built_without_blocking_writers_however_long_it_waits(migration):
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '7s'")
        with CaptureQueriesContext(connection) as ran:
            migration()
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("7s",)
        cursor.execute("RESET lock_timeout")
    unlimited = next(number for number, query in enumerate(ran) if "'0'" in query["sql"])
    assert "CREATE INDEX CONCURRENTLY" in ran[unlimited + 2]["sql"]


@only_postgresql
def test_inside_a_transaction_it_says_what_to_change(migration):
    with transaction.atomic(), pytest.raises(NotSupportedError, match="atomic = False"):
        migration()


@pytest.mark.both_dbs
def test_a_migration_that_runs_again_keeps_the_index_that_is_there(migration):
    migration()
    with CaptureQueriesContext(connection) as ran:
        migration()
    assert not [query for query in ran if "CREATE" in query["sql"] or "DROP" in query["sql"]]
    assert NAME in index_names()


@only_postgresql
def test_what_an_interrupted_attempt_left_is_built_again(migration):
    User.objects.bulk_create(User(username=name, first_name="Same") for name in ("one", "other"))
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError):  # as when it is killed, an invalid index stays
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {NAME} ON auth_user (first_name)")
        assert (is_valid(cursor), migration(), is_valid(cursor)) == (False, None, True)


@only_postgresql
def test_an_index_of_that_name_on_another_table_is_not_taken_for_it(migration):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {NAME} ON auth_group (name)")
    with pytest.raises(ProgrammingError, match="already exists"):
        migration()


@pytest.mark.both_dbs
def test_sqlmigrate_shows_the_statement_also_where_the_index_is_there(migration):
    migration()
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        migration.operation.database_forwards("auth", editor, migration.before, migration.after)
    assert [NAME in sql for sql in editor.collected_sql] == [True]


def is_valid(cursor) -> bool:
    cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [NAME])
    return cursor.fetchone()[0]
