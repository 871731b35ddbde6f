"""What the registry's JSON takes and answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Self

from ninja import Field, Schema
from pydantic import BeforeValidator, ConfigDict, field_validator, model_validator
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from accounts.filters import AccountFilters, chosen
from accounts.tags import LONGEST, MOST
from perf.answers import Page
from perf.pagination import page_number, page_size

PER_PAGE, MAX_PER_PAGE = 100, 500
MAX_KEYS = 10_000
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
"""What a row of the list holds unless `fields` says otherwise, and where it is found."""
ON_REQUEST = (
    "external_id", "owner_team", "kind", "category", "is_leader", "requires_preclearance", "sensitivity", "verified",
    "opened_on", "bio", "bio_link", "image_url", "held", "created_at", "updated_at", "tags",
)  # fmt: skip  # reads best as a list of names
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""An instant to the microsecond: as a datetime, django-ninja would cut it to milliseconds."""

TagName = Annotated[str, Field(max_length=LONGEST)]


class ListFilters(AccountFilters):
    """Which accounts, and which page of them. Unknown parameters are ignored; a page that is no number is 1."""

    search: str = Field("", max_length=100, description="The same as `q`.")
    fields: str = Field(
        "", max_length=500, description=f"Columns instead of the usual ones: {', '.join((*COLUMNS, *ON_REQUEST))}."
    )
    page: Annotated[int, BeforeValidator(page_number)] = 1
    per_page: Annotated[int, BeforeValidator(lambda raw: page_size(raw, PER_PAGE, MAX_PER_PAGE))] = PER_PAGE
    after: str = Field("", max_length=500, description="The cursor `next` of the page before; faster than a number.")

    @field_validator("search")
    @classmethod
    def _storable(cls, text: str) -> str:
        return cls.storable(text)

    @field_validator("fields")
    @classmethod
    def _known(cls, raw: str) -> str:
        return ",".join(chosen(raw, (*COLUMNS, *ON_REQUEST)))

    @model_validator(mode="after")
    def _one_search(self) -> Self:
        """Words under either name are looked for together, and cached once."""
        self.q, self.search = f"{self.q} {self.search}".strip(), ""
        return self

    @property
    def columns(self) -> list[str]:
        """The wanted columns."""
        return self.fields.split(",") if self.fields else list(COLUMNS)


class ListedAccount(TypedDict, total=False):
    """One account in a list: the usual columns (the first eight), or those that `fields` names."""

    account_key: int
    platform: str
    handle: str
    org_name: str
    account_display_name: str
    is_core_account: bool
    is_active: bool
    url: str
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
    held: str
    created_at: datetime
    updated_at: datetime
    tags: list[str]


class AccountPage(Page):
    """One page of accounts by platform and handle."""

    data: list[ListedAccount]


class AccountDetail(Schema):
    """All that the registry knows of one account."""

    account_key: int
    platform: str
    handle: str
    org_name: str
    account_display_name: str
    is_core_account: bool
    is_active: bool
    url: str
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
    held: str = Field(description="Why nothing is fetched although it is active; empty when it is fetched.")
    created_at: Instant
    updated_at: Instant
    tags: list[str]
    former_handles: list[str]


class AccountChange(Schema):
    """What to set; what is not named stays as it is."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field("", max_length=500, description="A new handle or address: the account is renamed.")
    organization: str = Field("", max_length=200, description="An organisation's name; a new one is made.")
    display_name: str = Field("", max_length=255)
    owner_team: str = Field("", max_length=200)
    kind: str = Field("", max_length=20)
    category: str = Field("", max_length=100)
    is_core: bool = False
    is_active: bool = True
    is_leader: bool = False
    requires_preclearance: bool = False
    sensitivity: str = Field("", max_length=10)
    verified: str = Field("", max_length=10)
    opened_on: date | None = None
    tags: list[TagName] = Field([], max_length=MOST, description="All the account's tags; new ones are made.")


class AccountEdit(AccountChange):
    """A change that may say which state of the account it is made for."""

    seen: datetime | None = Field(
        None, description="The `updated_at` that was read: answered 409 where somebody changed the account since."
    )


class NewAccount(AccountChange):
    """The profile to track: its web address, or its platform and handle."""

    platform: str = Field("", max_length=40, description="A name or an alias; needed where `address` is a handle.")
    address: str = Field(max_length=500, description="The profile's web address, or its handle.")
    organization: str = Field(max_length=200, description="An organisation's name; a new one is made.")


class Conflict(Schema):
    """Why nothing was stored, and the account that is there, as it is now."""

    error: str
    account: AccountDetail
    differs: dict[str, list[bool | str | list[str] | None]] = Field(
        {}, description="Where somebody changed the account meanwhile: what it says now and what was to be stored."
    )


class Commit(Schema):
    """A dry run unless `commit` is true."""

    commit: bool = False


class ImportOptions(Commit):
    """A dry run unless `commit` is true."""

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


class TaggedFilters(AccountFilters, Commit):
    """Which accounts to tag; a dry run unless `commit` is true."""


class Retagging(Schema):
    """Tags to put on accounts and to take off. Which accounts: `account_keys`, the filters in the address, or both."""

    model_config = ConfigDict(extra="forbid")

    account_keys: list[Annotated[int, Field(ge=1, lt=2**63)]] | None = Field(None, max_length=MAX_KEYS)
    add: list[TagName] = Field([], max_length=MOST)
    remove: list[TagName] = Field([], max_length=MOST)


class RetaggingReport(Schema):
    """What a change of tags did, or would do: by tag, how many accounts got or lost it."""

    written: bool
    accounts: int = Field(description="How many accounts were meant.")
    added: dict[str, int]
    removed: dict[str, int]


class TagRow(Schema):
    """A tag and how many accounts carry it."""

    name: str
    accounts: int


class TagChange(Schema):
    """A tag's new name."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=LONGEST)
