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

    The migration needs `atomic = False`. An index that an interrupted attempt left invalid is built again. Reversible.
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
            self._remove_invalid(schema_editor)
            schema_editor.add_index(model, self.index, **self._online(schema_editor))

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

    def _remove_invalid(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        """Drop what an interrupted CREATE INDEX CONCURRENTLY left: it serves no query and is in the way."""
        if schema_editor.connection.vendor != "postgresql":
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass(%s)",
                [schema_editor.quote_name(self.index.name)],
            )
            if cursor.fetchone():
                schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")


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
