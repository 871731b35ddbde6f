"""The list of accounts as a file: the rows, order and columns that its page shows."""

from __future__ import annotations

from django.http import QueryDict

from snapshots.exports.filters import ExportFilters
from snapshots.filters import FigureFilters
from snapshots.listing import Filters, Shown


def as_listed(query: QueryDict, kept: str) -> ExportFilters:
    """What the page of the same query string shows, all its pages; `kept` are the columns the person chose for good.

    Beside followers stands whether they are `rounded`, which the page says by a sign.
    """
    filters = Filters.of(query)
    fields = Shown.of(query, kept, filters).fields
    if "followers" in fields:
        fields.insert(fields.index("followers") + 1, "rounded")
    whose = {name: getattr(filters, name) for name in FigureFilters.model_fields}
    return ExportFilters(**whose, day=filters.day, sort=filters.sort, fields=",".join(fields), every=True)
