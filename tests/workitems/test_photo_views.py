"""Photos in pages: served only to who may see them, and sent by plain forms that keep what was good."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from perf.cache import clear
from tests.workitems.photo_files import NO_PICTURE, photo_file, picture
from workitems import photos
from workitems.models import Photo, Upload, WorkItem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    """A storage of the test's own; answers with its files."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path for path in tmp_path.rglob("*") if path.is_file())


@pytest.fixture
def crew(mark):
    """Mark, signed in."""
    client = Client()
    client.force_login(mark)
    return client


@pytest.fixture
def photo(item, mark):
    """A photo of Mark's item, with a picture and no thumbnail yet."""
    added = photos.add(item, photo_file(name="tag <plate>.jpg"), by=mark)
    added.rendition.name = default_storage.save("renditions/a.jpg", ContentFile(picture(shade=9)))
    added.save()
    return added


def form_of(item, **more):
    return {"description": item.description, "detail": item.detail, "version": 1} | more


def upload(content=None, name="IMG.jpg", shade=120):
    return SimpleUploadedFile(name, picture(shade=shade) if content is None else content, "image/jpeg")


def said(response):
    return " ".join(str(message) for message in response.wsgi_request._messages)


def test_a_photo_is_served_fenced_in_and_kept_by_this_browser_alone(photo, crew):
    shown = crew.get(f"/workitems/photos/{photo.pk}/picture/")
    assert b"".join(shown.streaming_content) == picture(shade=9)
    assert shown["Content-Type"] == "image/jpeg"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert shown["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert shown["Cache-Control"].startswith("private")
    assert "Cookie" in shown["Vary"]
    assert shown["Content-Disposition"].startswith("inline")
    again = crew.get(f"/workitems/photos/{photo.pk}/picture/", headers={"If-None-Match": shown["ETag"]})
    assert (again.status_code, again["X-Content-Type-Options"]) == (304, "nosniff")
    thumb = crew.get(f"/workitems/photos/{photo.pk}/thumb/")
    assert b"".join(thumb.streaming_content) == picture(shade=9)


@pytest.mark.req("B52")
def test_the_list_shows_thumbnails_lazily_with_their_captions(photo, crew):
    def image():
        clear()
        return re.search(r"<img[^>]*/photos/[^>]*>", crew.get("/workitems/").content.decode())[0]

    Photo.objects.update(caption="Tag <plate>")
    address = f"/workitems/photos/{photo.pk}"
    assert f'src="{address}/picture/"' in image()
    Photo.objects.update(thumbnail_path=photo.rendition.name)
    shown = image()
    assert all(part in shown for part in (f'src="{address}/thumb/"', 'loading="lazy"', 'alt="Tag &lt;plate&gt;"'))
    assert [client.get(f"{address}/thumb/").status_code for client in (crew, Client())] == [200, 302]


def test_an_original_is_a_download_of_what_was_sent_under_its_own_name(photo, crew):
    original = crew.get(f"/workitems/photos/{photo.pk}/original/")
    assert b"".join(original.streaming_content) == picture()
    assert original["Content-Disposition"] == 'attachment; filename="tag <plate>.jpg"'


def test_an_original_with_its_position_is_for_reviewers_and_whoever_uploaded_it(photo, crew, mark, art, dana):
    address = f"/workitems/photos/{photo.pk}/original/"
    seen = {}
    for user in (mark, art, dana):
        crew.force_login(user)
        page = crew.get(f"/workitems/{photo.work_item.number}/").content.decode()
        told = crew.get(f"/api/workitems/{photo.work_item.number}").json()["photos"][0]
        assert crew.get(f"/workitems/photos/{photo.pk}/picture/").status_code == 200
        seen[user.username] = (crew.get(address).status_code, told["original"], address in page)
    assert seen == {"mark": (200, address, True), "art": (403, "", False), "dana": (200, address, True)}


def test_nobody_sees_a_photo_that_is_not_theirs_to_see(photo, crew, dana, boss):
    address = f"/workitems/photos/{photo.pk}/picture/"
    assert Client().get(address).status_code == 302
    photos.remove(photo, by=dana)
    assert crew.get(address).status_code == 404
    crew.force_login(dana)
    assert crew.get(address).status_code == 200
    WorkItem.objects.all().move_to_bin(boss)
    assert crew.get(address).status_code == 404


def test_what_is_not_made_yet_or_lost_is_not_found(photo, crew):
    default_storage.delete(photo.rendition.name)
    assert crew.get(f"/workitems/photos/{photo.pk}/picture/").status_code == 404
    Photo.objects.update(rendition="")
    assert crew.get(f"/workitems/photos/{photo.pk}/thumb/").status_code == 404
    assert crew.get(f"/workitems/photos/{photo.pk}/anything/").status_code == 404


def test_a_form_without_scripts_keeps_the_good_photos_and_names_each_refused(item, crew, media, settings):
    settings.MAX_PHOTO_BYTES = 20_000
    form = {
        "photo-1": upload(name="pump.jpg"),
        "caption-1": "Pump",
        "photo-2": upload(NO_PICTURE, "letter.pdf.jpg"),
        "photo-3": upload(b"x" * 90_000, "huge.jpg"),
        "photo-4": upload(shade=1),
        "key": "form1",
    }
    told = said(crew.post(f"/workitems/{item.number}/edit/", form_of(item, **form)))
    assert "Photo 2 (letter.pdf.jpg) was not stored." in told
    assert "“huge.jpg” is larger than 19.5\xa0KB and was not stored." in told
    assert (Photo.objects.get(caption="Pump").original_name, len(media())) == ("pump.jpg", 2)
    again = form_of(item, **{"photo-1": upload(name="pump.jpg"), "key": "form1"})
    assert crew.post(f"/workitems/{item.number}/edit/", again).status_code == 302
    assert Photo.objects.count() == 2


def test_a_form_above_the_limit_is_refused_before_it_is_read(item, crew, media, settings):
    settings.MAX_REQUEST_BYTES = 500
    form = form_of(item, **{"photo-1": upload()})
    assert crew.post(f"/workitems/{item.number}/edit/", form).status_code == 413
    assert (Photo.objects.count(), media()) == (0, [])


def test_a_removed_photo_is_put_back_by_a_plain_form(photo, crew, item, mark):
    photos.remove(photo, by=mark)
    assert crew.post(f"/workitems/photos/{photo.pk}/restore/").headers["Location"] == f"/workitems/{item.number}/"
    photo.refresh_from_db()
    assert photo.deleted_at is None


def test_a_photo_that_has_no_room_is_not_put_back_and_it_is_said(photo, crew, settings):
    settings.MAX_PHOTOS = 1
    removed = Photo.objects.create(work_item=photo.work_item, sha256="", size=1, deleted_at=photo.created_at)
    told = said(crew.post(f"/workitems/photos/{removed.pk}/restore/"))
    assert "Nothing was changed." in told
    removed.refresh_from_db()
    assert removed.deleted_at is not None


def test_a_caption_that_is_too_long_is_a_wrong_value_to_the_api_however_it_is_sent(photo, crew, item):
    changed = crew.patch(f"/api/workitems/photos/{photo.pk}", {"caption": "x" * 501}, content_type="application/json")
    added = crew.post(f"/api/workitems/{item.number}/photos", {"file": upload(shade=3), "caption": "x" * 501})
    assert [(each.status_code, each.json()["error"][:9]) for each in (changed, added)] == [(400, "caption: ")] * 2


def test_others_put_no_photo_back(photo, crew, mark, art):
    photos.remove(photo, by=mark)
    crew.force_login(art)
    assert crew.post(f"/workitems/photos/{photo.pk}/restore/").status_code == 403


def test_a_reviewer_stops_waiting_for_a_promised_photo(item, crew, dana, art):
    due = Upload.objects.create(work_item=item, key="k", size=9, sha256="0" * 64)
    crew.force_login(art)
    assert crew.post(f"/workitems/uploads/{due.pk}/give-up/").status_code == 404
    crew.force_login(dana)
    crew.post(f"/workitems/uploads/{due.pk}/give-up/")
    due.refresh_from_db()
    assert (due.state, due.fault) == ("given_up", "Dana stopped waiting for it.")
