"""Which accounts an answer is about: the one vocabulary of the lists, the grid, the summary and the exports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import BeforeValidator, field_validator

from accounts.models import AccountQuerySet
from accounts.platforms import PLATFORMS, find_platform
from accounts.tags import MOST, clean_tags, tag_key


def known_platform(raw: Any) -> str:
    """The stored name of the platform that `raw` names; "" for "". ValueError for one we do not know."""
    if not raw:
        return ""
    if (found := find_platform(str(raw))) is None:
        raise ValueError(f"no platform is called {str(raw)[:40]!r}; there are {', '.join(PLATFORMS)}")
    return found.name


def chosen(raw: str, known: Iterable[str]) -> list[str]:
    """The names in the comma-separated `raw`, each once. ValueError names the first that is not `known`."""
    names = list(dict.fromkeys(name.strip() for name in raw.split(",") if name.strip()))
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"there is no {unknown[0][:40]!r}; there are {', '.join(known)}")
    return names


def _answer(raw: Any) -> Any:
    """An empty yes/no parameter says nothing."""
    return None if raw == "" else raw


YesNo = Annotated[bool | None, BeforeValidator(_answer)]


class AccountFilters(Schema):
    """Which accounts an answer is about; what is left out or empty filters nothing."""

    platform: Annotated[str, BeforeValidator(known_platform)] = Field("", description="A platform's name or alias.")
    organization: str = Field("", max_length=200, description="An organisation's whole name.")
    core: YesNo = Field(None, description="Only core accounts, or only others.")
    active: YesNo = Field(None, description="Only active accounts, or only inactive ones.")
    tag: list[str] = Field([], description=f"A tag; repeated, all of them must be there. At most {MOST}.")
    q: str = Field("", max_length=100, description="Words in handle, name, platform or organisation.")

    @field_validator("organization", "q")
    @classmethod
    def storable(cls, text: str) -> str:
        """Refuse a NUL, which no text in the database holds."""
        if "\x00" in text:
            raise ValueError("may not hold a NUL")
        return text.strip()

    @field_validator("tag")
    @classmethod
    def _keys(cls, names: list[str]) -> list[str]:
        """One spelling for one set of tags, so that it is cached once."""
        return [tag_key(name) for name in clean_tags(names)]

    @property
    def wanted(self) -> dict[str, Any]:
        """What AccountQuerySet.matching is asked for; empty when every account is meant."""
        given = {
            "platform": self.platform,
            "organization": self.organization,
            "core": self.core,
            "active": self.active,
            "tags": self.tag,
            "search": self.q,
        }
        return {name: value for name, value in given.items() if value not in ("", None, [])}

    def accounts(self, rows: AccountQuerySet) -> AccountQuerySet:
        """Those of `rows` that are meant."""
        return rows.matching(**self.wanted)
