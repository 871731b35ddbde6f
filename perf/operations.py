"""Migration operations for tables that are in use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import NotSupportedError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddConstraint, AddField, AddIndex, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CheckConstraint, Model, UniqueConstraint

UNIQUE_PARTS = ("name", "table", "columns", "include", "nulls_distinct", "condition")  # as CREATE UNIQUE INDEX has them


@contextmanager
def patiently(schema_editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    """Without the limits that `migrate` sets: for statements that block no writer, however long they wait or run."""
    if schema_editor.collect_sql or schema_editor.connection.vendor != "postgresql":
        yield
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout'), current_setting('statement_timeout')")
        before = cursor.fetchone()
        _limit(cursor, ("0", "0"))
        try:
            yield
        finally:
            _limit(cursor, before)


def _limit(cursor: Any, limits: tuple[str, str]) -> None:
    cursor.execute("SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)", limits)


class AddIndexOnline(AddIndex):
    """Add an index without blocking writers: concurrently on PostgreSQL, as usual elsewhere.

    The migration needs `atomic = False`, so one that is killed between two indexes runs again from its start: an index
    that is there stays, one that was left invalid is built again. Reversible.
    """

    atomic = False
    category: ClassVar[Any] = AddIndex.category

    def describe(self) -> str:
        return f"Online: {super().describe()}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            online = self._online(schema_editor, model)
            with patiently(schema_editor):
                if not is_there(schema_editor, model, self.index.name):
                    schema_editor.add_index(model, self.index, **online)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model: type[Model] = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            online = self._online(schema_editor, model)
            with patiently(schema_editor):
                if online or is_there(schema_editor, model, self.index.name):  # PostgreSQL is asked IF EXISTS
                    schema_editor.remove_index(model, self.index, **online)

    def _online(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> dict[str, bool]:
        """The schema editor's extra argument on PostgreSQL; NotSupportedError inside a transaction there."""
        return {"concurrently": True} if can_be_online(schema_editor, model, self.index.name) else {}


def can_be_online(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> bool:
    """Whether this database builds beside writers; NotSupportedError where a transaction keeps it from doing so.

    PostgreSQL does not on a partitioned table, which nobody has but who made it so: its writers wait for the build.
    """
    if schema_editor.connection.vendor != "postgresql":
        return False
    if schema_editor.connection.in_atomic_block:
        raise NotSupportedError(f"{name}: set `atomic = False` on the migration to add it online")
    return schema_editor.collect_sql or not _is_partitioned(schema_editor, model)


def _is_partitioned(schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> bool:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_partitioned_table WHERE partrelid = to_regclass(%s)",
            [schema_editor.quote_name(model._meta.db_table)],
        )
        return cursor.fetchone() is not None


def is_there(schema_editor: BaseDatabaseSchemaEditor, model: type[Model], name: str) -> bool:
    """Whether an earlier attempt built the index; what it left half built is dropped, for it is in the way."""
    if schema_editor.collect_sql:  # `sqlmigrate` shows the statement whatever this database has
        return False
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor != "postgresql":
            return name in schema_editor.connection.introspection.get_constraints(cursor, model._meta.db_table)
        index, table = (schema_editor.quote_name(part) for part in (name, model._meta.db_table))
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s)",
            [index, table],
        )
        found: tuple[bool] | None = cursor.fetchone()
    if found == (False,):
        schema_editor.execute(f"DROP INDEX CONCURRENTLY {index}")
    return found == (True,)


class RemoveIndexOnline(RemoveIndex):
    """Remove an index without waiting for readers or holding writers up: AddIndexOnline the other way round.

    The migration needs `atomic = False`. Reversible.
    """

    atomic = False
    category: ClassVar[Any] = RemoveIndex.category

    def describe(self) -> str:
        return f"Online: {super().describe()}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._adding(app_label, from_state).database_backwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._adding(app_label, to_state).database_forwards(app_label, schema_editor, from_state, to_state)

    def _adding(self, app_label: str, state: ProjectState) -> AddIndexOnline:
        """What would add the index as `state` knows it."""
        return AddIndexOnline(
            self.model_name, state.models[app_label, self.model_name.lower()].get_index_by_name(self.name)
        )


