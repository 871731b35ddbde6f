"""Every way to write figures and accounts through the models: how, what it changes, and what nothing cached shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts.models import Account, FormerHandle, Organization, Tag
from perf import clock
from snapshots.models import Note, Snapshot
from tests.project.reads import World

FIGURES = frozenset({"summary", "grid", "trend", "overview", "history"})
OTHERS = frozenset({"other history", "accounts", "tags", "detail", "other detail"})
NOTHING = frozenset[str]()


@dataclass(frozen=True)
class Writer:
    """How to write, which READS must thereby say something else, and which must stay in the cache."""

    act: Callable[[World], Any]
    changes: frozenset[str]
    stays: frozenset[str] = NOTHING


def figures(act: Callable[[World], Any], *less: str) -> Writer:
    """A writer of the subject's figures."""
    return Writer(act, FIGURES - {*less}, OTHERS)


def thirds(act: Callable[[World], Any], *less: str) -> Writer:
    """A writer of figures of the third account, which no history of READS shows."""
    return Writer(act, FIGURES - {"history", *less}, OTHERS | {"history"})


def registry(act: Callable[[World], Any], *changes: str) -> Writer:
    """A writer of the subject's row in the registry."""
    return Writer(act, frozenset(changes), frozenset({"other detail"}))


def everywhere(act: Callable[[World], Any], *changes: str) -> Writer:
    """A writer of many accounts."""
    return Writer(act, frozenset(changes))


def noted(act: Callable[[World], Any]) -> Writer:
    """A writer of an editor's note."""
    return Writer(act, frozenset({"annotations"}), FIGURES - {"overview"} | OTHERS)


NAMES = ("summary", "grid", "history", "accounts", "detail")
OFFICES = ("summary", "grid", "accounts", "detail", "overview")
COUNTED = ("summary", "trend", "overview", "accounts")


def _new(w: World, **fields: Any) -> Snapshot:
    """A figure of the subject from four days ago, not stored yet."""
    said = {
        "account": w.subject,
        "date": w.ago(4),
        "observed_at": clock.now(),
        "source": "observed",
        "followers": 4_444,
    }
    return Snapshot(**said | fields)


def latest(w: World) -> Any:
    """The subject's newest published figure."""
    return Snapshot.objects.filter(account=w.subject, date=w.ago(1))


