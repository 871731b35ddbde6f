"""Every doorway through which work items are written, about a small world of them with all that a list shows."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from perf import clock
from tests import factories
from tests.project.reads import Answer, answer_at
from tests.project.writers import NOTHING, Writer
from tests.workitems.photo_files import picture
from tests.workitems.test_legacy import Old
from workitems import deciding, janitor, photos, processing, reviewing, uploads
from workitems.api.uploads import PIECE
from workitems.models import Photo, StatusTotal, Upload, WorkItem
from workitems.workflow import Status, move

READS = {
    "list": "/workitems/",
    "new ones": "/workitems/?status=submitted",
    "mine": "/workitems/?assigned_to=me",
    "api": "/api/workitems",
    "item": "/api/workitems/A-1",
    "timeline": "/api/workitems/A-1/timeline",
    "summary": "/api/summary",
    "trend": "/trend/",
}
OTHERS = frozenset({"summary", "trend"})
"""What is kept of accounts, which no item moves."""
LISTS = ("list", "api")
SHOWN = (*LISTS, "new ones")
HERE = (*SHOWN, "item", "timeline")


class Items:
    """Items in three states with photos, one in the bin, an upload under way and a decision to take back."""

    def __init__(self) -> None:
        self.viewer: User = factories.user("reviewer", password="!")  # type: ignore[assignment]  # it is django's own
        self.viewer.groups.add(Group.objects.get(name="viewer"))
        self.root: User = factories.user(is_superuser=True, is_staff=True, password="!")  # type: ignore[assignment]  # the same
        factories.snapshot()
        crew = factories.user("crew", first_name="Mark", password="!")
        self.item = factories.item(crew, number="A-1", assigned_to=self.viewer, assigned_to_name="Viewer")
        self.photo, self.second, self.removed = (self.stored(shade) for shade in (1, 2, 3))
        self.waiting = self.added(4)
        photos.remove(self.removed, by=self.root)
        reviewing.comment(self.item, "Seen", by=self.root)
        said = uploads.Promise(
            key="due", size=len(picture(shade=9)), sha256=hashlib.sha256(picture(shade=9)).hexdigest()
        )
        self.due = uploads.promise(self.item, said, by=self.root)
        self.reviewed = factories.item(crew, number="B-1")
        move(self.reviewed, Status.IN_REVIEW, by=self.root, version=1)
        self.binned = factories.item(crew, number="C-1")
        WorkItem.objects.filter(pk=self.binned.pk).move_to_bin(self.root)
        decided = factories.item(crew, number="D-1")
        wanted = deciding.Wanted(deciding.Act.SEND_BACK, "Where?")
        self.decision = deciding.decide(decided, wanted, by=self.root, version=1)
        self.item.refresh_from_db()

    def added(self, shade: int) -> Photo:
        """A photo of the first item that waits for a worker."""
        file = ContentFile(picture(shade=shade), name=f"{shade}.jpg")
        return photos.add(self.item, file, by=self.root, caption=f"Photo {shade}")

    def stored(self, shade: int) -> Photo:
        """One that is ready to be seen."""
        photo = self.added(shade)
        assert processing.process(1) == 1
        photo.refresh_from_db()
        return photo

    def read(self, name: str) -> Answer:
        """What a reviewer gets at READS[name]."""
        return answer_at(READS[name], self.viewer)

    def answers(self) -> dict[str, Answer]:
        """All of READS, in their order."""
        return {name: self.read(name) for name in READS}


Act = Callable[[Any], Any]


def writes(act: Act, *changes: str) -> Writer:
    """A writer of items."""
    return Writer(act, frozenset(changes), OTHERS)


def _asked(method: str, path: str, body: Any = None, **options: Any) -> Act:
    """A request of an administrator's; `path` and what is sent may tell of the world."""

    def act(w: Items) -> Any:
        client = Client()
        client.force_login(w.root)
        sent = body(w) if callable(body) else body
        if method == "FORM":
            answer = client.post(path.format(w=w), sent or {}, **options)
        else:
            content = sent if isinstance(sent, bytes) else json.dumps(sent or {})
            kind = options.get("content_type", "application/json")
            answer = client.generic(method, path.format(w=w), content, kind, headers=options.get("headers"))
        assert answer.status_code in {200, 201, 204, 302}, (answer.status_code, path, answer.content[-9000:])
        return answer

    return act


