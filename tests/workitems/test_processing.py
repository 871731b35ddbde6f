"""From a stored photo to what is shown of it: claims, leases, refusals, and what a fault leaves behind."""

import hashlib
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image

from perf import clock
from tests.workitems.photo_files import picture
from workitems import erasing, images, processing, tasks
from workitems.cache import ITEM, WORKITEMS
from workitems.images import DecoderDied
from workitems.models import Photo

State = Photo.State


@pytest.fixture
def photo_of(item):
    """Stores bytes as a received photo: photo_of(data, **fields)."""

    def store(data=None, **fields):
        data = picture(900, 700) if data is None else data
        photo = Photo(work_item=item, sha256=hashlib.sha256(data).hexdigest(), size=len(data), **fields)
        photo.original.save("original.jpg", ContentFile(data), save=True)
        return photo

    return store


def files():
    return {name for folder in ("originals", "renditions") for name in walk(folder)}


def walk(folder):
    if not default_storage.exists(folder):
        return
    folders, names = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in names)
    for name in folders:
        yield from walk(f"{folder}/{name}")


@pytest.mark.both_dbs
@pytest.mark.req("B48", "B49", "B51")
def test_a_received_photo_becomes_ready(photo_of, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 12:33:07"
    exif.get_ifd(0x8825).update({1: "N", 2: (54.0, 19.0, 12.0), 3: "W", 4: (10.0, 8.0, 24.0)})
    held = io.BytesIO()
    Image.new("RGB", (900, 700), "teal").save(held, "JPEG", exif=exif)
    photo = photo_of(held.getvalue())
    assert processing.process(5) == 1
    photo.refresh_from_db()
    assert (photo.state, photo.width, photo.height, photo.leased_until) == (State.READY, 576, 448, None)
    assert photo.thumbnail_path == photo.rendition.name.replace(".jpg", "_thumb.jpg")
    with default_storage.open(photo.thumbnail_path) as thumbnail:
        assert Image.open(thumbnail).size == photo.thumbnail_size == (300, 233)
    assert photo.taken_at == datetime(2026, 5, 1, 10, 33, 7, tzinfo=UTC)
    assert (photo.latitude, photo.longitude) == (54.32, -10.14)
    assert photo.placeholder.startswith("data:image/webp;base64,")
    with photo.original.open("rb") as original:
        assert hashlib.sha256(original.read()).hexdigest() == photo.sha256  # untouched


@pytest.mark.req("B48")
def test_a_refused_photo_keeps_its_original_and_says_why(photo_of, events, caplog):
    photo = photo_of(b"%PDF-1.7 and so on")
    before = files()
    assert processing.process(5) == 1
    photo.refresh_from_db()
    assert (photo.state, photo.rendition.name, photo.thumbnail_path) == (State.REFUSED, "", "")
    assert photo.fault == "This is not a picture we can read (PDF). Send a JPEG, PNG, WebP or HEIC."
    assert files() == before
    assert f"photo {photo.pk} is refused" in caplog.text
    assert [(who, act) for who, act, *_ in events][-1] == (None, "workitems.photo_refused")
    assert processing.process(5) == 0


def test_a_missing_original_is_refused_with_what_to_do(photo_of):
    photo = photo_of()
    default_storage.delete(photo.original.name)
    processing.process(5)
    photo.refresh_from_db()
    assert (photo.state, photo.fault) == (State.REFUSED, processing.GONE)


@pytest.mark.both_dbs
def test_the_oldest_comes_first_and_each_is_claimed_once(photo_of):
    young, old = photo_of(), photo_of(created_at=clock.now() - timedelta(hours=1))
    assert [processing.claim().pk, processing.claim().pk, processing.claim()] == [old.pk, young.pk, None]


@pytest.mark.both_dbs
def test_a_killed_workers_photo_comes_back_after_its_lease(photo_of):
    photo = photo_of()
    first = processing.claim()
    assert processing.claim() is None
    with clock.shifted(processing.LEASE + timedelta(seconds=1)):
        assert processing.process(1) == 1
        photo.refresh_from_db()
        assert photo.state == State.READY
        shown = files()
        processing._store(first, images.render(Path(photo.original.path)))  # the first one wakes up
        assert files() == shown
        photo.refresh_from_db()
        assert photo.rendition.name in shown


def test_what_an_old_original_told_does_not_come_back_after_an_erasure(photo_of, mark):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (54.0, 19.0, 12.0), 3: "W", 4: (10.0, 8.0, 24.0)})
    held = io.BytesIO()
    Image.new("RGB", (90, 70), "teal").save(held, "JPEG", exif=exif)
    photo_of(held.getvalue())
    first = processing.claim()
    made = images.render(Path(first.original.path))
    assert erasing.clean_photos(mark) == 1
    assert processing.claim().tries == first.tries
    processing._store(first, made)
    assert Photo.objects.get().latitude is None


