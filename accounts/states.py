"""How accounts are as far as people set it, before and after an import, and what there was not before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db import models, transaction

from accounts.batches import RosterChange, RosterImport
from accounts.models import Account, AccountTag, Organization, Tag
from accounts.writing import CHUNK, chunked

State = dict[str, Any]
WATCHED = (
    "handle", "url", "is_core", "is_active", "owner_team", "kind", "category", "is_leader", "requires_preclearance",
    "sensitivity",
)  # fmt: skip  # reads best as a list of names
"""What people set of an account, beside its organisation and tags; what platforms say of it is left out."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Names of organisations and keys of tags that there were none of before an import."""

    organizations: frozenset[str]
    tags: frozenset[str]

    @classmethod
    def of(cls, organizations: Collection[str], tags: Collection[str]) -> Self:
        """Those of the names and keys that nothing has yet."""
        offices = {row.name for row in _named(Organization, "name", organizations)}
        known = {row.key for row in _named(Tag, "key", tags)}
        return cls(frozenset(organizations) - offices, frozenset(tags) - known)

    def made_since(self) -> dict[str, list[int]]:
        """The ids of those that there are now, by the name of their model."""
        return {
            "organizations": [row.pk for row in _named(Organization, "name", self.organizations)],
            "tags": [row.pk for row in _named(Tag, "key", self.tags)],
        }


def _named(model: type[models.Model], field: str, names: Collection[str]) -> list[Any]:
    parts: Iterable[Sequence[str]] = chunked(sorted(names))
    return [row for part in parts for row in model._default_manager.filter(**{f"{field}__in": part})]


def states_of(ids: Collection[int]) -> dict[int, State]:
    """What people set of those of the accounts `ids` that there are: WATCHED, the organisation's name and the tags."""
    rows = Account.objects.filter(pk__among=ids).values("pk", "organization__name", *WATCHED)
    tags = AccountTag.objects.names_of(ids)
    return {
        row["pk"]: {name: row[name] for name in WATCHED}
        | {"organization": row["organization__name"], "tags": tags[row["pk"]]}
        for row in rows
    }


def held_states(ids: Collection[int]) -> dict[int, State]:
    """The same of accounts that nobody else can change until this transaction ends."""
    with transaction.atomic():
        list(Account.objects.filter(pk__among=ids).locked().values_list("pk", flat=True))
        return states_of(ids)


def keep_changes(batch: RosterImport, before: Mapping[int, State], made: Iterable[int]) -> list[int]:
    """Write down what `batch` changed: accounts as they were `before`, those it `made`; the ids of all of them."""
    new = set(made)
    after = states_of([*before, *new])
    changes = [RosterChange(batch=batch, account_id=pk, after=after[pk]) for pk in sorted(new & after.keys())]
    for pk, was in sorted(before.items()):
        if names := [name for name in was if pk in after and was[name] != after[pk][name]]:
            old, now = ({name: state[name] for name in names} for state in (was, after[pk]))
            changes.append(RosterChange(batch=batch, account_id=pk, before=old, after=now))
    RosterChange.objects.bulk_create(changes, batch_size=CHUNK)
    return [change.account_id for change in changes]