class AddConstraintOnline(AddConstraint):
    """Add a constraint without a scan that holds writers up: what has to be read is read beside them.

    On PostgreSQL a unique one is an index built concurrently, a check is added NOT VALID and then validated; elsewhere
    as usual. The migration needs `atomic = False` and may run again after it was killed. Reversible.
    """

    atomic = False
    category: ClassVar[Any] = AddConstraint.category

    def describe(self) -> str:
        return f"Online: {super().describe()}"

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if not can_be_online(schema_editor, model, self.constraint.name):
            if not is_there(schema_editor, model, self.constraint.name):
                with transaction.atomic(schema_editor.connection.alias):  # SQLite may copy the table
                    schema_editor.add_constraint(model, self.constraint)
        elif isinstance(self.constraint, UniqueConstraint):
            self._add_unique(schema_editor, model)
        elif isinstance(self.constraint, CheckConstraint):
            self._add_check(schema_editor, model)
        else:
            raise NotSupportedError(f"{self.constraint.name}: only unique and check constraints are added online")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)  # SQLite copies the table as this one has it
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            with transaction.atomic(schema_editor.connection.alias):
                schema_editor.remove_constraint(model, self.constraint)

    def _add_unique(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        """Build its index; one without a condition becomes a constraint by it, as Django would have made it."""
        constraint: Any = self.constraint  # its class and what it makes are narrower than the stubs know
        if constraint.deferrable:
            raise NotSupportedError(f"{self.constraint.name}: a deferrable constraint is not added online")
        statement = constraint.create_sql(model, schema_editor)
        name, table, columns, *rest = (str(statement.parts[part]) for part in UNIQUE_PARTS)
        with patiently(schema_editor):
            if not is_there(schema_editor, model, self.constraint.name):
                rest_of_it = "".join(rest)
                create = f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns}){rest_of_it}"
                schema_editor.execute(create, params=None)
        is_mere_index = statement.template == schema_editor.sql_create_unique_index
        if not is_mere_index and self._validated(schema_editor, model) is None:
            schema_editor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}", params=None)

    def _add_check(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        """Hold new rows to it at once; then look at those that are there, beside writers."""
        validated = self._validated(schema_editor, model)
        table, name = (schema_editor.quote_name(part) for part in (model._meta.db_table, self.constraint.name))
        if validated is None:
            schema_editor.execute(f"{self.constraint.create_sql(model, schema_editor)} NOT VALID", params=None)
        if not validated:
            with patiently(schema_editor):
                schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")

    def _validated(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> bool | None:
        """Whether an earlier attempt came to the end of it; None where there is no such constraint yet."""
        if schema_editor.collect_sql:
            return None
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT convalidated FROM pg_constraint WHERE conname = %s AND conrelid = to_regclass(%s)",
                [self.constraint.name, schema_editor.quote_name(model._meta.db_table)],
            )
            found = cursor.fetchone()
        return None if found is None else bool(found[0])


class AddFieldOnce(AddField):
    """Add a column unless an earlier attempt has: for migrations with `atomic = False`, which run again when killed."""

    category: ClassVar[Any] = AddField.category

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if schema_editor.collect_sql:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif not self._is_there(app_label, schema_editor, to_state):
            with transaction.atomic(schema_editor.connection.alias):  # SQLite may copy the table
                super().database_forwards(app_label, schema_editor, from_state, to_state)

    def _is_there(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState) -> bool:
        model = state.apps.get_model(app_label, self.model_name)
        with schema_editor.connection.cursor() as cursor:
            columns = schema_editor.connection.introspection.get_table_description(cursor, model._meta.db_table)
        return model._meta.get_field(self.name).column in {column.name for column in columns}


class Together(Operation):
    """Operations of one transaction, with nothing between their statements.

    A table stays locked from the first ALTER until the transaction ends, and Django renders models anew between two
    operations: for forty of them writers waited twelve seconds. Here that is done before the first. Reversible.
    """

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    @property
    def reversible(self) -> bool:  # type: ignore[override]  # Django has it as a plain attribute
        return all(operation.reversible for operation in self.operations)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation, before, after in self._steps(app_label, from_state):
            operation.database_forwards(app_label, schema_editor, before, after)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation, before, after in reversed(self._steps(app_label, to_state)):
            operation.database_backwards(app_label, schema_editor, after, before)

    def _steps(self, app_label: str, state: ProjectState) -> list[tuple[Operation, ProjectState, ProjectState]]:
        """Each operation with the states before and after it, rendered."""
        _ = state.apps
        steps = []
        for operation in self.operations:
            after = state.clone()
            operation.state_forwards(app_label, after)
            steps.append((operation, state, after))
            state = after
        return steps
