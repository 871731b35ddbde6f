"""One person's changes to one account: checked, stored and recorded in the audit log together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Account, Organization
from accounts.platforms import NotAProfile, find_platform, normalise_handle, parse_profile_url, profile_url
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

EDITABLE = (
    "display_name", "owner_team", "kind", "category", "is_core", "is_active", "is_leader",
    "requires_preclearance", "sensitivity", "verified", "opened_on",
)  # fmt: skip  # reads best as a list of names
"""What a person may set, beside handle or address and organisation (by name); a platform tells the rest."""


def add_account(by: Person, *, platform: str = "", address: str, organization: str, **values: Any) -> Account:
    """Track a profile, named by its `address` or, with a platform, its handle; the organisation is made if new.

    Raises ValidationError (by field), or HandleTaken with the account that is there already.
    """
    account = Account()
    _set_profile(account, platform, address)
    with transaction.atomic():
        _set(account, organization=organization, **values)
        account.save_or_refuse()
        happened(by, "accounts.add", str(account), {"id": account.pk})
    return account


def edit_account(account: Account, by: Person, **values: Any) -> Account:
    """Set what is given: fields of EDITABLE, `organization` (a name), `address` (a handle or an address).

    Works on the locked, present row, so that other people's changes to other fields stay, and returns it.
    Raises ValidationError (by field) or HandleTaken; then nothing changed.
    """
    with transaction.atomic():
        row = Account.objects.select_related("organization").locked().get(pk=account.pk)
        before = _shown(row)
        if address := values.pop("address", ""):
            _set_profile(row, row.platform, address)
        _set(row, **values)
        after = _shown(row)
        if changes := {name: [before[name], after[name]] for name in before if before[name] != after[name]}:
            row.save_or_refuse()
            happened(by, "accounts.edit", str(row), {"id": row.pk, "changes": changes})
    return row


def _set_profile(account: Account, platform: str, address: str) -> None:
    """Make `account` be about the profile that `address`, a web address or a handle, names."""
    known = find_platform(platform) if platform else None
    if platform and known is None:
        raise ValidationError({"platform": f"“{platform[:40]}” is not a platform Tidemark knows."})
    text = address.strip()
    try:
        if known and not ("." in text and "/" in text):
            text = profile_url(
                known.name, normalise_handle(known.name, text), account.profile_kind if account.pk else ""
            )
        profile = parse_profile_url(text, known.name if known else None)
    except NotAProfile as refusal:
        raise ValidationError({"address": str(refusal)}) from refusal
    account.platform, account.handle, account.url = profile.platform, profile.handle, profile.url
    account.external_id = account.external_id or profile.external_id


def _set(account: Account, *, organization: str = "", **values: Any) -> None:
    """Set and check `values`; a new organisation is made."""
    if unknown := values.keys() - set(EDITABLE):
        raise TypeError(f"not editable: {', '.join(sorted(unknown))}")
    for name, value in values.items():
        if isinstance(value, str) and "\x00" in value:  # which PostgreSQL cannot store
            raise ValidationError({name: "This holds a NUL character."})
        setattr(account, name, value)
    if name := organization.strip():
        if len(name) > 200 or not name.isprintable():
            raise ValidationError({"organization": "Write a name of at most 200 printable characters."})
        account.organization = Organization.objects.get_or_create(name=name)[0]
    elif account.organization_id is None:
        raise ValidationError({"organization": "Name the organisation that the account belongs to."})
    account.full_clean(validate_unique=False, validate_constraints=False)


def _shown(account: Account) -> Mapping[str, Any]:
    """What an edit may change, as the audit log keeps it."""
    values = {name: getattr(account, name) for name in ("handle", "url", *EDITABLE)}
    values["opened_on"] = values["opened_on"] and str(values["opened_on"])
    return values | {"organization": account.organization.name}
