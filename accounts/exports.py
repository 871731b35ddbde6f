"""The registry as CSV that the roster import reads back, streamed so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from django.http import StreamingHttpResponse

from accounts.filters import AccountFilters
from accounts.models import Account, AccountQuerySet, AccountTag
from perf import clock
from perf.events import happened
from perf.spreadsheets import lines, to_the_end

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

ROWS_AT_ONCE = 1_000
COLUMNS = {
    "Platform": "platform",
    "Handle": "handle",
    "URL": "url",
    "Organization": "organization__name",
    "Core": "is_core",
    "Active": "is_active",
    "Display name": "display_name",
    "Platform's id": "external_id",
    "Owner team": "owner_team",
    "Type": "kind",
    "Category": "category",
}
"""The headings, and where each is found; “Tags” follows. The import takes Platform to Core and Tags."""
YES_NO = {True: "yes", False: "no"}


def export_accounts(filters: AccountFilters, user: AbstractBaseUser | AnonymousUser) -> StreamingHttpResponse:
    """The accounts that `user` may see and the filters let through, as a file. Audited."""
    happened(user, "accounts.export", "csv", filters.model_dump(mode="json", exclude_defaults=True))
    rows = filters.accounts(Account.objects.visible_to(user))
    response = StreamingHttpResponse(to_the_end(as_csv(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="tidemark-accounts-{clock.today().isoformat()}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


def as_csv(accounts: AccountQuerySet) -> Iterator[bytes]:
    """A header and one line per account, by platform and handle; two queries for each ROWS_AT_ONCE at most."""
    yield lines([[*COLUMNS, "Tags"]])
    rows = accounts.in_order().values_list("pk", *COLUMNS.values()).iterator(chunk_size=ROWS_AT_ONCE)
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        tags = AccountTag.objects.names_of([pk for pk, *_ in chunk])
        yield lines([*map(_said, cells), "; ".join(tags[pk])] for pk, *cells in chunk)


def _said(value: object) -> object:
    return YES_NO[value] if isinstance(value, bool) else value