def _form(path: str, body: Any = None) -> Act:
    return _asked("FORM", path, body)


def _file() -> SimpleUploadedFile:
    return SimpleUploadedFile("new.jpg", picture(shade=7), "image/jpeg")


WORDS = {"location": "Depot", "description": "Pump leaks", "detail": "Renew it"}


def _seen(**values: Any) -> Callable[[Items], dict[str, Any]]:
    """What is sent, with the first item's version as it was seen."""
    return lambda w: {"version": w.item.version, **values}


def _chosen(w: Items) -> dict[str, Any]:
    return {"act": "needs_revision", "reason": "Where?", "sure": "1", "item": f"{w.item.pk}-{w.item.version}"}


ITEM, PHOTO = "/workitems/A-1", "/workitems/photos/{w.photo.pk}"
ADDRESSES: dict[str, Writer] = {
    "POST workitems:new": writes(_form("/workitems/new/", WORDS), *SHOWN),
    "POST workitems:edit": writes(_form(f"{ITEM}/edit/", _seen(number="A-1", **WORDS)), *HERE),
    "POST workitems:status": writes(_form(f"{ITEM}/status/", _seen(status="in_review")), *HERE, "mine"),
    "POST workitems:comment": writes(_form(f"{ITEM}/comments/", {"text": "Which seal?"}), *HERE),
    "POST workitems:assign": writes(_form(f"{ITEM}/assign/", _seen(assigned_to="")), *HERE, "mine"),
    "POST workitems:notes": writes(_form(f"{ITEM}/notes/", _seen(internal_notes="Dear")), "item", "timeline"),
    "POST workitems:verdict": writes(
        _form(f"{PHOTO}/verdict/", {"verdict": "retake", "reason": "Blurred"}), "item", "timeline"
    ),
    "POST workitems:bulk": writes(_form("/workitems/review/bulk/", _chosen), *HERE, "mine"),
    "POST workitems:undo": writes(_form("/workitems/review/decisions/{w.decision.pk}/undo/"), *SHOWN),
    "POST workitems:delete": writes(_form(f"{ITEM}/delete/", _seen()), *HERE, "mine"),
    "POST workitems:restore": writes(_form("/workitems/C-1/restore/"), *SHOWN),
    "POST workitems:destroy": writes(
        _form("/workitems/C-1/destroy/", {"typed": "C-1", "counted": "0 photos, 0 comments and 1 line of history"})
    ),
    "POST workitems:photo-restore": writes(_form("/workitems/photos/{w.removed.pk}/restore/"), *HERE),
    "POST workitems:upload-give-up": writes(_form("/workitems/uploads/{w.due.pk}/give-up/"), *SHOWN, "item"),
    "POST api:create_workitem": writes(_asked("POST", "/api/workitems", WORDS), *SHOWN),
    "PATCH api:change_workitem": writes(_asked("PATCH", "/api/workitems/A-1", _seen(description="Pump")), *HERE),
    "POST api:take_step": writes(_asked("POST", "/api/workitems/A-1/status", _seen(status="in_review")), *HERE),
    "POST api:assign_workitem": writes(_asked("POST", "/api/workitems/A-1/assign", _seen(assigned_to="")), *HERE),
    "POST api:comment_on_workitem": writes(_asked("POST", "/api/workitems/A-1/comments", {"text": "Which?"}), *HERE),
    "POST api:judge_photo": writes(
        _asked("POST", "/api/workitems/A-1/photos/{w.photo.pk}/verdict", {"verdict": "accepted"}), "item", "timeline"
    ),
    "DELETE api:delete_workitem": writes(_asked("DELETE", "/api/workitems/A-1?version={w.item.version}"), *HERE),
    "POST api:restore_workitem": writes(_asked("POST", "/api/workitems/C-1/restore"), *SHOWN),
    "POST api:add_photo": writes(_form("/api/workitems/A-1/photos", lambda w: {"file": _file()}), *HERE),
    "PATCH api:change_photo": writes(_asked("PATCH", f"/api{PHOTO}", {"caption": "Plate"}), "list", "item"),
    "DELETE api:remove_photo": writes(_asked("DELETE", f"/api{PHOTO}"), *HERE),
    "POST api:restore_photo": writes(_asked("POST", "/api/workitems/photos/{w.removed.pk}/restore"), *HERE),
    "POST api:promise": writes(
        _asked("POST", "/api/uploads", {"item": "A-1", "key": "new", "size": 9, "sha256": "1" * 64}), *SHOWN, "item"
    ),
    "PATCH api:send_piece": writes(
        _asked(
            *("PATCH", "/api/uploads/{w.due.pk}", picture(shade=9)),
            content_type=PIECE,
            headers={"Upload-Offset": "0"},
        ),
        *HERE,
    ),
    "DELETE api:give_up": writes(_asked("DELETE", "/api/uploads/{w.due.pk}"), *SHOWN, "item"),
}


