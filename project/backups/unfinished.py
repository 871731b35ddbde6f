"""A restore that broke off after its rows came back: a table of the database says so until the rest is done.

It comes in the transaction that brings the rows and goes in the one that ends the restore. No app owns it: it is in no
backup and in no migration.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import connection

TABLE = "tidemark_restoring"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The backup at `folder`, by its manifest's `digest`; `erased` are the people whom the database before knew so."""

    folder: str
    digest: str
    erased: list[int]

    @property
    def advice(self) -> str:
        """What happened, and what to do about it."""
        return (
            f"A restore of {self.folder} broke off: its rows are back, and not yet all of its files."
            f" Run `manage.py restore {self.folder}` again, which does the rest."
        )


def begin(restore: Unfinished) -> None:
    """Say that `restore` is not done, in this transaction; another one that broke off is given up for it."""
    end()
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE} (folder text NOT NULL, digest text NOT NULL, erased text NOT NULL)")
        values = [restore.folder, restore.digest, json.dumps(restore.erased)]
        cursor.execute(f"INSERT INTO {TABLE} (folder, digest, erased) VALUES (%s, %s, %s)", values)  # noqa: S608  # our name


def find() -> Unfinished | None:
    """The restore that broke off here, if one did."""
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return None
        cursor.execute(f"SELECT folder, digest, erased FROM {TABLE}")  # noqa: S608  # our name
        folder, digest, erased = cursor.fetchone()
    return Unfinished(folder, digest, json.loads(erased))


def end() -> None:
    """Say, in this transaction, that no restore is unfinished."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
