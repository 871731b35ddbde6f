"""Work items from the predecessor's SQLite file and photo folder: read whole, changed never, imported once.

Its times carry no zone and are UTC, as its server ran. Internal notes stay internal; whatever is not taken is named.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction

from perf import clock, foreign
from perf.cache import forget
from perf.events import happened
from workitems import images, numbers, photos
from workitems.cache import families_of
from workitems.models import Comment, Photo, StatusChange, StatusTotal, WorkItem
from workitems.workflow import WITH_CREW, Status

ITEMS = "work_items"
IN_REVIEW_BY = re.compile(r"in review(?: by (.*))?", re.IGNORECASE)
STATES = {status.label.lower(): status for status in Status}
NOWHERE = ("", "n/a")  # what its box for equipment held when it was removed


@dataclass(slots=True)
class Report:
    """What became of the file: how many of each kind, and a line for whatever a person should know."""

    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)

    def note(self, count: str, line: str = "") -> None:
        """Count one of `count`, with something to say of it or not."""
        self.counts[count] += 1
        if line:
            self.lines.append(line)


def import_items(path: Path, folder: Path | None, *, by: Any, dry_run: bool = False) -> Report:
    """Store the items of the file at `path` that are not here yet, and the photos of `folder` that are not.

    Run again it stores what is missing and nothing twice. A `dry_run` writes nothing. Raises foreign.Unreadable.
    """
    with foreign.opened(path, tables=(ITEMS,)) as old:
        run = _Import(old, folder, by=by, dry_run=dry_run)
        for row in run.rows(ITEMS):
            run.take(row)
    if not dry_run:
        happened(by, "workitems.import_legacy", path.name, dict(run.report.counts))
    return run.report


class _Import:
    """One run through one file."""

    def __init__(self, old: sqlite3.Connection, folder: Path | None, *, by: Any, dry_run: bool) -> None:
        self.old, self.folder, self.by, self.dry_run = old, folder, by, dry_run
        self.report, self.people = Report(), _people()
        self.photos, self.comments = self._by_item("photos"), self._by_item("comments")
        self.history = self._by_item("status_history")

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, without NULs; none where there is no such table."""
        known = self.old.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [table]).fetchone()
        if known is None:
            return []
        found = self.old.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608  # names of ours
        return [{name: _clean(row[name]) for name in row.keys()} for row in found]  # noqa: SIM118  # a Row yields values

    def _by_item(self, table: str) -> dict[Any, list[dict[str, Any]]]:
        found: dict[Any, list[dict[str, Any]]] = {}
        for row in self.rows(table):
            found.setdefault(row.get("work_item_id", row.get("work_item")), []).append(row)
        return found

    def take(self, row: dict[str, Any]) -> None:
        """Store one item with its history, comments and photos, or say why not."""
        given, number = str(row.get("item_number") or ""), _number(row)
        try:
            item = self._item(row, number)
        except ValidationError as refused:
            self.report.note("items refused", f"{given or row['id']}: {' '.join(refused.messages)}")
            return
        there = WorkItem.objects.filter(number=number).first()
        if there is not None and not _is_same(there, item):
            self.report.note(
                "items refused", f"{given}: another item has the number {number} here. Nothing was changed."
            )
            return
        self.report.note("items already here" if there else "items new", _renamed(given, number))
        if there is None and not self.dry_run:
            self._store(item, row)
        self._take_photos(there or item, row)

    def _item(self, row: dict[str, Any], number: str) -> WorkItem:
        """The row as an unsaved item. Raises ValidationError for what has no place here."""
        status, reviewer = _status(str(row.get("status") or ""))
        submitter, assignee = str(row.get("submitter_name") or ""), str(row.get("assigned_to") or "")
        at = _instant(row.get("submitted_at")) or _instant(row.get("last_modified_at")) or clock.now()
        equipment = str(row.get("ns_equipment") or "")
        item = WorkItem(
            **{name: str(row.get(name) or "") for name in ("location", "description", "detail")},
            number=number,
            equipment="" if equipment.lower() in NOWHERE else equipment,
            ofm=str(row.get("references") or ""),
            status=status,
            revision_notes=str(row.get("revision_notes") or "") if status in WITH_CREW else "",
            internal_notes=_internal(row),
            internal_notes_at=_instant(row.get("admin_notes_updated_at")),
            **self._named("submitter", submitter),
            **self._named("assigned_to", assignee),
            **self._named("reviewer", reviewer),
            **self._named("last_modified_by", str(row.get("last_modified_by") or "")),
            submitted_at=at,
            modified_at=_instant(row.get("last_modified_at")) or at,
        )
        for name in ("number", "location", "equipment", "description", "submitter_name", "assigned_to_name"):
            WorkItem._meta.get_field(name).run_validators(getattr(item, name))  # type: ignore[union-attr]  # columns
        return item

    def _named(self, role: str, name: str) -> dict[str, Any]:
        """A person's name, and the account here that it can only mean."""
        return {role: self.people.get(name.casefold()), f"{role}_name": name}

    def _store(self, item: WorkItem, row: dict[str, Any]) -> None:
        """The item, its steps and its comments: all or nothing."""
        with transaction.atomic():
            item.save()
            StatusTotal.objects.shift({}, {item.status: 1})
            StatusChange.objects.bulk_create(self._steps(item, row))
            Comment.objects.bulk_create(self._said(item, row))
            WorkItem.objects.filter(pk=item.pk).recount()
            forget(*families_of(item.pk))

    def _steps(self, item: WorkItem, row: dict[str, Any]) -> list[StatusChange]:
        found = []
        for step in self.history.get(row["id"], []):
            try:
                found.append(self._step(item, step))
            except ValidationError as refused:
                self.report.note("steps left out", f"{item.number}: {' '.join(refused.messages)}")
        begun = {"changed_by": item.submitter, "changed_by_name": item.submitter_name, "changed_at": item.submitted_at}
        if not any(step.old_status == "" for step in found):
            found.insert(0, StatusChange(work_item=item, old_status="", new_status=Status.SUBMITTED, **begun))
        self.report.counts["steps"] += len(found)
        return found

    def _step(self, item: WorkItem, row: dict[str, Any]) -> StatusChange:
        new, reviewer = _status(str(row.get("new_status") or ""))
        return StatusChange(
            work_item=item,
            old_status=_status(str(row["old_status"]))[0] if row.get("old_status") else "",
            new_status=new,
            reviewer_name=reviewer[:100],
            reason=str(row.get("notes") or ""),
            changed_by=self.people.get(str(row.get("changed_by") or "").casefold()),
            changed_by_name=str(row.get("changed_by") or "")[:100],
            changed_at=_instant(row.get("changed_at")) or item.submitted_at,
        )

    def _said(self, item: WorkItem, row: dict[str, Any]) -> list[Comment]:
        found = [
            Comment(
                work_item=item,
                author=self.people.get(str(said.get("author_name") or "").casefold()),
                author_name=str(said.get("author_name") or "")[:100],
                text=str(said["comment_text"]),
                by_reviewer=bool(said.get("is_admin")),
                created_at=_instant(said.get("created_at")) or item.submitted_at,
            )
            for said in self.comments.get(row["id"], [])
            if said.get("comment_text")
        ]
        self.report.counts["comments"] += len(found)
        return found

    def _take_photos(self, item: WorkItem, row: dict[str, Any]) -> None:
        for position, photo in enumerate(self.photos.get(row["id"], []), 1):
            self._take_photo(item, photo, position)

    def _take_photo(self, item: WorkItem, row: dict[str, Any], position: int) -> None:
        """Store one photo; the cap on photos is for new ones, those that were stored once stay."""
        key, name = f"legacy-{row['id']}", Path(str(row.get("filename") or "")).name
        if item.pk and Photo.objects.filter(work_item=item, key=key).exists():
            self.report.note("photos already here")
            return
        file = self.folder / name if self.folder and name else None
        if file is None or not file.is_file():
            self.report.note(
                "photos lost", f"{item.number}: its photo {position} ({name or 'no name'}) is not in the folder."
            )
            return
        caption = " ".join(str(row.get("caption") or "").split())
        try:
            if self.dry_run:
                images.identify(file)
            else:
                photos.add(item, file, by=None, key=key, name=name, caption=caption, position=position)
        except (*photos.REFUSALS, ValidationError) as refused:
            why = " ".join(refused.messages) if isinstance(refused, ValidationError) else str(refused)
            self.report.note("photos refused", f"{item.number}: its photo {position} ({name}) was left out. {why}")
        else:
            self.report.note("photos new")


