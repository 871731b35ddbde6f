"""The page of an item: everybody who may read items reads it, with its photos and all that happened."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.test import Client

from perf.clock import now
from tests.workitems.conftest import draft
from workitems import photos
from workitems.editing import differences, edit
from workitems.models import Comment, Photo, WorkItem
from workitems.reviewing import judge
from workitems.timeline import timeline
from workitems.uploads import Promise, promise
from workitems.workflow import Status, move, submit

fill = import_module("workitems.migrations.0018_fill_verdicts").fill
pytestmark = pytest.mark.django_db


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def photo(item, **values):
    """A photo as it is once its renditions are made."""
    given = {
        "original": "originals/a.jpg", "rendition": "renditions/a.jpg", "thumbnail_path": "thumbnails/a.jpg",
        "width": 576, "height": 432, "sha256": "0" * 64, "size": 1_234, "state": Photo.State.READY,
        "caption": "Tag plate", "uploaded_by_name": "Mark",
    }  # fmt: skip
    made = Photo.objects.create(work_item=item, **given | values)
    WorkItem.objects.filter(pk=item.pk).recount()
    return made


def told(item, user):
    """The timeline as (who, words, text), newest first."""
    return [(entry.by, entry.words, entry.text) for entry in timeline(item, item.photos.with_history(), user)]


def test_everybody_who_may_read_items_reads_words_photos_and_history(item, mark, art, dana, boss):
    photo(item)
    photo(item, state=Photo.State.REFUSED, rendition="", fault="This is no picture we can read.")
    for user in (mark, art, dana, boss):
        page = browser(user).get(f"/workitems/{item.number}/").content.decode()
        for words in ("Valve leaks", "Replace the seal", "Engine room", "Tag plate", "submitted it"):
            assert words in page
        assert "Refused: This is no picture we can read." in page


def test_the_timeline_tells_steps_changes_comments_and_photos_newest_first(item, mark, dana):
    taken = photo(item)
    move(item, Status.IN_REVIEW, by=dana, version=1)
    edit(item, {"detail": "Replace both"}, by=dana, version=2)
    Comment.objects.create(work_item=item, author=dana, author_name="Dana", text="Which seal?", by_reviewer=True)
    move(item, Status.NEEDS_REVISION, by=dana, version=3, reason="Photo 1 is blurred.")
    Photo.objects.filter(pk=taken.pk).update(deleted_at=item.modified_at, deleted_by=mark)
    assert told(item, dana) == [
        ("Dana", "made it Needs Revision", "Photo 1 is blurred."),
        ("Mark", "removed a photo", "“Tag plate”"),
        ("Dana", "wrote", "Which seal?"),
        ("Dana", "changed detail", ""),
        ("Dana", "made it In Review by Dana", ""),
        ("Mark", "added a photo", "“Tag plate”"),
        ("Mark", "submitted it", ""),
    ]


def test_crew_read_nothing_of_internal_notes(item, mark, dana):
    edit(item, {"internal_notes": "The yard is late."}, by=dana, version=1)
    edit(item, {"internal_notes": "The yard is on time.", "ofm": "Bolts"}, by=dana, version=2)
    theirs = browser(mark).get(f"/workitems/{item.number}/").content.decode()
    assert "yard" not in theirs
    assert "internal" not in theirs
    assert "Bolts" in theirs
    assert "The yard is late." in browser(dana).get(f"/workitems/{item.number}/").content.decode()


def test_an_item_in_the_bin_is_not_found(item, dana, boss):
    WorkItem.objects.move_to_bin(boss)
    assert browser(dana).get(f"/workitems/{item.number}/").status_code == 404


def test_another_photo_comment_or_step_costs_no_further_query(mark, dana, django_assert_max_num_queries):
    full = submit(draft(), mark)
    for position in range(6):
        photo(full, position=position)
        Comment.objects.create(work_item=full, author_name="Mark", text="Done")
        edit(full, {"detail": f"Step {position}"}, by=dana, version=full.version)
    client = browser(dana)
    client.get("/workitems/nobody/")  # renews the session, as once an hour
    with django_assert_max_num_queries(13):
        assert client.get(f"/workitems/{full.number}/").status_code == 200


def test_the_timeline_tells_who_deleted_an_item_and_who_had_it_back(item, dana, boss):
    WorkItem.objects.move_to_bin(boss)
    WorkItem.objects.restore(dana)
    lines = [(entry.by, entry.words) for entry in timeline(WorkItem.objects.get(), [], dana)]
    assert lines[:2] == [("Dana", "took it out of the bin"), ("Boss", "put it into the bin")]
    lost = [(each.label, each.after, each.by) for each in differences(item, 1, dana)]
    assert lost == [("in the bin", "yes", "Boss"), ("in the bin", "", "Dana")]


def test_whoever_may_change_an_item_stops_waiting_for_a_promised_photo(item, mark, art, dana):
    held = promise(item, Promise(key="k", name="pump.jpg", size=9, sha256="0" * 64), by=mark)
    page = f"/workitems/{item.number}/"
    offered = {person: "Stop waiting for pump.jpg" in browser(person).get(page).text for person in (mark, art, dana)}
    assert offered == {mark: True, art: False, dana: True}
    there = browser(dana).post(f"/workitems/uploads/{held.pk}/give-up/", {"next": "/workitems/review/"})
    assert (there.url, WorkItem.objects.get().photos_due) == ("/workitems/review/", 0)
    assert "Stop waiting" not in browser(dana).get(page).text


def test_a_changed_verdict_leaves_the_earlier_ones_in_the_timeline(item, dana, alex):
    seen = judge(photo(item), "retake", "blurred", by=dana, seen=None)
    seen = judge(seen, "", by=dana, seen=seen.verdict_at)
    judge(seen, "accepted", by=alex, seen=seen.verdict_at)
    said = [("Alex", "accepted a photo", ""), ("Dana", "took a verdict back", ""),
            ("Dana", "asked to retake a photo", "blurred")]  # fmt: skip
    assert told(item, dana)[:3] == said


def test_a_restored_photo_leaves_its_earlier_removals_in_the_timeline(item, mark, dana):
    kept = photo(item)
    for remover, restorer in ((mark, dana), (dana, mark)):
        photos.remove(kept, by=remover)
        removed_at = kept.deleted_at
        photos.restore(kept, by=restorer)
        photos.restore(kept, by=restorer)  # twice is once
    photos.remove(kept, by=mark)
    happened = ["Mark removed", "Mark restored", "Dana removed", "Dana restored", "Mark removed"]
    assert [f"{by} {words.split()[0]}" for by, words, _ in told(item, dana)[:5]] == happened
    undone = kept.restorations.order_by("at").last()
    assert (undone.removed_at, undone.removed_by, undone.by) == (removed_at, dana, mark)


def test_verdicts_from_before_their_history_are_its_first_lines(item, dana):
    judged = photo(item, verdict="accepted", verdict_by=dana, verdict_by_name="Dana", verdict_at=now())
    fill(apps, None)
    fill(apps, None)  # again, it adds nothing
    assert [(each.verdict, each.by, each.at) for each in judged.verdicts.all()] == [
        ("accepted", dana, judged.verdict_at)
    ]
