"""Many accounts at once: tags, the registry as a file, and the roster import."""

from __future__ import annotations

from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import File, Query, Router, Status, UploadedFile
from ninja.errors import HttpError

from accounts.api import sentence
from accounts.cache import ACCOUNTS
from accounts.exports import export_accounts
from accounts.filters import AccountFilters
from accounts.importing import Import, import_roster
from accounts.models import Account, Tag
from accounts.rosters import MAX_BYTES, RosterUnreadable, read_roster
from accounts.schemas import (
    ImportOptions,
    ImportReport,
    Retagging,
    RetaggingReport,
    TagChange,
    TaggedFilters,
    TagRow,
)
from accounts.tags import NotATag, tag_key
from perf.access import requires
from perf.answers import CONDITIONAL, TEXT, sends_file
from perf.cache import cached_view
from perf.rates import rated

router = Router(tags=["accounts"])
ROSTER_TYPES = ("application/json", "text/csv", "text/plain")


@router.get(
    "/tags",
    response=list[TagRow],
    summary="All tags, with the number of their accounts",
    openapi_extra=CONDITIONAL,
)
@requires("accounts.view_account")
@cached_view(ACCOUNTS, root="accounts:tags")
def list_tags(request: HttpRequest) -> bytes:
    """By name."""
    return orjson.dumps([{"name": name, "accounts": number} for name, number in Tag.objects.counts()])


@router.patch("/tags/{path:name}", response=TagRow, summary="Rename a tag")
@requires("accounts.change_account")
def rename_tag(request: HttpRequest, name: str, body: TagChange) -> dict[str, Any]:
    """Call it otherwise on every account; 400 when there is such a tag already."""
    tag = _tag(name)
    try:
        tag.rename(body.name, request.user)
    except ValidationError as refusal:
        raise HttpError(400, sentence(refusal)) from refusal
    return {"name": tag.name, "accounts": tag.accounts.count()}


@router.delete("/tags/{path:name}", response=TagRow, summary="Delete a tag")
@requires("accounts.change_account")
def delete_tag(request: HttpRequest, name: str) -> dict[str, Any]:
    """Take it off every account; the accounts stay. Answers with how many carried it."""
    tag = _tag(name)
    return {"name": tag.name, "accounts": tag.drop(request.user)}


@router.post("/accounts/tags", response=RetaggingReport, summary="Tag many accounts")
@requires("accounts.change_account")
def tag_accounts(request: HttpRequest, filters: Query[TaggedFilters], body: Retagging) -> dict[str, Any]:
    """Put tags on the accounts meant and take tags off them; a dry run unless `commit` is true.

    400 when neither `account_keys` nor a filter says which accounts.
    """
    if body.account_keys is None and not filters.wanted:
        raise HttpError(400, "Say which accounts: by account_keys, or by a filter in the address.")
    accounts = filters.accounts(Account.objects.visible_to(request.user))
    if body.account_keys is not None:
        accounts = accounts.filter(pk__among=body.account_keys)
    try:
        done = accounts.retag(request.user, add=body.add, remove=body.remove, dry_run=not filters.commit)
    except NotATag as refusal:
        raise HttpError(400, str(refusal)) from refusal
    return {"written": filters.commit, **done._asdict()}


@router.get(
    "/accounts.csv",
    summary="The registry as CSV",
    url_name="accounts-csv",
    openapi_extra=sends_file({"text/csv": TEXT}),
)
@requires("accounts.view_account")
@rated("exports")
def export_csv(request: HttpRequest, filters: Query[AccountFilters]) -> HttpResponseBase:
    """The accounts that match the filters, streamed; no cell runs as a formula. The import reads the file back."""
    return export_accounts(filters, request.user)


@router.post(
    "/import",
    response={200: ImportReport, 422: ImportReport},
    summary="Import a roster",
    openapi_extra={"requestBody": {"content": {name: {"schema": {}} for name in ROSTER_TYPES}, "required": True}},
)
@requires("accounts.import_accounts")
def import_accounts(
    request: HttpRequest,
    options: Query[ImportOptions],
    file: UploadedFile | None = File(None),  # noqa: B008  # how django-ninja declares a parameter
) -> Status:
    """Read a roster (JSON list, CSV with headings, or one address a line; up to 10 MB) line by line.

    Send it as the body or as the multipart field `file`. 422 when all_or_nothing was asked for and a line is refused.
    """
    try:
        rows = read_roster(file or request.read(MAX_BYTES + 1))
    except RosterUnreadable as error:
        raise HttpError(400, str(error)) from error
    name = (file.name if file else "") or "Sent to the API"
    all_or_nothing, dry_run = options.all_or_nothing, not options.commit
    done = import_roster(rows, by=request.user, all_or_nothing=all_or_nothing, dry_run=dry_run, name=name[:255])
    return Status(422 if options.commit and not done.written else 200, _report(done))


def _tag(name: str) -> Tag:
    """The tag called `name`, whatever the case; Http404 when there is none."""
    return get_object_or_404(Tag, key=tag_key(name.replace("\x00", " ")))  # no tag holds a NUL or a blank at its end


def _report(done: Import) -> dict[str, Any]:
    lines = [
        {
            "number": line.number,
            "given": line.given,
            "verdict": line.verdict.value,
            "reason": line.reason,
            "platform": line.key[0],
            "handle": line.profile.handle if line.profile else "",
            "account_key": line.account_id,
        }
        for line in done.lines
    ]
    return {"written": done.written, "counts": done.counts, "lines": lines}