def _people() -> dict[str, Any]:
    """Accounts by every name that means one of them alone: user name, first name, whole name; casefolded."""
    found: dict[str, set[Any]] = {}
    for user in get_user_model().objects.all():
        names: Sequence[str] = (user.get_username(), user.get_full_name(), user.get_short_name())
        for name in names:
            found.setdefault(name.casefold(), set()).add(user)
    return {name: users.pop() for name, users in found.items() if name and len(users) == 1}


def _number(row: dict[str, Any]) -> str:
    """Its number as it can be here: the code before " - ", and an underscore for what has no place."""
    given = str(row.get("item_number") or "").strip().partition(" - ")[0].strip()
    number = re.sub(r"[^A-Za-z0-9_-]", "_", given)[:50] or f"LEGACY_{row['id']}"
    return f"{number}_" if number.lower() in numbers.RESERVED else number


def _renamed(given: str, number: str) -> str:
    return "" if given == number else f"“{given}” is called {number} here."


def _status(label: str) -> tuple[Status, str]:
    """Its status as ours, and the reviewer whom it names. Raises ValidationError for one that means nothing."""
    if match := IN_REVIEW_BY.fullmatch(label.strip()):
        return Status.IN_REVIEW, (match[1] or "").strip()
    try:
        return STATES[label.strip().lower()], ""
    except KeyError:
        raise ValidationError(f"“{label[:40]}” is no status.") from None


def _internal(row: dict[str, Any]) -> str:
    """The administrators' notes, with who submitted it first where somebody else did later."""
    notes, first = str(row.get("admin_notes") or ""), str(row.get("original_submitter") or "")
    if not first or first == row.get("submitter_name"):
        return notes
    return f"{notes}\n\nFirst submitted by {first}.".strip()


def _is_same(there: WorkItem, item: WorkItem) -> bool:
    """Whether `there` was imported from this very row before."""
    return (there.submitted_at, there.submitter_name) == (item.submitted_at, item.submitter_name)


def _instant(value: Any) -> dt.datetime | None:
    try:
        found = dt.datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _clean(value: Any) -> Any:
    return value.replace("\x00", "") if isinstance(value, str) else value
