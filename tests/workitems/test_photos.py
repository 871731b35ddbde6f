"""Photos of an item: stored with their file or not at all, within the cap, and undone."""

from __future__ import annotations

import hashlib
import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from tests.workitems.photo_files import NO_PICTURE, photo_file, picture
from workitems import photos
from workitems.models import Photo, Upload, WorkItem
from workitems.photos import NotAPhoto, PhotoTooLarge, TooManyPhotos
from workitems.workflow import Status, move

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """A storage of the test's own; answers with its files."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path for path in tmp_path.rglob("*") if path.is_file())


def order(item):
    return [photo.caption for photo in item.photos.present().in_order()]


def test_a_photo_is_stored_untouched_with_its_hash_and_counted(item, mark, media, events):
    photo = photos.add(item, photo_file(), by=mark, name="C:\\DCIM\\IMG_1.jpg", caption=" Tag\nplate ")
    assert media()[0].read_bytes() == picture()
    assert (photo.sha256, photo.size) == (hashlib.sha256(picture()).hexdigest(), len(picture()))
    assert (photo.format, photo.original_name, photo.caption) == ("JPEG", "IMG_1.jpg", "Tag plate")
    assert (photo.position, photo.state, photo.uploaded_by_name) == (1, "received", "Mark")
    assert WorkItem.objects.get().photo_count == 1
    assert events[-1][1:3] == ("workitems.photo_add", item.number)


REFUSED = {
    "a document": (NO_PICTURE, "", NotAPhoto),
    "nothing": (b"", "", NotAPhoto),
    "a caption too long": (picture(), "x" * 501, ValidationError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_neither_row_nor_file(item, mark, media, case):
    content, caption, refused = REFUSED[case]
    with pytest.raises(refused):
        photos.add(item, ContentFile(content, name="a.jpg"), by=mark, caption=caption)
    assert (Photo.objects.count(), media()) == (0, [])


def test_a_file_above_the_limit_is_refused_by_its_size(item, mark, media, settings):
    settings.MAX_PHOTO_BYTES = len(picture()) - 1
    with pytest.raises(PhotoTooLarge):
        photos.add(item, photo_file(), by=mark)
    assert media() == []


def test_the_cap_counts_what_is_promised_and_holds_for_every_way_in(item, mark, media, settings):
    settings.MAX_PHOTOS = 2
    first = photos.add(item, photo_file(1), by=mark)
    Upload.objects.create(work_item=item, key="due", size=9, sha256="0" * 64)
    with pytest.raises(TooManyPhotos):
        photos.add(item, photo_file(2), by=mark)
    assert len(media()) == 1
    photos.add(item, photo_file(3), by=mark, replaces=first, caption="Retaken")
    with pytest.raises(TooManyPhotos):
        photos.restore(first, by=mark)
    assert order(item) == ["Retaken"]


def test_the_same_key_twice_is_one_photo_and_keeps_its_promise(item, mark, media):
    promise = Upload.objects.create(work_item=item, key="k1", size=9, sha256="0" * 64)
    first = photos.add(item, photo_file(), by=mark, key="k1")
    assert photos.add(item, photo_file(), by=mark, key="k1") == first
    promise.refresh_from_db()
    assert (promise.state, promise.photo, len(media())) == ("stored", first, 1)
    assert WorkItem.objects.values_list("photo_count", "photos_due").get() == (1, 0)


def test_only_who_may_edit_changes_photos_and_a_promise_outlives_the_right(item, mark, art, dana):
    photo = photos.add(item, photo_file(), by=mark)
    with pytest.raises(PermissionDenied):
        photos.add(item, photo_file(), by=art)
    move(item, Status.IN_REVIEW, by=dana, version=1)
    seen_before = WorkItem.objects.get()
    for act in (
        lambda: photos.add(seen_before, photo_file(), by=mark),
        lambda: photos.remove(photo, by=mark),
        lambda: photos.restore(photo, by=mark),
        lambda: photos.set_caption(photo, "Late", by=mark),
        lambda: photos.move(photo, 2, by=mark),
    ):
        with pytest.raises(PermissionDenied):
            act()
    due = Upload(sha256=hashlib.sha256(picture(shade=2)).hexdigest())
    photos.add(item, photo_file(2), by=mark, key="promised", promised=due)
    assert WorkItem.objects.get().photo_count == 2


def test_an_item_sent_to_review_meanwhile_takes_no_photo_and_keeps_no_file(item, mark, dana, media):
    seen = WorkItem.objects.get()
    move(item, Status.IN_REVIEW, by=dana, version=1)
    with pytest.raises(PermissionDenied):
        photos.add(seen, photo_file(), by=mark)
    assert media() == []


def test_a_removed_photo_is_put_back_with_its_file(item, mark, dana, media):
    photo = photos.add(item, photo_file(), by=mark)
    photos.remove(photo, by=mark)
    photos.remove(photo, by=mark)
    assert (WorkItem.objects.get().photo_count, len(media())) == (0, 1)
    assert not Photo.objects.visible_to(mark).exists()
    assert Photo.objects.visible_to(dana).exists()
    photos.restore(photo, by=mark)
    photos.restore(photo, by=mark)
    assert (WorkItem.objects.get().photo_count, photo.deleted_at) == (1, None)


def test_a_retake_takes_place_and_caption_of_what_it_replaces(item, mark):
    first, second = (photos.add(item, photo_file(n), by=mark, caption=f"Photo {n}") for n in (1, 2))
    retaken = photos.add(item, photo_file(3), by=mark, replaces=first)
    assert (retaken.position, retaken.caption, retaken.replaces) == (1, "Photo 1", first)
    assert list(item.photos.present().in_order()) == [retaken, second]


@pytest.mark.parametrize(
    ("place", "expected"),
    [(1, "cab"), (2, "acb"), (99, "abc"), (-1, "cab")],
    ids=["first", "second", "beyond", "below"],
)
def test_a_photo_moves_to_a_place_and_the_others_close_up(item, mark, place, expected):
    _, _, c = (photos.add(item, photo_file(n), by=mark, caption=name) for n, name in enumerate("abc"))
    photos.move(c, place, by=mark)
    assert "".join(order(item)) == expected
    assert sorted(item.photos.values_list("position", flat=True)) == [1, 2, 3]


def test_a_caption_is_one_line_and_told_with_what_it_was(item, mark, events):
    photo = photos.add(item, photo_file(), by=mark, caption="Before")
    photos.set_caption(photo, "Af\x00ter\r\nit", by=mark)
    assert Photo.objects.get().caption == "Af ter it"
    assert events[-1][3] == {"photo": photo.pk, "before": "Before", "after": "Af ter it"}
    with pytest.raises(ValidationError):
        photos.set_caption(photo, "x" * 501, by=mark)


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_many_who_add_at_once_never_pass_the_cap_and_leave_no_file(item, mark, media, settings):
    settings.MAX_PHOTOS = 3
    refused = []

    def add(number):
        try:
            photos.add(item, photo_file(number), by=mark)
        except TooManyPhotos as full:
            refused.append(full)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), Photo.objects.count(), len(media())) == (5, 3, 3)
    assert WorkItem.objects.get().photo_count == 3
    assert all(default_storage.exists(photo.original.name) for photo in Photo.objects.all())