def test_a_photo_that_kills_its_workers_is_refused(photo_of):
    photo = photo_of()
    Photo.objects.update(state=State.PROCESSING, tries=processing.TRIES_MAX, leased_until=clock.now())
    assert processing.process(5) == 0
    photo.refresh_from_db()
    assert (photo.state, photo.fault) == (State.REFUSED, processing.KILLING)


def test_a_dead_decoder_is_tried_again_later_and_not_for_ever(photo_of, monkeypatch):
    def die(path):
        raise DecoderDied("the decoder ended with -9")

    monkeypatch.setattr(images, "render", die)
    photo, tries = photo_of(), []
    with clock.shifted(timedelta(0)):
        for _ in range(processing.TRIES_MAX):
            assert processing.process(1) == 1
            photo.refresh_from_db()
            tries.append((photo.state, photo.tries))
            assert processing.process(1) == 0  # not at once
            Photo.objects.update(leased_until=None)
    assert tries == [*((State.RECEIVED, n) for n in range(1, processing.TRIES_MAX)), (State.REFUSED, 5)]
    assert photo.fault == processing.KILLING


@pytest.mark.req("B48")
def test_a_full_disk_leaves_neither_half_a_photo_nor_a_refusal(photo_of, monkeypatch):
    photo = photo_of()
    before, save = files(), FileSystemStorage._save

    def full(storage, name, content):
        if name.endswith("_thumb.jpg"):
            raise OSError(28, "No space left on device")
        return save(storage, name, content)

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    assert processing.process(1) == 1
    photo.refresh_from_db()
    assert (photo.state, photo.rendition.name, files()) == (State.RECEIVED, "", before)
    assert photo.leased_until > clock.now()


@pytest.mark.req("B50")
def test_without_a_thumbnail_the_picture_stands_in(photo_of, monkeypatch):
    render = images.render
    monkeypatch.setattr(images, "render", lambda path: replace(render(path), thumbnail=b""))
    photo = photo_of()
    processing.process(1)
    photo.refresh_from_db()
    assert (photo.state, photo.thumbnail_path) == (State.READY, "")
    assert default_storage.exists(photo.rendition.name)


def test_made_anew_the_old_files_go_and_the_new_ones_are_shown(photo_of):
    photo = photo_of()
    processing.process(1)
    before = files()
    assert processing.rebuild(Photo.objects.all()) == 1
    assert files() == before
    processing.process(1)
    photo.refresh_from_db()
    assert len(files()) == len(before) == 3
    assert len(files() & before) == 1  # the original
    assert photo.rendition.name in files()


def test_made_anew_a_shared_file_stays(photo_of):
    photo = photo_of()
    for name in ("seeded/0.jpg", "seeded/0_thumb.jpg"):
        default_storage.save(name, ContentFile(b"shared"))
    shared = {"rendition": "seeded/0.jpg", "thumbnail_path": "seeded/0_thumb.jpg"}
    Photo.objects.filter(pk=photo.pk).update(**shared)
    processing.process(1)
    photo.refresh_from_db()
    assert photo.rendition.name.startswith("renditions/")
    assert set(walk("seeded")) == set(shared.values())


def test_every_state_makes_the_items_answers_stale(photo_of, monkeypatch):
    told = []
    monkeypatch.setattr(processing, "forget", lambda *families: told.append(families))
    photo = photo_of()
    processing.process(1)
    assert told == [(WORKITEMS, ITEM.of(str(photo.work_item_id)))] * 2  # claimed, and ready


@pytest.mark.parametrize("said", ["", "2026-13-01T00:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59"])
def test_a_cameras_nonsense_is_no_date(said):
    assert processing._instant(said) is None


def test_a_turn_asks_for_the_next_while_photos_wait(photo_of, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "PHOTOS_A_TURN", 2)
    monkeypatch.setattr(tasks.process_photos, "apply_async", lambda **to: sent.append(1))
    for _ in range(3):
        photo_of(picture())
    tasks.process_photos()
    assert len(sent) == 1
    tasks.process_photos()
    assert len(sent) == 1
    assert not Photo.objects.waiting().exists()
