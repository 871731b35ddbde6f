"""Files without rows, rows without files, and photos removed long ago."""

import os
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from perf import clock
from tests.workitems.photo_files import photo_file
from tests.workitems.test_processing import files, walk
from workitems import checks, janitor, photos, processing
from workitems.models import Document, Photo

HEX = "ab" + "0" * 30
OLD = clock.now() - timedelta(days=2)


def lay(name, *, at=OLD):
    default_storage.save(name, ContentFile(b"left over"))
    os.utime(default_storage.path(name), (at.timestamp(), at.timestamp()))
    return name


@pytest.fixture
def ready(item, mark):
    """A photo with its renditions, all files two days old."""
    photo = photos.add(item, photo_file(), by=mark)
    processing.process(1)
    photo.refresh_from_db()
    for name in files():
        os.utime(default_storage.path(name), (OLD.timestamp(), OLD.timestamp()))
    return photo


def sweep():
    return sum(janitor.remove_orphans(shard) for shard in range(janitor.SHARDS))


@pytest.mark.both_dbs
@pytest.mark.req("B48")
def test_only_old_files_of_ours_that_no_row_speaks_of_go(ready):
    kept = files() | {
        lay(f"originals/ab/{HEX}.png", at=clock.now()),  # its row may not be committed yet
        lay("originals/ab/somebody-elses.jpg"),
        lay("renditions/ab/shared.jpg"),
    }
    lay(f"originals/ab/{HEX}.jpg")
    lay(f"renditions/ab/{ready.pk}-{HEX}.jpg")  # made by a worker that was too late
    lay(f"renditions/ab/{ready.pk + 1}-{HEX}_thumb.jpg")
    assert sweep() == 3
    assert files() == kept


@pytest.mark.both_dbs
def test_a_word_file_that_no_row_speaks_of_goes(item):
    """Its maker was killed before the row, or whoever erased a person after it."""
    kept = {
        lay(f"documents/{item.pk}-3.docx"),
        lay(f"documents/{item.pk}-4.docx", at=clock.now()),  # its row may not be committed yet
        lay("documents/somebody-elses.docx"),
    }
    Document.objects.create(work_item=item, version=3, file=f"documents/{item.pk}-3.docx")
    lay(f"documents/{item.pk}-3_a1B2c3D.docx")
    lay(f"documents/{item.pk + 1}-3.docx")
    assert sweep() == 2
    assert set(walk("documents")) == kept


@pytest.mark.both_dbs
@pytest.mark.req("B49")
def test_a_deleted_photos_files_go_with_its_row(ready, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ready.delete()
    assert files() == set()


def test_a_file_that_another_row_speaks_of_stays(ready, django_capture_on_commit_callbacks):
    before, pk = files(), ready.pk
    ready.pk = None
    ready.save()
    with django_capture_on_commit_callbacks(execute=True):
        ready.delete()
    assert files() == before
    assert Photo.objects.get().pk == pk


def test_lost_renditions_are_made_anew(ready):
    default_storage.delete(ready.thumbnail_path)
    assert janitor.mend(ready.pk, ready.pk) == 1
    processing.process(1)
    ready.refresh_from_db()
    assert default_storage.exists(ready.thumbnail_path)
    assert janitor.mend(ready.pk, ready.pk) == 0


def test_a_lost_original_keeps_its_renditions_and_is_told_of(ready, caplog):
    default_storage.delete(ready.original.name)
    default_storage.delete(ready.thumbnail_path)
    assert janitor.mend(ready.pk, ready.pk) == 0
    ready.refresh_from_db()
    assert ready.state == Photo.State.READY
    assert default_storage.exists(ready.rendition.name)
    assert f"the original of photo {ready.pk} is missing" in caplog.text


@pytest.mark.both_dbs
def test_removed_photos_are_kept_for_a_month(ready, mark, events, django_capture_on_commit_callbacks):
    photos.remove(ready, by=mark)
    with clock.shifted(janitor.KEPT - timedelta(hours=1)):
        assert janitor.clear_removed() == 0
    with clock.shifted(janitor.KEPT + timedelta(hours=1)), django_capture_on_commit_callbacks(execute=True):
        assert janitor.clear_removed() == 1
    assert not Photo.objects.exists()
    assert files() == set()
    assert events[-1][1:3] == ("workitems.photo_clear", ready.work_item.number)


@pytest.mark.parametrize("step", [timedelta(days=60), -timedelta(days=60)])
def test_a_wrong_clock_of_ours_removes_nothing_too_early(ready, mark, monkeypatch, step):
    photos.remove(ready, by=mark)
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + step)
    lay(f"originals/ab/{HEX}.png", at=min(real(), clock.now()))  # as this machine's clock or a right one dates it
    assert (sweep(), janitor.clear_removed()) == (0, 0)


