"""The photos in a form without a script: one request stores every good one and names each other."""

from __future__ import annotations

import hashlib
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.workitems.photo_files import NO_PICTURE, photo_file, picture
from workitems import crew_views, photos, sending
from workitems.models import Photo, WorkItem
from workitems.workflow import Status, move

pytestmark = pytest.mark.django_db

TEXT = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal", "key": "abc"}


@pytest.fixture
def crew(client, mark):
    """Mark's browser."""
    client.force_login(mark)
    return client


def sent(shade, name="IMG.jpg"):
    return SimpleUploadedFile(name, picture(shade=shade), "image/jpeg")


def told(response):
    return [str(message) for message in response.context["messages"]]


def captions():
    return [*Photo.objects.present().in_order().values_list("caption", flat=True)]


@pytest.fixture
def swift(monkeypatch, dana):
    """A reviewer who begins as soon as an item is there, while its form is still at work."""

    def send_and_begin(*args, **options):
        item = sending.send(*args, **options)
        if item.status == Status.SUBMITTED:
            move(WorkItem.objects.get(pk=item.pk), Status.IN_REVIEW, by=dana, version=item.version)
        return WorkItem.objects.get(pk=item.pk)

    monkeypatch.setattr(crew_views, "send", send_and_begin)


@pytest.fixture
def three(item, mark):
    """The photos A, B and C of the item."""
    return [
        photos.add(item, photo_file(shade), by=mark, caption=caption)
        for shade, caption in ((1, "A"), (2, "B"), (3, "C"))
    ]


def edited(crew, item, **given):
    words = {"description": item.description, "detail": item.detail, "version": item.version}
    return crew.post(f"/workitems/{item.number}/edit/", words | given, follow=True)


def fields_of_photos(page):
    """What a browser sends of the stored photos of a form in which nothing is changed."""
    hidden = dict(re.findall(r'name="((?:caption-of|caption-was|place-was)-\d+)" value="(.*?)"', page.text))
    photos = page.context["photos"]
    return hidden | {f"place-{photo.pk}": str(place) for place, photo in enumerate(photos, 1)}


@pytest.mark.both_dbs
def test_one_request_stores_the_item_and_every_good_photo_and_names_the_others(crew):
    files = {"photo-1": sent(1), "photo-2": SimpleUploadedFile("report.jpg", NO_PICTURE), "photo-4": sent(2)}
    answer = crew.post("/workitems/new/", TEXT | files | {"caption-1": "Valve", "caption-4": "Tag"}, follow=True)
    item = WorkItem.objects.get()
    assert (captions(), item.photo_count) == (["Valve", "Tag"], 2)
    assert answer.redirect_chain == [(f"/workitems/{item.number}/edit/", 302)]
    stored, refused = told(answer)
    assert stored == "DRAFT_0020 is stored."
    assert refused.startswith("Photo 2 (report.jpg) was not stored. This is not a picture")
    assert refused.endswith("The other 2 are stored. Add another one below.")


def test_several_photos_in_one_field_are_all_stored(crew):
    crew.post("/workitems/new/", TEXT | {"photo-1": [sent(1), sent(2), sent(3)]})
    assert WorkItem.objects.get().photo_count == 3


