"""One edit of many accounts: what it would change, then the change in parts, and its undo."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from django.db import transaction

from accounts.bulk_edits import UNDO_WITHIN, BulkEdit, BulkEditPart
from accounts.models import Account, AccountQuerySet, AccountTag, Organization
from accounts.tags import MOST, tag_key
from accounts.writing import CHUNK, chunked
from perf import clock
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

SECONDS = 8.0
"""How long one request works at an edit; the next goes on with what is left."""
AT_ONCE = 2_000  # accounts read for a plan
LINES = 50  # shown of a plan
GONE = "no longer in the registry"
TOO_MANY = f"would carry more than {MOST} tags"

State = dict[str, Any]
"""What an edit may change of one account, by field; its organisation by id, its tags by name."""


class UndoRefused(Exception):
    """An edit cannot be undone; the message is for people."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every account is given: values of fields, an organisation by name, tags added and taken off."""

    values: dict[str, Any] = field(default_factory=dict)
    organization: str = ""
    add: list[str] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)

    @property
    def fields(self) -> list[str]:
        """The fields of an account that it sets."""
        return [*self.values, *(["organization"] if self.organization else [])]

    @property
    def is_about_tags(self) -> bool:
        """Whether it changes tags."""
        return bool(self.add or self.remove)

    def tags_after(self, carried: Collection[str]) -> list[str]:
        """The tags of an account that carries `carried`."""
        after = {tag_key(name): name for name in (*self.add, *carried)}
        for name in self.remove:
            after.pop(tag_key(name), None)
        return [after[key] for key in sorted(after)]


@dataclass(slots=True)
class Plan:
    """What an edit would do: `ids` change, `already` are so, `refused` cannot (reason → how many)."""

    wanted: Wanted
    ids: array[int] = field(default_factory=lambda: array("q"))
    already: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[int, State, State]] = field(default_factory=list)  # the first that change: id, before, after
    makes: str = ""  # an organisation that is not there yet

    @property
    def refusals(self) -> list[tuple[str, int]]:
        """Why some cannot change, and how many."""
        return sorted(self.refused.items())

    @property
    def digest(self) -> str:
        """Tells this plan from one that would change other accounts, or otherwise."""
        said = repr((asdict(self.wanted), self.refusals)).encode()
        return blake2b(self.ids.tobytes() + said, digest_size=12).hexdigest()


def plan(accounts: AccountQuerySet, wanted: Wanted, *, asked: int | None = None) -> Plan:
    """What `wanted` would change of `accounts`, of which `asked` were named; writes nothing, flat in memory."""
    owner = Organization.objects.filter(name=wanted.organization).values_list("pk", flat=True).first()
    made = Plan(wanted, makes="" if owner else wanted.organization)
    ids = array("q", accounts.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=AT_ONCE))
    if asked is not None and asked > len(ids):
        made.refused[GONE] = asked - len(ids)
    for part in (ids[at : at + AT_ONCE] for at in range(0, len(ids), AT_ONCE)):
        for pk, before in _states(list(part), wanted).items():
            _weigh(made, pk, before, owner)
    return made


def _weigh(made: Plan, pk: int, before: State, owner: int | None) -> None:
    """Enter one account in a plan."""
    after = before | made.wanted.values
    if made.wanted.organization:
        after["organization"] = owner
    if "tags" in before:
        after["tags"] = made.wanted.tags_after(before["tags"])
    if after == before:
        made.already += 1
    elif len(after.get("tags", ())) > MOST:
        made.refused[TOO_MANY] += 1
    else:
        made.ids.append(pk)
        if len(made.lines) < LINES:
            made.lines.append((pk, before, after))


def _states(ids: list[int], wanted: Wanted) -> dict[int, State]:
    """What the accounts `ids` have of what `wanted` may change, in order of their ids."""
    names = wanted.fields
    rows = Account.objects.filter(pk__among=ids).order_by("pk").values_list("pk", *names)
    states: dict[int, State] = {pk: dict(zip(names, row, strict=True)) for pk, *row in rows}
    if wanted.is_about_tags:
        for pk, tags in AccountTag.objects.names_of(list(states)).items():
            states[pk]["tags"] = tags
    return states


def start(made: Plan, by: Person, *, ticket: UUID | None = None) -> BulkEdit:
    """Write down what is to be changed, and by whom; `go_on` changes it. A new organisation is made.

    With the `ticket` of the preview it is started once, however often and at once that is asked for.
    """
    with transaction.atomic():
        BulkEdit.objects.outdated().delete()
        wanted = asdict(made.wanted)
        if name := made.wanted.organization:
            wanted["values"]["organization"] = Organization.objects.get_or_create(name=name)[0].pk
        edit, is_new = BulkEdit.objects.get_or_create(
            by_id=getattr(by, "pk", None),
            ticket=ticket or uuid4(),
            defaults={"wanted": wanted, "total": len(made.ids)},
        )
        if not is_new:
            return edit
        parts = (
            BulkEditPart(edit=edit, number=number, ids=list(ids), size=len(ids))
            for number, ids in enumerate(chunked(made.ids))
        )
        BulkEditPart.objects.bulk_create(parts, batch_size=20)
    return edit