def _action(name: str, chosen: str) -> Act:
    return _form(
        "/admin/workitems/workitem/", lambda w: {"action": name, "_selected_action": str(getattr(w, chosen).pk)}
    )


ADMIN: dict[str, Writer] = {
    "admin WorkItem: move_to_bin": writes(_action("move_to_bin", "item"), *HERE, "mine"),
    "admin WorkItem: restore": writes(_action("restore", "binned"), *SHOWN),
}


# --- Commands and tasks --------------------------------------------------------------------------


def _processed(w: Items) -> None:
    """A worker makes the photo that waits ready."""
    assert processing.process(9) == 1


def _refused(w: Items) -> None:
    """The file of the photo that waits is gone."""
    default_storage.delete(str(w.waiting.original.name))
    assert processing.process(9) == 1


def _cleared(w: Items) -> None:
    """A photo was removed long ago."""
    Photo.objects.filter(pk=w.removed.pk).update(deleted_at=clock.now() - janitor.KEPT - timedelta(days=1))
    assert janitor.clear_removed() == 1


def _expired(w: Items) -> None:
    """A device sends nothing of what it promised for long."""
    Upload.objects.update(touched_at=clock.now() - uploads.PATIENCE - timedelta(days=1))
    assert uploads.sweep() == (0, 1)


def _arrived(w: Items) -> None:
    """An upload arrived whole and was left."""
    uploads.path_of(w.due).parent.mkdir(parents=True, exist_ok=True)
    uploads.path_of(w.due).write_bytes(picture(shade=9))
    Upload.objects.update(offset=w.due.size, touched_at=clock.now() - uploads.STALLED - timedelta(hours=1))
    assert uploads.sweep() == (1, 0)


def _drifted(w: Items) -> None:
    """A total that was wrong when it was kept is right again."""
    WorkItem._base_manager.filter(pk=w.reviewed.pk).update(status=Status.SUBMITTED)
    StatusTotal.objects.rebuild()


def _command(name: str, *given: Any, **options: Any) -> Any:
    return call_command(name, *given, stdout=StringIO(), stderr=StringIO(), **options)


def _taken_over(w: Items) -> None:
    old = Old(Path(tempfile.mkdtemp()))
    old.item(1, "0101")
    _command("import_legacy", str(old.path))


TASKS: dict[str, Writer] = {
    "workitems.tasks.process_photos (ready)": writes(_processed, "list", "item"),
    "workitems.tasks.process_photos (refused)": writes(_refused, "list", "item"),
    "workitems.tasks.tidy_photos": writes(_cleared, "timeline"),
    "workitems.tasks.sweep_uploads (late)": writes(_expired, *SHOWN, "item"),
    "workitems.tasks.sweep_uploads (whole)": writes(_arrived, *HERE),
    "workitems.tasks.rebuild_totals": writes(_drifted, *SHOWN),
}
COMMANDS: dict[str, Writer] = {
    "rebuild_renditions": writes(lambda w: _command("rebuild_renditions", later=True), "item"),
    "import_legacy (items)": writes(_taken_over, *SHOWN),
    "seed (items)": Writer(lambda w: _command("seed", accounts=1, days=1, items=4, yes=True), frozenset(LISTS)),
    "forget_demo (items)": Writer(lambda w: _command("forget_demo", yes=True), NOTHING),
}
