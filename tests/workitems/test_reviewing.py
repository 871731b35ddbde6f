"""Verdicts on photos, comments both ways, and the bin."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.workitems.test_item_page import photo, told
from workitems import bins
from workitems.editing import Conflict
from workitems.models import Comment, Photo, StatusTotal, WorkItem
from workitems.reviewing import VerdictChanged, asked_retakes, comment, judge
from workitems.workflow import Status

pytestmark = pytest.mark.django_db
RETAKE, ACCEPTED = Photo.Verdict.RETAKE, Photo.Verdict.ACCEPTED


def test_a_retake_wants_a_reason_which_feeds_what_the_item_is_sent_back_with(item, dana):
    sharp, blurred = photo(item, position=1), photo(item, position=2)
    with pytest.raises(ValidationError, match="what is wrong"):
        judge(blurred, RETAKE, " ", by=dana, seen=None)
    judge(blurred, RETAKE, "blurred, with the tag plate please", by=dana, seen=None)
    judge(sharp, ACCEPTED, by=dana, seen=None)
    assert asked_retakes(item.photos.in_order()) == "Photo 2: blurred, with the tag plate please"
    assert told(item, dana)[:2] == [
        ("Dana", "accepted a photo", ""),
        ("Dana", "asked to retake a photo", "blurred, with the tag plate please"),
    ]


def test_the_second_of_two_who_judge_a_photo_reads_what_the_first_said(item, dana, alex):
    seen = photo(item)
    judge(seen, RETAKE, "blurred", by=dana, seen=None)
    with pytest.raises(VerdictChanged, match=r"Dana judged this photo meanwhile: retake \(blurred\)"):
        judge(seen, ACCEPTED, by=alex, seen=None)
    stored = Photo.objects.get()
    assert (stored.verdict, stored.verdict_by) == (RETAKE, dana)
    assert judge(stored, ACCEPTED, by=alex, seen=stored.verdict_at).verdict_reason == ""


def test_crew_judge_no_photo_and_nobody_judges_a_removed_one(item, mark, dana):
    seen = photo(item)
    with pytest.raises(PermissionDenied):
        judge(seen, ACCEPTED, by=mark, seen=None)
    Photo.objects.update(deleted_at=item.modified_at)
    with pytest.raises(VerdictChanged):
        judge(seen, ACCEPTED, by=dana, seen=None)


def test_comments_go_both_ways_are_counted_and_say_who_was_a_reviewer(item, mark, art, dana, events):
    comment(item, " Which seal? ", by=dana)
    comment(item, "The aft one.", by=mark)
    comment(item, "The aft one.", by=mark)  # sent twice
    rows = Comment.objects.order_by("pk")
    assert [(row.author_name, row.text, row.by_reviewer) for row in rows] == [
        ("Dana", "Which seal?", True),
        ("Mark", "The aft one.", False),
    ]
    item.refresh_from_db()
    assert (item.comment_count, item.version, events[-1][1]) == (2, 1, "workitems.comment")
    with pytest.raises(PermissionDenied):
        comment(item, "Not mine", by=art)
    with pytest.raises(ValidationError):
        comment(item, " ", by=dana)
    WorkItem.objects.update(status=Status.COMPLETED_REVIEW)
    with pytest.raises(PermissionDenied):
        comment(item, "Late", by=mark)


def test_only_what_was_seen_is_put_into_the_bin_and_comes_back_whole(item, boss, dana):
    photo(item)
    with pytest.raises(PermissionDenied):
        bins.put_in(item, by=dana, version=1)
    with pytest.raises(Conflict):
        bins.put_in(item, by=boss, version=7)
    bins.put_in(item, by=boss, version=1)
    assert StatusTotal.objects.get(status="submitted").items == 0
    assert bins.take_out(item, by=boss)
    assert not bins.take_out(item, by=boss)
    item.refresh_from_db()
    assert (item.deleted_at, item.photo_count) == (None, 1)


def test_destroying_wants_the_number_and_the_contents_that_were_shown(
    item, boss, dana, events, django_capture_on_commit_callbacks
):
    stored = [default_storage.save(name, ContentFile(b"x")) for name in ("originals/o.jpg", "renditions/r.jpg")]
    photo(item, original=stored[0], rendition=stored[1])
    bins.put_in(item, by=boss, version=1)
    shown = str(bins.contents_of([item.pk])[item.pk])
    assert shown == "1 photo, 0 comments and 2 lines of history"
    with pytest.raises(ValidationError, match=f"Type {item.number}"):
        bins.destroy(item, typed="yes", counted=shown, by=boss)
    with pytest.raises(PermissionDenied):
        bins.destroy(item, typed=item.number, counted=shown, by=dana)
    photo(item, original=stored[0])
    with pytest.raises(Conflict):
        bins.destroy(item, typed=item.number, counted=shown, by=boss)
    shown = str(bins.contents_of([item.pk])[item.pk])
    with django_capture_on_commit_callbacks(execute=True):
        gone = bins.destroy(item, typed=item.number, counted=shown, by=boss)
        assert default_storage.exists(stored[0])  # until the commit
    assert (str(gone), WorkItem.objects.count(), Photo.objects.count()) == (shown, 0, 0)
    assert not any(map(default_storage.exists, stored))
    assert events[-1][1] == "workitems.destroy"


def test_an_item_that_is_not_in_the_bin_is_not_destroyed(item, boss):
    shown = str(bins.contents_of([item.pk])[item.pk])
    with pytest.raises(Conflict):
        bins.destroy(item, typed=item.number, counted=shown, by=boss)
    assert WorkItem.objects.count() == 1
