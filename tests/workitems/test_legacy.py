"""Taking over the predecessor's items: once, whole, with what could not be taken named."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from project.models import AuditEntry
from tests.workitems.conftest import draft
from tests.workitems.photo_files import NO_PICTURE, picture
from workitems import legacy
from workitems.models import Comment, Photo, StatusChange, StatusTotal, WorkItem
from workitems.workflow import submit

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

SCHEMA = """
CREATE TABLE work_items (
    id INTEGER PRIMARY KEY, item_number VARCHAR(50) NOT NULL UNIQUE, location VARCHAR(200) NOT NULL,
    ns_equipment VARCHAR(200) NOT NULL, description VARCHAR(2000) NOT NULL, detail TEXT NOT NULL, "references" TEXT,
    submitter_name VARCHAR(100) NOT NULL, submitted_at DATETIME, status VARCHAR(20), assigned_to VARCHAR(100),
    needs_revision BOOLEAN, revision_notes TEXT, original_submitter VARCHAR(100), last_modified_by VARCHAR(100),
    last_modified_at DATETIME, admin_notes TEXT, admin_notes_updated_at DATETIME);
CREATE TABLE photos (id INTEGER PRIMARY KEY, filename VARCHAR(200) NOT NULL, caption VARCHAR(500) NOT NULL,
    work_item_id INTEGER NOT NULL REFERENCES work_items);
CREATE TABLE comments (id INTEGER PRIMARY KEY, work_item_id INTEGER NOT NULL, author_name VARCHAR(100) NOT NULL,
    comment_text TEXT NOT NULL, created_at DATETIME, is_admin BOOLEAN);
CREATE TABLE status_history (id INTEGER PRIMARY KEY, work_item_id INTEGER NOT NULL, old_status VARCHAR(20),
    new_status VARCHAR(20) NOT NULL, changed_by VARCHAR(100) NOT NULL, changed_at DATETIME, notes TEXT);
"""


class Old:
    """The predecessor's database and photo folder as a test fills them."""

    def __init__(self, folder: Path) -> None:
        self.path, self.photos = folder / "workitems.db", folder / "uploads"
        self.photos.mkdir()
        self.db = sqlite3.connect(self.path)
        self.db.executescript(SCHEMA)

    def insert(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        places = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))  # noqa: S608
        self.db.commit()

    def item(self, key: int, number: str, status: str = "Submitted", **more: Any) -> None:
        values = {
            "location": "Engine room",
            "ns_equipment": "N/A",
            "description": "Sea valve leaks",
            "detail": "Renew the seal",
            "submitter_name": "Kaitlyn",
            "submitted_at": f"2026-01-0{key} 10:30:00.000000",
        }
        self.insert("work_items", id=key, item_number=number, status=status, **values | more)

    def photo(self, key: int, item: int, content: bytes | None, caption: str = "") -> None:
        self.insert("photos", id=key, work_item_id=item, filename=f"{key}.jpg", caption=caption)
        if content is not None:
            (self.photos / f"{key}.jpg").write_bytes(content)

    def run(self, *, dry_run: bool = False) -> legacy.Report:
        return legacy.import_items(self.path, self.photos, by=None, dry_run=dry_run)


@pytest.fixture
def old(tmp_path: Path, settings: Any, db: None) -> Old:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return Old(tmp_path)


@pytest.fixture
def filled(old: Old, mark: Any) -> Old:
    """Two items: one in review with everything, one sent back with eight photos, of which two cannot be taken."""
    old.item(
        1,
        "0101",
        "In Review by DP",
        submitter_name="Mark",
        assigned_to="mark",
        references="Gaskets",
        admin_notes="Ask the yard for a price.",
        admin_notes_updated_at="2026-01-03 08:00:00",
        ns_equipment="Pump 2",
    )
    old.insert(
        "comments", work_item_id=1, author_name="AL", comment_text="Seen.", created_at="2026-01-02 09:00:00", is_admin=1
    )
    old.insert(
        "status_history",
        work_item_id=1,
        old_status="Submitted",
        new_status="In Review by DP",
        changed_by="Admin",
        changed_at="2026-01-02 12:00:00",
        notes="Mine",
    )
    old.item(
        2, "DRAFT_0007", "Needs Revision", revision_notes="Which side?", needs_revision=1, original_submitter="Art"
    )
    for key in range(1, 9):
        old.photo(key, 2, {7: None, 8: NO_PICTURE}.get(key, picture(shade=key)), f"Photo {key}")
    return old


def counted() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (WorkItem, Photo, Comment, StatusChange))


