"""Migration operations for tables that are in use."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import NotSupportedError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, RemoveIndex
from django.db.migrations.state import ProjectState
from django.db.models import Model


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
            online = self._online(schema_editor)
            if not self._is_there(schema_editor, model):
                schema_editor.add_index(model, self.index, **online)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model: type[Model] = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, **self._online(schema_editor))

    def _online(self, schema_editor: BaseDatabaseSchemaEditor) -> dict[str, bool]:
        """The schema editor's extra argument on PostgreSQL; NotSupportedError inside a transaction there."""
        if schema_editor.connection.vendor != "postgresql":
            return {}
        if schema_editor.connection.in_atomic_block:
            raise NotSupportedError(f"{self.index.name}: set `atomic = False` on the migration to add it online")
        return {"concurrently": True}

    def _is_there(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> bool:
        """Whether an earlier attempt built the index; what it left half built is dropped, for it is in the way."""
        if schema_editor.collect_sql:  # `sqlmigrate` shows the statement whatever this database has
            return False
        with schema_editor.connection.cursor() as cursor:
            if schema_editor.connection.vendor != "postgresql":
                return self.index.name in schema_editor.connection.introspection.get_constraints(
                    cursor, model._meta.db_table
                )
            name, table = (schema_editor.quote_name(part) for part in (self.index.name, model._meta.db_table))
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s)",
                [name, table],
            )
            found: tuple[bool] | None = cursor.fetchone()
        if found == (False,):
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {name}")
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
