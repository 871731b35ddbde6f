"""The list of work items as CSV, streamed so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse

from perf import clock
from perf.events import happened
from perf.spreadsheets import lines, to_the_end
from workitems.listing import Filters, all_of
from workitems.models import WorkItem, WorkItemQuerySet

ROWS_AT_ONCE = 1_000
COLUMNS = {
    "Number": "number",
    "Status": "status_label",
    "Location": "location",
    "Equipment": "equipment",
    "Description": "description",
    "Detail": "detail",
    "Operator furnished material": "ofm",
    "Submitted by": "submitter_name",
    "Submitted at": "submitted_at",
    "Assigned to": "assigned_to_name",
    "Reviewer": "reviewer_name",
    "Revision notes": "revision_notes",
    "Photos": "photo_count",
    "Comments": "comment_count",
    "Changed at": "modified_at",
}
"""The headings, and the attribute of an item below each."""


def export_items(filters: Filters, user: Any) -> StreamingHttpResponse:
    """The items that `user` may see and `filters` mean, all pages of them, as a file. Audited."""
    happened(user, "workitems.export", "csv", filters.asked)
    response = StreamingHttpResponse(to_the_end(as_csv(all_of(filters, user))), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="work-items-{clock.today().isoformat()}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def as_csv(items: WorkItemQuerySet) -> Iterator[bytes]:
    """A header and one line per item, in the order of `items`; one query."""
    yield lines([COLUMNS])
    rows = items.defer("captions", "internal_notes").iterator(chunk_size=ROWS_AT_ONCE)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        yield lines(map(_cells, chunk))


def _cells(item: WorkItem) -> Iterator[object]:
    for name in COLUMNS.values():
        value = getattr(item, name)
        yield value.isoformat(timespec="seconds") if name.endswith("_at") else value
