"""One person's changes to one account: checked, stored and recorded in the audit log together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Account, AccountTag, Organization
from accounts.platforms import NotAProfile, find_platform, normalise_handle, parse_profile_url, profile_url
from accounts.tags import NotATag, clean_tags, tag_key
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

EDITABLE = (
    "display_name", "owner_team", "kind", "category", "is_core", "is_active", "is_leader",
    "requires_preclearance", "sensitivity", "verified", "opened_on",
)  # fmt: skip  # reads best as a list of names
"""What a person may set, beside handle or address and organisation (by name); a platform tells the rest."""


SWITCHES = {"active": "is_active", "core": "is_core"}
"""What is switched on and off from a page, and the field behind it."""


class ChangedMeanwhile(Exception):
    """Somebody changed the account, `present`, since the caller read it; `differs`: field → [present, wanted]."""

    def __init__(self, present: Account, differs: Mapping[str, list[Any]]) -> None:
        super().__init__(f"{present} was changed by somebody else meanwhile. Nothing was stored: compare, then repeat.")
        self.present, self.differs = present, differs


def add_account(
    by: Person, *, platform: str = "", address: str, organization: str, tags: Iterable[str] = (), **values: Any
) -> Account:
    """Track a profile, named by its `address` or, with a platform, its handle; organisation and tags are made if new.

    Raises ValidationError (by field), or HandleTaken with the account that is there already.
    """
    account = Account()
    _set_profile(account, platform, address)
    names = _tags(tags)
    with transaction.atomic():
        _set(account, organization=organization, **values)
        account.save_or_refuse()
        Account.objects.set_tags({account.pk: names})
        happened(by, "accounts.add", str(account), {"id": account.pk})
    return account


def edit_account(account: Account, by: Person, *, seen: datetime | None = None, **values: Any) -> Account:
    """Set what is given: fields of EDITABLE, `organization` (a name), `address` (a handle or an address), `tags`.

    Works on the locked, present row, so that other people's changes to other fields stay, and returns it.
    Raises ValidationError (by field), HandleTaken, or ChangedMeanwhile where the row's `updated_at` is not the one
    `seen`; then nothing changed.
    """
    with transaction.atomic():
        row = Account.objects.select_related("organization").locked().get(pk=account.pk)
        before = _shown(row)
        tags = _tags(values.pop("tags", before["tags"]))
        if [tag_key(name) for name in tags] == [tag_key(name) for name in before["tags"]]:
            tags = before["tags"]  # another case is no change
        if address := values.pop("address", ""):
            _set_profile(row, row.platform, address)
        _set(row, **values)
        after = _shown(row) | {"tags": tags}
        changes = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
        if seen is not None and seen != row.updated_at:
            raise ChangedMeanwhile(Account.objects.select_related("organization").get(pk=row.pk), changes)
        if changes:
            _store(row, tags, changes)
            happened(by, "accounts.edit", str(row), {"id": row.pk, "changes": changes})
    return row


def switch_account(account: Account, by: Person, name: str, *, on: bool) -> bool:
    """Switch one of SWITCHES; False when somebody else did so before. Audited as an edit."""
    with transaction.atomic():
        row = Account.objects.locked().get(pk=account.pk)
        if getattr(row, SWITCHES[name]) is on:
            return False
        values: dict[str, Any] = {SWITCHES[name]: on}
        edit_account(row, by, **values)
    return True


def _store(row: Account, tags: list[str], changes: Mapping[str, Any]) -> None:
    if changes.keys() - {"tags"}:
        row.save_or_refuse()
    if "tags" in changes:
        Account.objects.set_tags({row.pk: tags})
        row.refresh_from_db(fields=["updated_at"])


def _tags(names: Iterable[str]) -> list[str]:
    try:
        return clean_tags(names)
    except NotATag as refusal:
        raise ValidationError({"tags": str(refusal)}) from refusal


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


def _shown(account: Account) -> dict[str, Any]:
    """What an edit may change, as the audit log keeps it."""
    values = {name: getattr(account, name) for name in ("handle", "url", *EDITABLE)}
    values["opened_on"] = values["opened_on"] and str(values["opened_on"])
    tags = AccountTag.objects.names_of([account.pk])[account.pk]
    return values | {"organization": account.organization.name, "tags": tags}
