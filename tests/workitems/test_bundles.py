"""Word files that are kept, and zips of many: whole or not there, and what is missing is named."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import docx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from django.test import Client

from perf import clock
from project.models import AuditEntry
from tests.workitems.conftest import draft
from tests.workitems.test_documents import jpeg
from tests.workitems.test_item_page import browser
from workitems import bundles, keeping
from workitems.models import Bundle, Document, Photo, WorkItem
from workitems.models.files import KEEP_HOURS, LEASE, TRIES_MAX
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def reviewing(dana, client):
    client.force_login(dana)
    return client


def photographed(number: str, by, *, state: str = "ready", content: bytes | None = None) -> WorkItem:
    item = submit(draft(number=number), by)
    photo = Photo(work_item=item, caption="Flange", state=state, size=1, sha256="0" * 64)
    if state == "ready":
        photo.rendition.save("picture.jpg", ContentFile(content or jpeg()), save=False)
    photo.save()
    return item


def completed(item: WorkItem, by) -> WorkItem:
    move(item, Status.IN_REVIEW, by=by, version=item.version)
    move(item, Status.COMPLETED_REVIEW, by=by, version=item.version)
    return item


def everything(answer) -> bytes:
    return b"".join(answer.streaming_content)


def test_completion_keeps_the_word_file_with_its_version(mark, dana, boss, reviewing) -> None:
    item = completed(photographed("0101", mark), dana)
    assert keeping.make_due(5) == 1
    assert keeping.make_due(5) == 0
    kept = Document.objects.get()
    assert (kept.version, kept.name) == (item.version, "0101_Valve leaks.docx")
    move(item, Status.SUBMITTED, by=boss, version=item.version, reason="Seen again")
    WorkItem.objects.filter(pk=item.pk).update(description="Valve is new")
    before = reviewing.get(f"/workitems/0101/document/?version={kept.version}")
    now = reviewing.get("/workitems/0101/document/")
    assert "Valve leaks" in [line.text for line in docx.Document(BytesIO(everything(before))).paragraphs]
    assert "Valve is new" in [line.text for line in docx.Document(BytesIO(everything(now))).paragraphs]
    assert now["Content-Disposition"] == 'attachment; filename="0101_Valve is new.docx"'
    assert reviewing.get("/workitems/0101/document/?version=1").status_code == 404


def test_kept_file_waits_for_photos_that_are_being_processed(mark, dana) -> None:
    item = completed(photographed("0101", mark, state="processing"), dana)
    assert keeping.make_due(5) == 0
    item.photos.update(state="refused", fault="A PDF.")
    assert keeping.make_due(5) == 1
    assert Document.objects.get().left_out == [[1, "it was refused (A PDF)"]]


def test_review_that_was_reopened_at_once_keeps_no_file(mark, dana, boss, media: Path) -> None:
    item = completed(photographed("0101", mark), dana)
    move(item, Status.SUBMITTED, by=boss, version=item.version, reason="Seen again")
    assert keeping.make_due(5) == 0
    assert not Document.objects.exists()


def test_a_maker_that_died_is_taken_over_and_a_hard_deletion_takes_the_file(
    mark, dana, media: Path, django_capture_on_commit_callbacks
) -> None:
    item = completed(photographed("0101", mark), dana)
    assert Document.objects.claim(Document.objects.get())
    assert keeping.make_due(5) == 0
    with clock.shifted(LEASE + timedelta(seconds=1)):
        assert keeping.make_due(5) == 1
    assert len(list((media / "documents").iterdir())) == 1
    with django_capture_on_commit_callbacks(execute=True):
        item.delete()
    assert list((media / "documents").iterdir()) == []


def test_while_the_storage_is_away_deleting_for_good_is_done_and_what_follows_is_too(
    mark, dana, monkeypatch, caplog, django_capture_on_commit_callbacks
) -> None:
    item, followed = completed(photographed("0101", mark), dana), []
    keeping.make_due(5)
    monkeypatch.setattr(FileSystemStorage, "delete", full_disk)
    with django_capture_on_commit_callbacks(execute=True):
        item.delete()
        transaction.on_commit(lambda: followed.append("told"))
    assert (followed, "No space left" in caplog.text) == (["told"], True)


def test_a_file_that_could_not_be_kept_is_told_on_the_item_and_tried_again(mark, dana, settings, monkeypatch) -> None:
    item = completed(photographed("0101", mark), dana)
    page, said = "/workitems/0101/", "The Word file of this review could not be kept"
    monkeypatch.setattr(keeping.documents, "write", too_large)
    for turn in range(TRIES_MAX):
        with clock.shifted(turn * (LEASE + timedelta(seconds=1))):
            with pytest.raises(MemoryError):
                keeping.make_due(5)
            assert said not in browser(dana).get(page).text  # it is still being tried
    monkeypatch.undo()
    with clock.shifted(TRIES_MAX * (LEASE + timedelta(seconds=1))):
        assert keeping.make_due(5) == 0
        assert [said in browser(who).get(page).text for who in (dana, mark)] == [True, False]
        assert browser(mark).post(f"{page}document/again/").status_code == 403
        told = browser(dana).post(f"{page}document/again/", {"next": "/workitems/review/"}, follow=True)
        assert (told.redirect_chain[-1][0], "is tried again" in told.text) == ("/workitems/review/", True)
        assert said not in browser(dana).get(page).text
        assert keeping.make_due(5) == 1
    assert Document.objects.get().version == item.version


def test_a_storage_that_is_away_for_an_hour_costs_no_file(mark, dana, media: Path, monkeypatch) -> None:
    completed(photographed("0101", mark), dana)
    monkeypatch.setattr(FileSystemStorage, "save", full_disk)
    for minutes in range(0, 60, 2):
        with clock.shifted(timedelta(minutes=minutes)):
            assert keeping.make_due(5) == 0
    monkeypatch.undo()
    with clock.shifted(timedelta(hours=1)):
        assert keeping.make_due(5) == 1


def too_large(*_: object) -> None:
    raise MemoryError


def full_disk(*_: object) -> None:
    raise OSError("No space left on device")


def test_zip_holds_each_file_and_names_what_is_missing(mark, dana, reviewing) -> None:
    photographed("0101", mark)
    photographed("0102", mark, content=b"no picture")
    gone = photographed("0103", mark)
    assert reviewing.post("/workitems/documents/", {"numbers": "0102\r\n0101, 0103\r\n"}).status_code == 302
    WorkItem.objects.filter(pk=gone.pk).move_to_bin(dana)
    assert bundles.write_next()
    assert not bundles.write_next()
    page = reviewing.get("/workitems/documents/").content.decode()
    assert "2 things are not in it" in page
    answer = reviewing.get(f"/workitems/documents/{Bundle.objects.get().pk}/")
    with zipfile.ZipFile(BytesIO(everything(answer))) as file:
        assert file.testzip() is None
        names = ["0102_Valve leaks.docx", "0101_Valve leaks.docx", bundles.LEFT_OUT]
        assert file.namelist() == names
        missing = file.read(bundles.LEFT_OUT).decode("utf-8-sig").splitlines()
        assert len(docx.Document(BytesIO(file.read(names[1]))).inline_shapes) == 1
    assert missing == [
        "0102: Photo 1 is not in its Word file: its picture cannot be read.",
        "0103: The item is gone: it was deleted or renumbered meanwhile.",
    ]
    assert all(line.partition(": ")[2].rstrip(".").split(": ")[-1] in page for line in missing)
    assert AuditEntry.objects.filter(action="workitems.bundle", actor=dana).exists()


def test_what_a_list_shows_or_the_queue_has_ticked_is_bundled(mark, dana, reviewing) -> None:
    first, second = photographed("0101", mark), completed(photographed("0102", mark), dana)
    page = reviewing.get("/workitems/documents/?status=completed_review").content.decode()
    assert "0102</textarea>" in page.replace("\r", "").replace("\n", "")
    assert "0101</textarea>" not in page
    ticked = [f"{item.pk}-{item.version}" for item in (first, second)]
    assert reviewing.post("/workitems/documents/", {"item": ticked}).status_code == 302
    assert Bundle.objects.get().numbers == ["0101", "0102"]
    assert reviewing.post("/workitems/documents/", {"item": "nothing"}).status_code == 400


def test_download_goes_on_where_it_was_cut(mark, dana, reviewing) -> None:
    photographed("0101", mark)
    bundle = bundles.ask(["0101"], dana)
    assert reviewing.get(f"/workitems/documents/{bundle.pk}/").status_code == 404
    bundles.write_next()
    address = f"/workitems/documents/{bundle.pk}/"
    whole = reviewing.get(address)
    content = everything(whole)
    rest = reviewing.get(address, headers={"Range": "bytes=1000-", "If-Range": whole["ETag"]})
    assert (rest.status_code, rest["Content-Range"]) == (206, f"bytes 1000-{len(content) - 1}/{len(content)}")
    assert content[:1000] + everything(rest) == content
    assert reviewing.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416


def test_nobody_else_sees_a_bundle(mark, dana, alex, boss, reviewing) -> None:
    photographed("0101", mark)
    bundle = bundles.ask(["0101"], alex)
    bundles.write_next()
    for address in (f"/workitems/documents/{bundle.pk}/", f"/api/documents/{bundle.pk}"):
        assert reviewing.get(address).status_code == 404
    assert reviewing.post(f"/workitems/documents/{bundle.pk}/delete/").status_code == 404
    reviewing.force_login(mark)
    assert reviewing.get("/workitems/0101/document/").status_code == 403


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([], "This field is required"),
        (["0101", "<b>"], "There is no work item &lt;b&gt;"),
        ([f"{number}" for number in range(bundles.MOST + 1)], "at most 500 items"),
    ],
)
def test_what_cannot_be_meant_promises_nothing(numbers, said: str, mark, reviewing) -> None:
    photographed("0101", mark)
    answer = reviewing.post("/workitems/documents/", {"numbers": "\n".join(numbers)})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Bundle.objects.exists()


def test_a_killed_writer_leaves_nothing_and_another_begins_anew(mark, dana, media: Path, monkeypatch) -> None:
    for number in ("0101", "0102"):
        photographed(number, mark)
    bundle, put = bundles.ask(["0101", "0102"], dana), bundles._put

    def die(file, number, owner):
        if number == "0102":
            raise SystemExit
        return put(file, number, owner)

    monkeypatch.setattr(bundles, "_put", die)
    for turn in range(TRIES_MAX):
        with clock.shifted(turn * (LEASE + timedelta(seconds=1))), pytest.raises(SystemExit):
            bundles.write_next()
    assert list((media / "bundles").iterdir()) == []
    bundle.refresh_from_db()
    assert (bundle.state, bundle.done) == ("running", 1)
    monkeypatch.undo()
    with clock.shifted(TRIES_MAX * (LEASE + timedelta(seconds=1))):
        assert not bundles.write_next()
        bundle.refresh_from_db()
        assert (bundle.state, "stopped 5 times" in bundle.error) == ("failed", True)
        again = bundles.ask(["0101", "0102"], dana)
        assert bundles.write_next()
    assert Bundle.objects.get(pk=again.pk).state == "done"


def test_cancelled_while_it_is_written_nothing_is_kept(mark, dana, media: Path, monkeypatch) -> None:
    photographed("0101", mark)
    bundle, put = bundles.ask(["0101"], dana), bundles._put

    def cancel(file, number, owner):
        bundles.take_back(bundle, dana)
        return put(file, number, owner)

    monkeypatch.setattr(bundles, "_put", cancel)
    assert bundles.write_next()
    assert list((media / "bundles").iterdir()) == []


def test_files_are_removed_after_a_day_and_strays_after_an_hour(mark, dana, media: Path) -> None:
    photographed("0101", mark)
    bundle = bundles.ask(["0101"], dana)
    bundles.write_next()
    stray = media / "bundles" / "stray.zip"
    stray.write_bytes(b"")
    assert bundles.expire() == 0
    assert stray.exists()
    with clock.shifted(timedelta(hours=KEEP_HOURS, seconds=1)):
        assert bundles.expire() == 1
    bundle.refresh_from_db()
    assert bundle.state == "expired"
    assert list((media / "bundles").iterdir()) == []


def test_the_api_gives_the_same(mark, dana, reviewing: Client) -> None:
    photographed("0101", mark)
    sent = {"numbers": ["0101"]}
    asked = reviewing.post("/api/documents", json.dumps(sent), content_type="application/json")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    address = f"/api/documents/{asked.json()['id']}"
    assert reviewing.get(f"{address}/file").status_code == 409
    bundles.write_next()
    told = reviewing.get(address).json()
    assert (told["state"], told["percent"], told["left_out"]) == ("done", 100, [])
    file = reviewing.get(told["file"])
    assert zipfile.ZipFile(BytesIO(everything(file))).namelist() == ["0101_Valve leaks.docx"]
    assert everything(reviewing.get("/api/workitems/0101/document"))[:2] == b"PK"
    assert reviewing.delete(address).status_code == 204
    none = reviewing.post("/api/documents", '{"numbers": ["nothing"]}', content_type="application/json")
    assert (none.status_code, none.json()) == (422, {"error": "There is no work item nothing."})


@pytest.mark.parametrize("number", ["a\x00b", "\ud800"])
def test_what_no_database_holds_is_no_number(number, reviewing: Client) -> None:
    asked = reviewing.post("/api/documents", json.dumps({"numbers": [number]}), content_type="application/json")
    assert asked.status_code == 400
    for address in ("/api/workitems/{}", "/api/workitems/{}/document", "/api/workitems/{}/timeline"):
        assert reviewing.get(address.format(quote(number, errors="surrogatepass"))).status_code == 404


def test_the_api_says_what_a_zip_lacks(mark, dana, reviewing: Client) -> None:
    refused = photographed("0101", mark).photos.get()
    Photo.objects.filter(pk=refused.pk).update(state=Photo.State.REFUSED, fault="A PDF.")
    bundle = bundles.ask(["0101"], dana)
    bundles.write_next()
    why = "Photo 1 is not in its Word file: it was refused (A PDF)."
    assert reviewing.get(f"/api/documents/{bundle.pk}").json()["left_out"] == [{"number": "0101", "why": why}]
