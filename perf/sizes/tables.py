"""A table and an index as they are measured, whatever the database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `bytes` with its indexes and long values, `index_bytes` of its indexes alone; None is not known.

    `rows` are the database's own estimate unless `rows_are_exact`; `dead_rows` were deleted and still take room.
    """

    name: str
    bytes: int | None
    index_bytes: int | None
    rows: int | None
    rows_are_exact: bool = False
    dead_rows: int | None = None
    app: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """An index of `table`."""

    name: str
    table: str
    bytes: int | None


@dataclass(slots=True)
class Measured:
    """What one database tells of itself, and in sentences why it does not tell the rest."""

    bytes: int | None = None
    tables: list[Table] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    why: list[str] = field(default_factory=list)