def test_the_receipt_gives_the_hash_of_each_photo(crew):
    answer = crew.post("/workitems/new/", TEXT | {"photo-1": sent(1), "photo-2": sent(2)}, follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain[-1][0].endswith("/receipt/")
    assert [hashlib.sha256(picture(shade=shade)).hexdigest() in page for shade in (1, 2)] == [True, True]


def test_a_form_with_photos_sent_twice_stores_each_once(crew):
    for _ in range(2):
        crew.post("/workitems/new/", TEXT | {"photo-1": sent(1, "a.jpg"), "photo-2": sent(2, "b.jpg")})
    assert (WorkItem.objects.count(), Photo.objects.count()) == (1, 2)


def test_photos_added_to_an_item_by_a_form_that_is_sent_twice_are_stored_once(crew, item):
    form = crew.get(f"/workitems/{item.number}/edit/").context["form"]
    for _ in range(2):  # a second tap, or a retry after the answer was lost
        edited(crew, item, key=form["key"].value() or "", **{"photo-1": sent(1)})
    assert Photo.objects.count() == 1


def test_more_photos_than_an_item_may_have_are_named_and_the_others_stay(crew, item, three, settings):
    settings.MAX_PHOTOS = 4
    answer = edited(crew, item, **{"photo-1": sent(4), "photo-2": sent(5), "caption-1": "D"})
    assert captions() == ["A", "B", "C", "D"]
    assert "An item has at most 4 photos" in told(answer)[1]


def test_captions_order_and_removals_are_stored_with_the_words(crew, item, three):
    a, b, c = (photo.pk for photo in three)
    edited(crew, item, **{f"caption-of-{a}": "A2", f"place-{a}": "3", f"place-{b}": "2", f"place-{c}": "3"})
    assert captions() == ["B", "C", "A2"]
    edited(crew, item, **{f"remove-{b}": "on", f"place-{a}": "1"})
    assert captions() == ["A2", "C"]
    three[1].refresh_from_db()
    assert three[1].deleted_at is not None


def test_a_form_writes_no_caption_over_one_that_came_meanwhile(crew, item, three, dana):
    seen = fields_of_photos(crew.get(f"/workitems/{item.number}/edit/"))
    photos.set_caption(three[0], "Tag plate", by=dana)
    edited(crew, item, **seen | {"detail": "New", f"caption-of-{three[1].pk}": "B2"})
    assert captions() == ["Tag plate", "B2", "C"]


def test_a_form_leaves_the_order_that_came_meanwhile(crew, item, three, dana):
    seen = fields_of_photos(crew.get(f"/workitems/{item.number}/edit/"))
    photos.move(three[2], 1, by=dana)
    edited(crew, item, **seen | {"detail": "New"})
    assert captions() == ["C", "A", "B"]


def test_a_retake_keeps_the_caption_that_came_meanwhile(crew, item, three, dana):
    seen = fields_of_photos(crew.get(f"/workitems/{item.number}/edit/"))
    photos.set_caption(three[0], "Tag plate", by=dana)
    edited(crew, item, **seen | {f"retake-{three[0].pk}": sent(9)})
    assert captions() == ["Tag plate", "B", "C"]


def test_a_retake_takes_the_place_and_the_caption_of_what_it_replaces(crew, item, three, dana):
    Photo.objects.filter(pk=three[1].pk).update(verdict=Photo.Verdict.RETAKE, verdict_reason="Blurred")
    page = crew.get(f"/workitems/{item.number}/edit/").content.decode()
    assert "Retake: Blurred" in page
    assert page.count('name="retake-') == 1
    edited(crew, item, **{f"retake-{three[1].pk}": sent(9)})
    assert captions() == ["A", "B", "C"]
    assert Photo.objects.present().in_order()[1].replaces == three[1]


def test_an_item_with_a_refused_photo_is_stored_but_not_sent_again(crew, item, dana):
    move(item, Status.IN_REVIEW, by=dana, version=1)
    move(item, Status.AWAITING_PHOTOS, by=dana, version=2, reason="The tag plate, please")
    edited(crew, item, **{"again": "1", "detail": "New", "photo-1": SimpleUploadedFile("a.jpg", NO_PICTURE)})
    item.refresh_from_db()
    assert (item.status, item.detail, item.revision_notes) == ("awaiting_photos", "New", "The tag plate, please")
    edited(crew, item, **{"again": "1", "detail": "New", "photo-1": sent(1)})
    item.refresh_from_db()
    assert (item.status, item.photo_count) == ("submitted", 1)


def test_photos_are_kept_though_the_words_came_second(crew, item, dana):
    answer = edited(crew, item, **{"detail": "Mine", "version": 0 + item.version, "photo-1": sent(1)})
    assert answer.status_code == 200
    answer = edited(crew, item, **{"detail": "Other", "version": 1, "photo-1": sent(2)})
    assert (answer.status_code, Photo.objects.count()) == (409, 2)


def test_a_form_that_comes_back_keeps_captions_and_says_that_photos_are_to_be_chosen_again(crew):
    words = {name: value for name, value in TEXT.items() if name != "detail"} | {"caption-2": "Tag plate"}
    page = crew.post("/workitems/new/", words | {"photo-2": sent(1)})
    assert page.status_code == 422
    assert "Choose your photos again" in page.content.decode()
    assert 'name="caption-2" value="Tag plate"' in page.content.decode()
    assert "Choose your photos again" not in crew.post("/workitems/new/", words).content.decode()


def test_photos_are_stored_though_the_words_are_to_be_mended(crew, item, three):
    given = {
        "detail": "",
        "photo-1": sent(9),
        "photo-2": SimpleUploadedFile("letter.jpg", NO_PICTURE),
        "caption-1": "D",
    }
    page = edited(crew, item, **given | {f"caption-of-{three[0].pk}": "Tag plate"})
    assert (page.status_code, captions()) == (422, ["Tag plate", "B", "C", "D"])
    text = page.content.decode()
    assert "1 photo is stored already." in text
    assert "(letter.jpg) was not stored" in text
    assert "Choose your photos again" not in text
    assert 'value="D"' in text  # beside the stored photo, and in no new place
    assert 'name="caption-1" value=""' in text


@pytest.mark.parametrize("place", ["0", "99", "-1", "x", "²"])
def test_a_place_that_is_none_loses_no_photo(crew, item, three, place):
    edited(crew, item, **{f"place-{three[1].pk}": place})
    assert sorted(captions()) == ["A", "B", "C"]


@pytest.mark.both_dbs
@pytest.mark.usefixtures("swift")
@pytest.mark.parametrize("key", ["abc", ""])
def test_photos_of_a_form_are_stored_where_its_review_begins_meanwhile(crew, key):
    files = {"photo-1": sent(1), "photo-2": SimpleUploadedFile("report.jpg", NO_PICTURE)}
    crew.post("/workitems/new/", TEXT | files | {"key": key, "caption-1": "Valve"})
    item = WorkItem.objects.get()
    assert (item.status, captions(), item.photo_count, item.photos_due) == (Status.IN_REVIEW, ["Valve"], 1, 0)


@pytest.mark.both_dbs
def test_a_form_that_broke_off_behind_its_words_is_waited_for_and_may_come_again_in_review(crew, dana, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(crew_views, "attach_promised", lambda *_, **__: 1 / 0)
        crew.raise_request_exception = False
        assert crew.post("/workitems/new/", TEXT | {"photo-1": sent(1)}).status_code == 500
    item = WorkItem.objects.get()
    assert (item.photo_count, item.photos_due) == (0, 1)
    move(item, Status.IN_REVIEW, by=dana, version=item.version)
    answers = [crew.post("/workitems/new/", TEXT | {"photo-1": sent(1)}) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {f"/workitems/{item.number}/receipt/"}
    item.refresh_from_db()
    assert (item.photo_count, item.photos_due) == (1, 0)
    late = crew.post("/workitems/new/", TEXT | {"photo-1": sent(2)}, follow=True)
    item.refresh_from_db()
    assert (late.status_code, item.photo_count, item.photos_due) == (200, 1, 0)  # nobody promised that one
    assert told(late)[-1] == f"Photo 1 (IMG.jpg) was not stored. You may not change the photos of {item.number} now."