def test_a_days_rounds_see_every_folder_and_a_months_every_row(ready, monkeypatch):
    folders, rows = set(), []
    monkeypatch.setattr(janitor, "remove_orphans", folders.add)
    monkeypatch.setattr(janitor, "mend", lambda first, last: rows.append((first, last)))
    monkeypatch.setattr(Photo.objects.__class__, "aggregate", lambda *_, **__: {"last": 10_000})
    for number in range(janitor.ROUNDS_A_DAY):
        with clock.shifted(timedelta(minutes=10 * number)):
            janitor.tidy()
    assert folders == set(range(janitor.SHARDS))
    spans = [(first, last) for first, last in rows if first <= last]
    assert sum(last - first + 1 for first, last in spans) == pytest.approx(10_000 / janitor.ROWS_EVERY, rel=0.05)


# --- The command ----------------------------------------------------------------------------------


def rebuilt(*arguments):
    out = StringIO()
    call_command("rebuild_renditions", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.req("B51")
def test_the_command_makes_what_is_missing(ready, events):
    whole = ready.rendition.name
    assert "0 photos to make anew" in rebuilt("--missing")
    Photo.objects.update(thumbnail_path="")
    assert "1 photos to make anew" in rebuilt("--missing")
    ready.refresh_from_db()
    assert default_storage.exists(ready.thumbnail_path)
    assert ready.rendition.name != whole
    assert events[-1][1] == "workitems.rebuild_renditions"


def test_the_command_takes_an_item_or_leaves_it_to_the_workers(ready):
    with pytest.raises(CommandError, match="There is no photo of NOBODY"):
        rebuilt("--item", "NOBODY")
    assert "1 photos to make anew" in rebuilt("--item", ready.work_item.number, "--later")
    assert Photo.objects.waiting().count() == 1


def test_the_command_tries_refused_photos_again(ready):
    Photo.objects.update(state=Photo.State.REFUSED, fault="This server cannot read HEIC.")
    rebuilt("--refused")
    ready.refresh_from_db()
    assert (ready.state, ready.fault) == (Photo.State.READY, "")


# --- Checks at start ------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "said"), [("tmpfs", "in memory"), ("overlay", "own layer"), ("ext4", None)])
def test_a_fleeting_media_folder_is_warned_of(settings, tmp_path, monkeypatch, kind, said):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nx {tmp_path} {kind} rw 0 0\n")
    monkeypatch.setattr(checks, "MOUNTS", mounts)
    settings.TESTING, settings.DEMO, settings.MEDIA_ROOT = False, False, tmp_path / "media"
    found = checks.check_media_lasts(None)
    assert ([message.id for message in found] == ["workitems.W002"]) is bool(said)
    assert said is None or said in found[0].msg


def test_photos_whose_volume_is_not_mounted_are_warned_of(ready):
    assert checks.check_media_is_there(None, databases=["default"]) == []
    Path(default_storage.path(ready.original.name)).unlink()
    (found,) = checks.check_media_is_there(None, databases=["default"])
    assert found.id == "workitems.W003"
    assert checks.check_media_is_there(None) == []
