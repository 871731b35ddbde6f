"""Adding a constraint to a table in use, and a column twice."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, NotSupportedError, connection, models, transaction
from django.db.migrations.operations import AddConstraint, AddField
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.test.utils import CaptureQueriesContext

from perf.operations import AddConstraintOnline, AddFieldOnce, Together

pytestmark = pytest.mark.django_db(transaction=True)
only_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL's locks")
CONSTRAINTS = [
    UniqueConstraint(fields=["first_name", "last_name"], name="user_online"),
    UniqueConstraint(fields=["email"], condition=~Q(email=""), name="user_online"),
    UniqueConstraint(fields=["first_name"], include=["last_name"], nulls_distinct=False, name="user_online"),
    CheckConstraint(condition=~Q(first_name="'%"), name="user_online"),
]
IDS = ["unique", "partial", "covering", "check"]
if connection.vendor == "sqlite":
    del CONSTRAINTS[2], IDS[2]  # which knows no such thing
each = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=IDS)


def run(operation: Any, *, backwards: bool = False) -> None:
    """The operation on the users' table."""
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("auth", after)
    with connection.schema_editor(atomic=False) as editor:
        if backwards:
            operation.database_backwards("auth", editor, after, before)
        else:
            operation.database_forwards("auth", editor, before, after)


@pytest.fixture
def users(transactional_db):
    """Two, and the table as it was afterwards."""
    User.objects.bulk_create(User(username=name, first_name=name) for name in ("one", "other"))
    made = []

    def add(constraint: Any) -> None:
        made.append(AddConstraintOnline("user", constraint))
        run(made[-1])

    yield add
    if made and "user_online" in definitions():
        run(made[0], backwards=True)


def definitions() -> dict[str, Any]:
    with connection.cursor() as cursor:
        return dict(connection.introspection.get_constraints(cursor, "auth_user"))


def in_the_catalogue() -> list[tuple[Any, ...]]:
    """The constraint and its index as PostgreSQL would write them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conname = 'user_online'"
            " UNION ALL SELECT indexdef, true FROM pg_indexes WHERE indexname = 'user_online'"
        )
        return cursor.fetchall()


@pytest.mark.both_dbs
@each
def test_a_constraint_comes_twice_and_goes(users, constraint):
    users(constraint)
    users(constraint)
    assert "user_online" in definitions()
    run(AddConstraintOnline("user", constraint), backwards=True)
    assert "user_online" not in definitions()
    assert User.objects.count() == 2


@only_postgresql
@each
def test_it_is_what_django_would_have_made(users, constraint):
    run(AddConstraint("user", constraint))
    usual = in_the_catalogue()
    run(AddConstraint("user", constraint), backwards=True)
    users(constraint)
    assert in_the_catalogue() == usual != []


@only_postgresql
@each
def test_nothing_is_read_while_writers_wait(users, constraint):
    with CaptureQueriesContext(connection) as ran:
        users(constraint)
    for statement in (query["sql"] for query in ran if query["sql"].startswith(("CREATE", "ALTER"))):
        assert any(word in statement for word in ("CONCURRENTLY", "USING INDEX", "NOT VALID", "VALIDATE")), statement


@only_postgresql
def test_an_attempt_that_failed_half_way_goes_on(users):
    User.objects.update(first_name="same")
    with pytest.raises(IntegrityError):
        users(CONSTRAINTS[0])
    User.objects.filter(username="one").update(first_name="else")
    users(CONSTRAINTS[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="third", first_name="else")


@only_postgresql
def test_what_it_cannot_do_it_says(users):
    deferred = UniqueConstraint(fields=["email"], deferrable=models.Deferrable.DEFERRED, name="user_online")
    with pytest.raises(NotSupportedError, match="deferrable"):
        users(deferred)
    with transaction.atomic(), pytest.raises(NotSupportedError, match="atomic = False"):
        users(CONSTRAINTS[0])


@pytest.mark.both_dbs
def test_a_column_that_is_there_stays(users):
    add = AddFieldOnce("user", "nickname", models.CharField(db_default="none", max_length=9))
    run(add)
    run(add)
    with connection.cursor() as cursor:
        cursor.execute("SELECT nickname FROM auth_user")
        assert cursor.fetchall() == [("none",), ("none",)]
    run(add, backwards=True)


@pytest.mark.both_dbs
def test_operations_together_come_and_go_in_their_order(users):
    made = Together([
        AddField("user", "nickname", models.CharField(db_default="none", max_length=9)),
        AddConstraint("user", CheckConstraint(condition=~Q(nickname="some"), name="user_online")),
    ])  # fmt: skip
    run(made)
    assert "user_online" in definitions()
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute("UPDATE auth_user SET nickname = 'some'")
    run(made, backwards=True)
    assert "user_online" not in definitions()