def test_items_come_over_with_everything_they_had(filled: Old, mark: Any) -> None:
    report = filled.run()
    one, two = WorkItem.objects.order_by("number")
    assert (one.number, one.status, one.status_label) == ("0101", "in_review", "In Review by DP")
    assert (one.submitter, one.submitter_name, one.assigned_to) == (mark, "Mark", mark)
    assert (one.ofm, one.equipment) == ("Gaskets", "Pump 2")
    assert one.submitted_at == datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
    assert (one.internal_notes, one.internal_notes_for(mark)) == ("Ask the yard for a price.", "")
    assert [
        (step.old_status, step.new_status, step.reviewer_name, step.reason)
        for step in one.status_changes.order_by("changed_at")
    ] == [
        ("", "submitted", "", ""),
        ("submitted", "in_review", "DP", "Mine"),
    ]
    comment = one.comments.get()
    assert (comment.author_name, comment.by_reviewer, comment.created_at.day) == ("AL", True, 2)
    assert (two.status, two.revision_notes, two.equipment, two.submitter) == ("needs_revision", "Which side?", "", None)
    assert two.internal_notes == "First submitted by Art."
    assert (two.photo_count, one.comment_count) == (6, 1)
    first = two.photos.order_by("position").first()
    assert (first.caption, first.state, first.original.open("rb").read()) == ("Photo 1", "received", picture(shade=1))
    assert dict(report.counts) == {
        "items new": 2,
        "steps": 3,
        "comments": 1,
        "photos new": 6,
        "photos lost": 1,
        "photos refused": 1,
    }
    assert "DRAFT_0007: its photo 7 (7.jpg) is not in the folder." in report.lines
    assert any(line.startswith("DRAFT_0007: its photo 8 (8.jpg) was left out.") for line in report.lines)
    assert dict(StatusTotal.objects.exclude(items=0).values_list("status", "items")) == {
        "in_review": 1,
        "needs_revision": 1,
    }
    assert AuditEntry.objects.filter(action="workitems.import_legacy").count() == 1


def test_again_it_stores_only_what_was_missing(filled: Old) -> None:
    filled.run()
    before = counted()
    (filled.photos / "7.jpg").write_bytes(picture(shade=7))
    filled.item(3, "0103")
    again = filled.run().counts
    assert (again["items new"], again["items already here"]) == (1, 2)
    assert (again["photos new"], again["photos already here"]) == (1, 6)
    assert counted() == (before[0] + 1, before[1] + 1, before[2], before[3] + 1)


def test_dry_run_says_the_same_and_writes_nothing(filled: Old, settings: Any) -> None:
    told = filled.run(dry_run=True)
    assert counted() == (0, 0, 0, 0)
    assert not Path(settings.MEDIA_ROOT).exists()
    done = filled.run()
    assert told.lines == done.lines
    assert all(told.counts[what] == done.counts[what] for what in told.counts)


def test_more_photos_than_a_new_item_may_have_are_all_kept(old: Old, settings: Any) -> None:
    old.item(1, "0101")
    for key in range(1, settings.MAX_PHOTOS + 3):
        old.photo(key, 1, picture(shade=key))
    assert old.run().counts["photos new"] == settings.MAX_PHOTOS + 2


def test_numbers_without_a_place_here_are_written_otherwise_and_nobody_is_overwritten(old: Old, mark: Any) -> None:
    submit(draft(number="0104"), mark)
    old.item(1, "0101 - Sea valve")
    old.item(2, "A/C #2")
    old.item(3, "new")
    old.item(4, "0104")
    old.item(5, "0105", "Lost")
    report = old.run()
    assert set(WorkItem.objects.values_list("number", flat=True)) == {"0101", "A_C__2", "new_", "0104"}
    assert WorkItem.objects.get(number="0104").description == "Valve leaks"
    assert report.lines == [
        "“0101 - Sea valve” is called 0101 here.",
        "“A/C #2” is called A_C__2 here.",
        "“new” is called new_ here.",
        "0104: another item has the number 0104 here. Nothing was changed.",
        "0105: “Lost” is no status.",
    ]
    assert report.counts["items refused"] == 2


def test_the_command_takes_the_file_for_what_it_is(filled: Old, tmp_path: Path) -> None:
    out = StringIO()
    call_command("import_legacy", str(filled.path), photos=filled.photos, dry_run=True, stdout=out)
    assert out.getvalue().endswith("2 items new, 1 photos lost, 6 photos new, 1 photos refused. Nothing was written.\n")
    with pytest.raises(CommandError, match="is no folder"):
        call_command("import_legacy", str(filled.path), photos=tmp_path / "none")
    (tmp_path / "text.db").write_text("no database at all, but some words of a person")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_legacy", str(tmp_path / "text.db"))
