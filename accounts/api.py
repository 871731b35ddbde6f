"""The registry's JSON: accounts to list, read, add, change and deactivate, and the roster import."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Self

import orjson
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponsePermanentRedirect
from django.urls import reverse
from ninja import Field, File, Query, Router, Schema, Status, UploadedFile
from ninja.errors import HttpError
from pydantic import BeforeValidator, ConfigDict, field_validator, model_validator

from accounts.cache import ACCOUNT, ACCOUNTS
from accounts.editing import add_account, edit_account
from accounts.filters import AccountFilters
from accounts.importing import Import, import_roster
from accounts.models import Account, HandleTaken
from accounts.platforms import find_platform, handle_key
from accounts.rosters import MAX_BYTES, RosterUnreadable, read_roster
from perf.access import requires
from perf.cache import cached_view, key
from perf.pagination import page_number, page_size, paginate

router = Router(tags=["Accounts"])
PER_PAGE, MAX_PER_PAGE = 100, 500
ORDER = ("platform", "handle_key")
COLUMNS = {
    "account_key": "id",
    "platform": "platform",
    "handle": "handle",
    "org_name": "organization__name",
    "account_display_name": "display_name",
    "is_core_account": "is_core",
    "is_active": "is_active",
    "url": "url",
}


def _platform(raw: str) -> str:
    """A platform's stored name from a name or an alias; what is none stays as it is and finds nothing."""
    found = find_platform(raw)
    return found.name if found else raw


class ListFilters(AccountFilters):
    """Which accounts, and which page of them. Unknown parameters are ignored; a page that is no number is 1."""

    search: str = Field("", max_length=100, description="The same as `q`.")
    page: Annotated[int, BeforeValidator(page_number)] = 1
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor `next` of the page before; faster than a number.")

    @field_validator("search")
    @classmethod
    def _storable(cls, text: str) -> str:
        return cls.storable(text)

    @model_validator(mode="after")
    def _one_search(self) -> Self:
        """Words under either name are looked for together, and cached once."""
        self.q, self.search = f"{self.q} {self.search}".strip(), ""
        return self


class AccountRow(Schema):
    """One account in a list."""

    account_key: int
    platform: str
    handle: str
    org_name: str
    account_display_name: str
    is_core_account: bool
    is_active: bool
    url: str


class AccountPage(Schema):
    """One page of accounts by platform and handle. `total` is a lower bound where that is said."""

    data: list[AccountRow]
    total: int
    page: int
    per_page: int
    pages: int
    total_is_lower_bound: bool = False
    next: str = Field("", description="The cursor of the next page; absent on the last.")


class AccountDetail(AccountRow):
    """All that the registry knows of one account."""

    external_id: str
    owner_team: str
    kind: str
    category: str
    is_leader: bool
    requires_preclearance: bool
    sensitivity: str
    verified: str
    opened_on: date | None
    bio: str
    bio_link: str
    image_url: str
    former_handles: list[str]


