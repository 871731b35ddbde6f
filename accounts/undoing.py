"""Taking an import of a roster back: exactly what it made and changed, and nothing that somebody has changed since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from accounts.batches import KEPT
from accounts.models import Account, Organization, RosterChange, RosterImport, Tag
from accounts.signals import announce, with_figures
from accounts.states import State, held_states
from perf import clock
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person

NAMED = 500  # accounts that were kept and are named with why
SINCE = "changed since the import"
SHOWN = {"is_core": "core", "url": "address"}


class UndoRefused(Exception):
    """An import cannot be taken back; the message is for people."""


@dataclass(slots=True)
class Undone:
    """What undoing did: ids of accounts removed, switched off and put back; `kept`: account → why it stays as it is."""

    removed: list[int] = field(default_factory=list)
    deactivated: list[int] = field(default_factory=list)
    restored: list[int] = field(default_factory=list)
    kept: dict[int, str] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many accounts each of them are."""
        return {name: len(getattr(self, name)) for name in ("removed", "deactivated", "restored", "kept")}


def undo(batch: RosterImport, by: Person) -> Undone:
    """Take `batch` back in one transaction. Audited.

    Accounts it made go, or are switched off where they have figures or notes; what it changed is put back. Whatever
    somebody changed since stays and is named. Raises UndoRefused when it was undone before, changed nothing or is too
    old.
    """
    with transaction.atomic():
        held = RosterImport.objects.select_for_update().get(pk=batch.pk)
        _check(held)
        changes = {change.account_id: change for change in held.changes.order_by("account_id")}
        done, names = Undone(), dict(Account.objects.filter(pk__among=changes).values_list("pk", "handle"))
        now = held_states(changes)
        _put_back({pk: change for pk, change in changes.items() if change.before is not None}, now, done)
        _take_away({pk: change for pk, change in changes.items() if change.before is None}, now, done, by)
        _drop_empty(held.made)
        kept = [[names[pk], why] for pk, why in list(done.kept.items())[:NAMED]]
        undoing = done.counts | {"names": kept}
        RosterImport.objects.filter(pk=held.pk).update(
            state=RosterImport.State.UNDONE, undone_at=clock.now(), undoing=undoing
        )
        detail = done.counts | {"import": held.pk, "ids": [*done.restored, *done.deactivated]}
        happened(by, "accounts.undo_import", held.name, detail)
    return done


def _check(batch: RosterImport) -> None:
    if batch.state == RosterImport.State.UNDONE:
        raise UndoRefused("This import was undone already.")
    if batch.state != RosterImport.State.DONE:
        raise UndoRefused("This roster was not imported.")
    if clock.now() >= batch.undo_until:
        raise UndoRefused(f"This import is more than {KEPT // timedelta(hours=1)} hours old and stands.")


def _take_away(changes: Mapping[int, RosterChange], now: Mapping[int, State], done: Undone, by: Person) -> None:
    """Remove the accounts that were made, or switch them off."""
    present = [pk for pk in changes if pk in now]
    untouched = [pk for pk in present if now[pk] == changes[pk].after]
    done.kept |= dict.fromkeys((pk for pk in present if now[pk] != changes[pk].after), SINCE)
    counted = with_figures(untouched)
    done.deactivated += [pk for pk in untouched if pk in counted]
    done.removed += [pk for pk in untouched if pk not in counted]
    Account.objects.filter(pk__among=done.deactivated).deactivate(by)
    Account.objects.filter(pk__among=done.removed).delete()


def _put_back(changes: Mapping[int, RosterChange], now: Mapping[int, State], done: Undone) -> None:
    """Give what was changed and still says what the import said its value from before."""
    wanted: dict[int, State] = {}
    for pk, change in changes.items():
        if pk not in now:
            continue
        same = [name for name, said in change.after.items() if now[pk][name] == said]
        if same:
            wanted[pk] = {name: change.before[name] for name in same}
        if stays := [SHOWN.get(name, name) for name in change.after if name not in same]:
            done.kept[pk] = f"{', '.join(stays)}: {SINCE}"
    done.restored += [pk for pk in wanted if pk not in done.kept]
    _write(wanted)


def _write(wanted: Mapping[int, State]) -> None:
    """Set the values of each account, whose row the caller has locked, and announce them."""
    names = {state["organization"] for state in wanted.values() if "organization" in state}
    offices = {name: Organization.objects.get_or_create(name=name)[0].pk for name in sorted(names)}
    changed: dict[str, list[int]] = defaultdict(list)
    before: dict[int, int] = {}
    rows = list(Account.objects.filter(pk__among=wanted).order_by("pk"))
    for row in rows:
        for name, value in wanted[row.pk].items():
            if name == "organization":
                before[row.pk], row.organization_id = row.organization_id, offices[value]
            elif name != "tags":
                setattr(row, name, value)
            changed[name].append(row.pk)
        row.updated_at = clock.now()
    if rows:
        Account.objects.all().rewrite(rows, ["organization", "is_core", "url", "updated_at"])
    for name, ids in sorted(changed.items()):
        announce(ids, {name}, old_organizations=before if name == "organization" else None)
    Account.objects.set_tags({pk: state["tags"] for pk, state in wanted.items() if "tags" in state})


def _drop_empty(made: Mapping[str, Collection[int]]) -> None:
    """Remove the organisations and tags that the import made, where nothing has them now."""
    for name, model in (("organizations", Organization), ("tags", Tag)):
        mine: Any = model._default_manager.filter(pk__among=made.get(name, [])).order_by("pk")
        list(mine.select_for_update().values_list("pk", flat=True))  # nobody can give them an account from here on
        for row in mine.filter(accounts=None):
            row.delete()


def told(counts: Mapping[str, int]) -> str:
    """What undoing did, in a sentence for people; `counts` as Undone.counts."""
    said = (
        ("removed", "removed"),
        ("deactivated", "switched off, with what is known of them kept"),
        ("restored", "put back as before"),
        ("kept", "left with what somebody changed since"),
    )
    parts = [f"{counts[name]:,} {words}" for name, words in said if counts[name]]
    return f"Of its accounts, {'; '.join(parts)}." if parts else "None of its accounts is left."
