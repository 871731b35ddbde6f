"""The registry's JSON: accounts to list, read, add, change and deactivate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponsePermanentRedirect
from django.urls import reverse
from ninja import Query, Router, Status
from ninja.errors import HttpError

from accounts.cache import ACCOUNT, ACCOUNTS
from accounts.editing import ChangedMeanwhile, add_account, edit_account
from accounts.models import Account, AccountTag, HandleTaken
from accounts.platforms import find_platform, handle_key
from accounts.schemas import (
    COLUMNS,
    AccountDetail,
    AccountEdit,
    AccountPage,
    Conflict,
    ListFilters,
    NewAccount,
)
from perf.access import requires
from perf.answers import CONDITIONAL, CONDITIONAL_MOVES, MOVES_KEEPING_THE_METHOD
from perf.cache import cached_view, key
from perf.pagination import paginate

router = Router(tags=["accounts"])
ORDER = ("platform", "handle_key")


@router.get(
    "/accounts",
    response=AccountPage,
    summary="Tracked accounts, by platform and handle",
    openapi_extra=CONDITIONAL,
)
@requires("accounts.view_account")
@cached_view(ACCOUNTS, root="accounts:list")
def list_accounts(request: HttpRequest, filters: Query[ListFilters]) -> bytes:
    """One page of the accounts that match the filters, with the columns that `fields` names."""
    paths = {name: COLUMNS.get(name, name) for name in filters.columns}
    read = dict.fromkeys(["id", *(path for path in paths.values() if path != "tags")])
    page = paginate(
        filters.accounts(Account.objects.visible_to(request.user)).values_list(*read),
        order=ORDER,
        page=filters.page,
        per_page=filters.per_page,
        after=filters.after,
    )
    rows = [dict(zip(read, row, strict=True)) for row in page.object_list]
    if "tags" in paths:
        names = AccountTag.objects.names_of([row["id"] for row in rows])
        rows = [row | {"tags": names[row["id"]]} for row in rows]
    return orjson.dumps(page.envelope([{name: row[path] for name, path in paths.items()} for row in rows]))


@router.post("/accounts", response={201: AccountDetail, 409: Conflict}, summary="Track another account")
@requires("accounts.add_account")
def create_account(request: HttpRequest, body: NewAccount) -> Status:
    """Add the profile; 409 with the account that is there already."""
    try:
        account = add_account(request.user, **body.model_dump(exclude_unset=True))
    except ValidationError as refusal:
        raise HttpError(400, sentence(refusal)) from refusal
    except HandleTaken as taken:
        return Status(409, _conflict(taken, taken.existing))
    return Status(201, _detail_of(account))


@router.get(
    "/accounts/{platform}/{handle}",
    response=AccountDetail,
    summary="One account",
    url_name="account",
    openapi_extra=CONDITIONAL_MOVES,
)
@requires("accounts.view_account")
def read_account(request: HttpRequest, platform: str, handle: str) -> Any:
    """All that the registry knows of the account; 301 from a handle it had before."""
    account = _account_at(request, platform, handle)
    return account if isinstance(account, HttpResponsePermanentRedirect) else _detail(request, account_id=account.pk)


@router.patch(
    "/accounts/{platform}/{handle}",
    response={200: AccountDetail, 409: Conflict},
    summary="Change an account",
    openapi_extra=MOVES_KEEPING_THE_METHOD,
)
@requires("accounts.change_account")
def change_account(request: HttpRequest, platform: str, handle: str, body: AccountEdit) -> Any:
    """Set what the body names; a new address or handle renames, and the old one keeps leading here.

    With `seen`, the `updated_at` that was read, a change by somebody else since answers 409 and nothing is stored.
    """
    account = _account_at(request, platform, handle)
    if isinstance(account, HttpResponsePermanentRedirect):
        return account
    try:
        account = edit_account(account, request.user, **body.model_dump(exclude_unset=True))
    except ValidationError as refusal:
        raise HttpError(400, sentence(refusal)) from refusal
    except HandleTaken as taken:
        return Status(409, _conflict(taken, taken.existing))
    except ChangedMeanwhile as change:
        return Status(409, _conflict(change, change.present, change.differs))
    return Status(200, _detail_of(account))


@router.delete(
    "/accounts/{platform}/{handle}",
    response=AccountDetail,
    summary="Deactivate an account",
    openapi_extra=MOVES_KEEPING_THE_METHOD,
)
@requires("accounts.change_account")
def deactivate_account(request: HttpRequest, platform: str, handle: str) -> Any:
    """Stop scraping and counting it. Its figures stay; setting is_active to true brings it back."""
    account = _account_at(request, platform, handle)
    if isinstance(account, HttpResponsePermanentRedirect):
        return account
    Account.objects.filter(pk=account.pk).deactivate(request.user)
    return _detail_of(Account.objects.select_related("organization").get(pk=account.pk))


def _account_at(request: HttpRequest, platform: str, handle: str) -> Account | HttpResponsePermanentRedirect:
    """The account at an address, or the way to its present one (the method kept); Http404 when there is none."""
    known = find_platform(platform)
    name = known.name if known else platform  # which finds nothing
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
        "created_at": account.created_at.isoformat(),
        "updated_at": account.updated_at.isoformat(),
        "tags": AccountTag.objects.names_of([account.pk])[account.pk],
        "former_handles": list(account.former_handles.order_by("-retired_at", "-pk").values_list("handle", flat=True)),
    }
    return row | {name: getattr(account, name) for name in AccountDetail.model_fields if name not in row}


def _conflict(error: Exception, account: Account, differs: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"error": str(error), "account": _detail_of(account), "differs": differs or {}}


def sentence(refusal: ValidationError) -> str:
    """A refusal as one line: field, then what is wrong with it."""
    return "; ".join(f"{field}: {' '.join(reasons)}" for field, reasons in refusal.message_dict.items())