class AccountChange(Schema):
    """What to set; what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field("", max_length=500, description="A new handle or address: the account is renamed.")
    organization: str = Field("", max_length=200, description="An organisation's name; a new one is made.")
    display_name: str = Field("", max_length=255)
    owner_team: str = Field("", max_length=200)
    kind: str = ""
    category: str = Field("", max_length=100)
    is_core: bool = False
    is_active: bool = True
    is_leader: bool = False
    requires_preclearance: bool = False
    sensitivity: str = ""
    verified: str = ""
    opened_on: date | None = None


class NewAccount(AccountChange):
    """The profile to track: its web address, or its platform and handle."""

    platform: str = Field("", max_length=40, description="A name or an alias; needed where `address` is a handle.")
    address: str = Field(max_length=500, description="The profile's web address, or its handle.")
    organization: str = Field(max_length=200, description="An organisation's name; a new one is made.")


class Taken(Schema):
    """Why an account was not stored, and the one that is there already."""

    error: str
    account: AccountDetail


class ImportOptions(Schema):
    """A dry run unless `commit` is true."""

    commit: bool = False
    all_or_nothing: bool = Field(False, description="Write nothing if any line is refused.")


class ImportedLine(Schema):
    """What became of one line."""

    number: int
    given: str
    verdict: str = Field(description="new, updates, exists, duplicate or refused")
    reason: str
    platform: str
    handle: str
    account_key: int | None


class ImportReport(Schema):
    """What an import did, or would do."""

    written: bool
    counts: dict[str, int]
    lines: list[ImportedLine]


@router.get("/accounts", response=AccountPage, summary="Tracked accounts, by platform and handle")
@requires("accounts.view_account")
@cached_view(ACCOUNTS, root="accounts:list")
def list_accounts(request: HttpRequest, filters: Query[ListFilters]) -> bytes:
    """One page of the accounts that match the filters."""
    rows = filters.accounts(Account.objects.visible_to(request.user))
    page = paginate(
        rows.values_list(*COLUMNS.values()),
        order=ORDER,
        page=filters.page,
        per_page=filters.per_page,
        after=filters.after,
    )
    return orjson.dumps(page.envelope([dict(zip(COLUMNS, row, strict=True)) for row in page.object_list]))


@router.post("/accounts", response={201: AccountDetail, 409: Taken}, summary="Track another account")
@requires("accounts.add_account")
def create_account(request: HttpRequest, body: NewAccount) -> Status:
    """Add the profile; 409 with the account that is there already."""
    try:
        account = add_account(request.user, **body.model_dump(exclude_unset=True))
    except ValidationError as refusal:
        raise HttpError(400, _sentence(refusal)) from refusal
    except HandleTaken as taken:
        return Status(409, _taken(taken))
    return Status(201, _detail_of(account))


@router.get("/accounts/{platform}/{handle}", response=AccountDetail, summary="One account", url_name="account")
@requires("accounts.view_account")
def read_account(request: HttpRequest, platform: str, handle: str) -> Any:
    """All that the registry knows of the account; 301 from a handle it had before."""
    account = _account_at(request, platform, handle)
    return account if isinstance(account, HttpResponsePermanentRedirect) else _detail(request, account_id=account.pk)


@router.patch("/accounts/{platform}/{handle}", response={200: AccountDetail, 409: Taken}, summary="Change an account")
@requires("accounts.change_account")
def change_account(request: HttpRequest, platform: str, handle: str, body: AccountChange) -> Any:
    """Set what the body names; a new address or handle renames, and the old one keeps leading here."""
    account = _account_at(request, platform, handle)
    if isinstance(account, HttpResponsePermanentRedirect):
        return account
    try:
        account = edit_account(account, request.user, **body.model_dump(exclude_unset=True))
    except ValidationError as refusal:
        raise HttpError(400, _sentence(refusal)) from refusal
    except HandleTaken as taken:
        return Status(409, _taken(taken))
    return Status(200, _detail_of(account))


@router.delete("/accounts/{platform}/{handle}", response=AccountDetail, summary="Deactivate an account")
@requires("accounts.change_account")
def deactivate_account(request: HttpRequest, platform: str, handle: str) -> Any:
    """Stop scraping and counting it. Its figures stay; setting is_active to true brings it back."""
    account = _account_at(request, platform, handle)
    if isinstance(account, HttpResponsePermanentRedirect):
        return account
    Account.objects.filter(pk=account.pk).deactivate(request.user)
    return _detail_of(Account.objects.select_related("organization").get(pk=account.pk))


@router.post("/import", response={200: ImportReport, 422: ImportReport}, summary="Import a roster")
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
    done = import_roster(rows, by=request.user, all_or_nothing=options.all_or_nothing, dry_run=not options.commit)
    return Status(422 if options.commit and not done.written else 200, _report(done))


def _account_at(request: HttpRequest, platform: str, handle: str) -> Account | HttpResponsePermanentRedirect:
    """The account at an address, or the way to its present one (the method kept); Http404 when there is none."""
    name = _platform(platform)
    account = Account.objects.visible_to(request.user).find_at(name, handle)
    if account is None:
        raise Http404
    if (account.platform, account.handle_key) == (name, handle_key(name, handle)):
        return account
    match = request.resolver_match
    address = reverse(match.view_name, args=(account.platform, account.handle)) if match else ""
    there = HttpResponsePermanentRedirect(address, preserve_request=request.method != "GET")
    there["Cache-Control"] = "private, no-cache"  # the old handle may come back, or be another account's
    return there


@cached_view(
    lambda request, account_id: ACCOUNT.of(str(account_id)),
    root=lambda request, account_id: key("account", account_id),
)
def _detail(request: HttpRequest, *, account_id: int) -> bytes:
    return orjson.dumps(_detail_of(Account.objects.select_related("organization").get(pk=account_id)))


def _detail_of(account: Account) -> dict[str, Any]:
    """The account as AccountDetail has it."""
    row = {
        "account_key": account.pk,
        "org_name": account.organization.name,
        "account_display_name": account.display_name,
        "is_core_account": account.is_core,
        "former_handles": list(account.former_handles.order_by("-retired_at", "-pk").values_list("handle", flat=True)),
    }
    return row | {name: getattr(account, name) for name in AccountDetail.model_fields if name not in row}


def _taken(taken: HandleTaken) -> dict[str, Any]:
    return {"error": str(taken), "account": _detail_of(taken.existing)}


def _sentence(refusal: ValidationError) -> str:
    """A refusal as one line: field, then what is wrong with it."""
    return "; ".join(f"{field}: {' '.join(reasons)}" for field, reasons in refusal.message_dict.items())


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