def go_on(edit: BulkEdit, by: Person, *, seconds: float = SECONDS) -> bool:
    """Apply, or undo, what is left of `edit` for so many seconds; whether something is left then."""
    until = monotonic() + seconds
    while (is_left := _next(edit.pk, by)) and monotonic() < until:
        pass
    edit.refresh_from_db()
    return is_left


def _next(pk: int, by: Person) -> bool:
    """Work on one part of an edit, alone and in one transaction; whether another is left."""
    with transaction.atomic():
        edit = BulkEdit.objects.select_for_update().get(pk=pk)
        part = edit.left().first()
        if part is None:
            return False
        (_apply if edit.undone_at is None else _put_back)(edit, part, by)
        part.save()
        return edit.left().exists()


def _apply(edit: BulkEdit, part: BulkEditPart, by: Person) -> None:
    """Change the accounts of a part that are not so already; note what they had."""
    wanted = Wanted(**edit.wanted)
    accounts = Account.objects.filter(pk__among=part.ids)
    ids = list(accounts.locked().values_list("pk", flat=True))
    if wanted.organization and not _staying({wanted.values["organization"]}):  # deleted since the edit was started
        wanted.values["organization"] = Organization.objects.get_or_create(name=wanted.organization)[0].pk
    before: dict[int, State] = dict(accounts.give(**wanted.values)) if wanted.values else {}
    for pk, tags in _retag(ids, wanted, by).items():
        before[pk] = before.get(pk, {}) | {"tags": tags}
    part.is_applied, part.changed, part.stamp = True, len(before), clock.now()
    part.before = {str(pk): state for pk, state in before.items()}
    Account._base_manager.filter(pk__among=list(before)).update(updated_at=part.stamp)
    if before:
        _tell(by, "accounts.edit_many", before, {"edit": edit.pk, "values": wanted.values})


def _retag(ids: list[int], wanted: Wanted, by: Person) -> dict[int, list[str]]:
    """Change the tags of locked accounts, but of none that would carry too many; what the changed ones had."""
    if not wanted.is_about_tags:
        return {}
    had = AccountTag.objects.names_of(ids)
    after = {pk: wanted.tags_after(tags) for pk, tags in had.items()}
    changing = [pk for pk, tags in after.items() if tags != had[pk] and len(tags) <= MOST]
    Account.objects.filter(pk__among=changing).retag(by, add=wanted.add, remove=wanted.remove)
    return {pk: had[pk] for pk in changing}


def undo(edit: BulkEdit, by: Person) -> None:
    """Ask for the accounts of `edit` to be put back as they were; `go_on` does it. Raises UndoRefused."""
    in_time = BulkEdit.objects.filter(pk=edit.pk, undone_at=None, at__gt=clock.now() - UNDO_WITHIN)
    if not in_time.update(undone_at=clock.now()):
        edit.refresh_from_db()
        minutes = UNDO_WITHIN.seconds // 60
        raise UndoRefused(
            "This edit was undone already."
            if edit.undone_at
            else f"This edit is older than {minutes} minutes and stands."
        )
    happened(by, "accounts.undo_edit_many", f"{edit.total} accounts", {"edit": edit.pk})
    edit.refresh_from_db()


def _put_back(edit: BulkEdit, part: BulkEditPart, by: Person) -> None:
    """Give the accounts of a part back what they had, and note those that stay.

    They stay where somebody changed them since, or deleted the organisation that they had.
    """
    before = {int(pk): state for pk, state in part.before.items()}
    rows = dict(Account.objects.filter(pk__among=list(before)).locked().values_list("pk", "updated_at"))
    had = {pk: state["organization"] for pk, state in before.items() if "organization" in state}
    gone = set(had.values()) - _staying(had.values())
    back = {pk: before[pk] for pk, at in rows.items() if at == part.stamp and had.get(pk) not in gone}
    part.is_undone, part.restored, part.kept = True, len(back), sorted(before.keys() - back.keys())
    fields = {pk: {name: had for name, had in state.items() if name != "tags"} for pk, state in back.items()}
    Account.objects.give_back({pk: values for pk, values in fields.items() if values})
    Account.objects.set_tags({pk: state["tags"] for pk, state in back.items() if "tags" in state})
    if back:
        _tell(by, "accounts.put_back_many", back, {"edit": edit.pk})


def _staying(ids: Iterable[int]) -> set[int]:
    """Those of the organisations `ids` that there are; nobody can delete them until this transaction ends."""
    found = Organization.objects.filter(pk__among=set(ids)).order_by("pk")
    return set(found.select_for_update(no_key=True).values_list("pk", flat=True))


def _tell(by: Person, action: str, changed: Mapping[int, State], detail: dict[str, Any]) -> None:
    happened(by, action, f"{len(changed)} accounts", {"count": len(changed), "ids": list(changed)[:CHUNK]} | detail)


def kept(edit: BulkEdit) -> Iterator[int]:
    """The accounts that an undo left alone: changed since, gone, or of an organisation that is."""
    parts: Iterable[list[int]] = edit.parts.order_by("number").values_list("kept", flat=True)
    return (pk for part in parts for pk in part)
