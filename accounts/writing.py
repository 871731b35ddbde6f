"""Bulk writes to accounts: in chunks, locked in one order, and announced as `save` would have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

from django.db import models

from accounts.signals import announce
from perf.clock import now

Value = TypeVar("Value")
Row = TypeVar("Row", bound=models.Model)
CHUNK = 500  # rows or ids per statement: SQLite takes no more variables at once


def chunked(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """`values` in parts that one statement takes on every database."""
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))


class WritingQuerySet(models.QuerySet[Row]):
    """What every bulk write to accounts is made of."""

    def locked(self) -> Self:
        """The rows in id order, locked for this transaction, so that writers never deadlock."""
        rows = self
        if self.query.distinct:  # as the admin's filter by tag makes it; rows of such a query cannot be locked
            rows = self.model._default_manager.filter(pk__in=self.order_by().values("pk"))  # type: ignore[assignment]  # the same class
        return rows.order_by("pk").select_for_update(of=("self",))

    def _locked_ids(self, **having: Any) -> list[int]:
        return list(self.filter(**having).locked().values_list("pk", flat=True))

    def _write(
        self,
        ids: Sequence[int],
        fields: set[str],
        *,
        old_organizations: Mapping[int, int] | None = None,
        **values: Any,
    ) -> None:
        """Give the locked rows `ids` these values and announce that `fields` changed."""
        for part in chunked(ids):
            self.model._default_manager.filter(pk__in=part).update(**values, updated_at=now())
        announce(ids, fields, old_organizations=old_organizations)

    def rewrite(self, rows: Sequence[Row], fields: Iterable[str]) -> None:
        """Write `fields` of existing, locked `rows`: an upsert by id, measured 2 to 3 times faster than bulk_update."""
        self.model._default_manager.bulk_create(
            rows, batch_size=CHUNK, update_conflicts=True, unique_fields=["id"], update_fields=sorted(fields)
        )