def _changed(row: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(row, name, value)
    return row


def _account(w: World, handle: str = "newcomer") -> Account:
    return Account(platform="x", handle=handle, handle_key=handle, organization=w.parks)


def _subject(w: World) -> Any:
    return Account.objects.filter(pk=w.subject.pk)


EARLIER = ("summary", "overview")  # which show the latest day alone
MODELS: dict[str, Writer] = {
    "Snapshot.save": figures(lambda w: _new(w).save(), *EARLIER),
    "Snapshot.delete": figures(lambda w: latest(w).get().delete()),
    "Snapshot.objects.bulk_create": figures(lambda w: Snapshot.objects.bulk_create([_new(w)]), *EARLIER),
    "Snapshot.objects.bulk_update": figures(
        lambda w: Snapshot.objects.bulk_update([_changed(latest(w).get(), followers=5)], ["followers"])
    ),
    "Snapshot.objects.update": figures(lambda w: latest(w).update(followers=5)),
    "Snapshot.objects.delete": figures(lambda w: latest(w).delete()),
    "Account.save": registry(lambda w: _changed(_subject(w).get(), display_name="New").save(), "accounts", "detail"),
    "Account.delete": registry(lambda w: _subject(w).get().delete(), *FIGURES, "accounts", "detail"),
    "Account.rename": registry(lambda w: _subject(w).get().rename("renamed"), *NAMES),
    "Account.release": Writer(lambda w: w.held.release(w.root, accept_new_id=True), NOTHING),
    "Account.save_or_refuse": registry(
        lambda w: _changed(_subject(w).get(), is_core=True).save_or_refuse(), "accounts"
    ),
    "Account.objects.bulk_create": registry(lambda w: Account.objects.bulk_create([_account(w)]), "accounts"),
    "Account.objects.bulk_update": registry(
        lambda w: Account.objects.bulk_update([_changed(_subject(w).get(), is_core=True)], ["is_core"]), "detail"
    ),
    "Account.objects.update": registry(lambda w: _subject(w).update(is_active=False), *COUNTED),
    "Account.objects.delete": registry(lambda w: _subject(w).delete(), *FIGURES, "accounts", "detail"),
    "Account.objects.activate": everywhere(lambda w: Account.objects.activate(w.root), *COUNTED),
    "Account.objects.deactivate": registry(lambda w: _subject(w).deactivate(w.root), *COUNTED, "detail"),
    "Account.objects.give": registry(lambda w: _subject(w).give(is_active=False), *COUNTED),
    "Account.objects.give_back": registry(
        lambda w: Account.objects.give_back({w.subject.pk: {"is_active": False}}), *COUNTED
    ),
    "Account.objects.move_to": registry(lambda w: _subject(w).move_to(w.parks), *OFFICES),
    "Account.objects.learn": registry(
        lambda w: Account.objects.learn({w.subject.pk: {"bio": "said by the platform"}}), "detail"
    ),
    "Account.objects.hold": Writer(lambda w: Account.objects.hold([w.third.pk], "reassigned"), NOTHING),
    "Account.objects.release": Writer(
        lambda w: Account.objects.filter(pk=w.held.pk).release(w.root, accept_new_id=True), NOTHING
    ),
    "Account.objects.retag": registry(lambda w: _subject(w).retag(w.root, add=["health"], remove=["press"]), "detail"),
    "Account.objects.set_tags": registry(
        lambda w: Account.objects.set_tags({w.subject.pk: ["health"]}), "tags", "detail"
    ),
    "Organization.save": everywhere(lambda w: _changed(_office(w), name="Renamed").save(), *OFFICES, "other detail"),
    "Organization.merge_into": everywhere(lambda w: _office(w).merge_into(w.parks, w.root), *OFFICES, "other detail"),
    "Organization.objects.update": everywhere(
        lambda w: Organization.objects.filter(pk=w.office.pk).update(name="Renamed"), *OFFICES, "other detail"
    ),
    "Organization.objects.bulk_update": everywhere(
        lambda w: Organization.objects.bulk_update([_changed(_office(w), name="Renamed")], ["name"]), *OFFICES
    ),
    "Tag.save": registry(lambda w: _changed(press(w), name="media").save(), "detail"),
    "Tag.rename": registry(lambda w: press(w).rename("media", w.root), "detail"),
    "Tag.drop": registry(lambda w: press(w).drop(w.root), "detail"),
    "Tag.delete": registry(lambda w: press(w).delete(), "detail"),
    "Tag.objects.bulk_create": registry(lambda w: Tag.objects.bulk_create([Tag(name="new", key="new")]), "tags"),
    "Tag.objects.update": everywhere(lambda w: Tag.objects.update(name="media", key="media"), "detail"),
    "Tag.objects.bulk_update": everywhere(
        lambda w: Tag.objects.bulk_update([_changed(press(w), name="media")], ["name"]), "detail"
    ),
    "Tag.objects.delete": registry(lambda w: Tag.objects.filter(key="press").delete(), "detail"),
    "Note.save": noted(lambda w: _changed(w.note, text="Changed").save()),
    "Note.delete": noted(lambda w: Note.objects.get(pk=w.note.pk).delete()),
    "Note.write": noted(lambda w: Note.write(w.root, account=None, day=w.today, text="Holiday")),
    "Note.rewrite": noted(lambda w: _note(w).rewrite(w.root, day=w.today, text="Changed")),
    "Note.remove": noted(lambda w: _note(w).remove(w.root)),
    "Note.restore": noted(lambda w: Note.objects.get(pk=w.gone.pk).restore(w.root)),
    "Note.objects.bulk_create": noted(lambda w: Note.objects.bulk_create([Note(day=w.today, text="Holiday")])),
    "Note.objects.update": noted(lambda w: Note.objects.update(text="Changed")),
    "Note.objects.bulk_update": noted(lambda w: Note.objects.bulk_update([_changed(_note(w), text="New")], ["text"])),
    "Note.objects.delete": noted(lambda w: Note.objects.all().delete()),
    "FormerHandle.objects.keep": Writer(
        lambda w: FormerHandle.objects.keep(_changed(_subject(w).get(), handle="older", handle_key="older")),
        frozenset({"other detail"}),
    ),
}


def _note(w: World) -> Note:
    return Note.objects.get(pk=w.note.pk)


def _office(w: World) -> Organization:
    return Organization.objects.get(pk=w.office.pk)


def press(w: World) -> Tag:
    """The tag that the subject carries."""
    return Tag.objects.get(key="press")


# --- What changes nothing that is cached ---------------------------------------------------------

KEPT = "kept by recording in its own transaction, which forgets; nobody else writes it"
HIDDEN = "no cached answer shows it"
UNTOLD = "a part of other writers, who announce"
INSERTED = "a new one belongs to no account yet"
BY_SAVE = {"create", "get_or_create", "update_or_create"}
"""Django's own methods of every QuerySet that call `save`."""

SILENT_MODELS = {
    "LatestSnapshot": KEPT,
    "DailyTotal": KEPT,
    "PlatformTotal": KEPT,
    "PlatformAccounts": KEPT,
    "FormerHandle": "kept by Account.save; FormerHandle.objects.keep is tried",
    "AccountTag": "kept by retag and by Django behind account.tags, whose signal announces",
    "ImportBatch": HIDDEN,
    "ImportedDay": HIDDEN,
    "Judgement": HIDDEN,
    "JudgedFigure": HIDDEN,
    "ExportJob": HIDDEN,
    "RosterImport": HIDDEN,
    "RosterChange": HIDDEN,
    "BulkEdit": HIDDEN,
    "BulkEditPart": HIDDEN,
}
SILENT = {
    "Snapshot.release": "changes the object alone, not its row",
    "Account.clean": "checks",
    "Account.validate_constraints": "checks",
    "Account.news_in": "compares",
    "Account.objects.find_at": "looks",
    "Account.objects.rewrite": UNTOLD,
    "Account.objects.announce_tags": UNTOLD,
    "Tag.objects.counts": "looks",
    "Snapshot.objects.published_followers": "looks",
    "Tag.clean": "checks",
    "Tag.validate_constraints": "checks",
    "Tag.objects.locked_by_name": "makes tags that nobody carries yet, for retag",
    "Organization.objects.bulk_create": INSERTED,
    **{f"Organization.{name}": "only one without accounts can be deleted" for name in ("delete", "objects.delete")},
}
