"""Photos in an S3: moto's server on loopback, asked over HTTP as a real one is."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from django.apps import apps
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from moto.server import ThreadedMotoServer

from perf import clock
from project.backups import making, restoring, rows
from project.embedded import free_port
from project.management.commands import doctor
from tests.project.backups import worlds
from tests.workitems.photo_files import photo_file, picture
from workitems import checks, janitor, object_storage, photos, processing
from workitems.models import Photo, WorkItem
from workitems.object_storage import ObjectStorage
from workitems.storing import StorageAway

pytestmark = pytest.mark.django_db
OPTIONS = {"bucket_name": "photos", "region_name": "eu-north-1", "location": "tidemark"}
KEYS = {"access_key": "us", "secret_key": "secret"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an S3."""
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, settings: Any) -> Iterator[Any]:
    """An empty bucket, which the product is set to use."""
    names = {"aws_access_key_id": "us", "aws_secret_access_key": "secret", "region_name": "eu-north-1"}
    made = boto3.resource("s3", endpoint_url=endpoint, **names).Bucket("photos")
    made.create(CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
    use(settings, endpoint)
    yield made
    made.objects.delete()
    made.delete()


def use(settings: Any, endpoint: str, **changes: str) -> None:
    options = OPTIONS | KEYS | {"endpoint_url": endpoint} | changes
    settings.S3_BUCKET = options["bucket_name"]
    stores = {"default": {"BACKEND": "workitems.object_storage.ObjectStorage", "OPTIONS": options}}
    settings.STORAGES = settings.STORAGES | stores


def names_in(bucket: Any) -> set[str]:
    return {each.key for each in bucket.objects.all()}


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_photo_lives_in_the_bucket_from_upload_to_removal(bucket: Any, item: WorkItem, mark: Any, art: Any) -> None:
    photo = photos.add(item, photo_file(), by=mark)
    assert processing.process(1) == 1
    photo.refresh_from_db()
    names = [photo.original.name, photo.rendition.name, photo.thumbnail_path]
    assert names_in(bucket) == {f"tidemark/{name}" for name in names}
    assert {each.get()["ContentType"] for each in bucket.objects.all()} == {"application/octet-stream"}
    answer = signed_in(mark).get(f"/workitems/photos/{photo.pk}/original/")
    assert (b"".join(answer.streaming_content), answer["Content-Type"]) == (picture(shade=120), "image/jpeg")
    assert signed_in(art).get(f"/workitems/photos/{photo.pk}/original/").status_code in (403, 404)
    assert Client().get(f"/workitems/photos/{photo.pk}/picture/").status_code == 302
    janitor.remove_unspoken(photo.original.storage, names)  # a row speaks of them
    assert len(names_in(bucket)) == 3


def test_files_go_with_their_row(
    bucket: Any, item: WorkItem, mark: Any, django_capture_on_commit_callbacks: Any
) -> None:
    photo = photos.add(item, photo_file(), by=mark)
    with django_capture_on_commit_callbacks(execute=True):
        photo.delete()
    assert not names_in(bucket)


def test_janitor_finds_what_no_row_speaks_of_and_what_a_row_misses(bucket: Any, item: WorkItem, mark: Any) -> None:
    photo = photos.add(item, photo_file(), by=mark)
    processing.process(1)
    photo.refresh_from_db()
    stray = default_storage.save(f"originals/00/{'0' * 32}.jpg", ContentFile(b"left over"))
    with clock.shifted(2 * janitor.YOUNG):
        assert sum(janitor.remove_orphans(int(shard, 16)) for shard in {"00", photo.original.name[10:12]}) == 1
    assert not default_storage.exists(stray)
    default_storage.delete(photo.rendition.name)
    assert janitor.mend(photo.pk, photo.pk) == 1


def test_a_name_that_is_taken_is_not_overwritten(bucket: Any) -> None:
    first = default_storage.save("documents/1-1.docx", ContentFile(b"first"))
    second = default_storage.save("documents/1-1.docx", ContentFile(b"second"))
    assert first != second
    with default_storage.open(first) as file:
        assert file.read() == b"first"


@pytest.mark.usefixtures("bucket")
def test_store_that_is_away_is_503_and_loses_no_photo(
    item: WorkItem, mark: Any, settings: Any, endpoint: str, monkeypatch: Any
) -> None:
    photo = photos.add(item, photo_file(), by=mark)
    once = object_storage.CLIENT.merge(Config(retries={"total_max_attempts": 1}))
    monkeypatch.setattr(object_storage, "CLIENT", once)  # nobody waits for a second try
    use(settings, f"http://127.0.0.1:{free_port()}")
    client = signed_in(mark)
    client.raise_request_exception = False
    answer = client.get(f"/workitems/photos/{photo.pk}/original/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "The store of the photos is not answering" in answer.text
    with pytest.raises(StorageAway):
        photos.add(item, photo_file(shade=9), by=mark)
    assert processing.process(1) == 1
    photo.refresh_from_db()
    assert (photo.state, photo.fault) == (Photo.State.RECEIVED, "")
    assert [told.id for told in checks.check_media_is_there(None, ["default"])] == ["workitems.W004"]
    use(settings, endpoint)
    with clock.shifted(processing.LEASE):
        processing.process(1)
    assert Photo.objects.get().state == Photo.State.READY


def test_missing_bucket_is_not_taken_for_missing_photos(
    bucket: Any, item: WorkItem, mark: Any, settings: Any, endpoint: str
) -> None:
    photo = photos.add(item, photo_file(), by=mark)
    use(settings, endpoint, bucket_name="elsewhere")
    with pytest.raises(StorageAway, match="elsewhere cannot be seen"):
        default_storage.open(photo.original.name)
    processing.process(1)
    photo.refresh_from_db()
    assert photo.state == Photo.State.RECEIVED
    use(settings, endpoint, location="another-place")
    with pytest.raises(FileNotFoundError):
        default_storage.open(photo.original.name)


def test_full_store_is_a_full_disk() -> None:
    store = ObjectStorage(**OPTIONS, **KEYS)
    answer: Any = {"Error": {"Code": "XMinioStorageFull"}, "ResponseMetadata": {"HTTPStatusCode": 507}}
    with pytest.raises(OSError, match="full") as full, store._like_a_folder("a"):
        raise ClientError(answer, "PutObject")
    assert full.value.errno == errno.ENOSPC


def test_forked_worker_has_a_connection_of_its_own(bucket: Any) -> None:
    default_storage.exists("a")
    parents = id(default_storage.connection)
    if (child := os.fork()) == 0:
        os._exit(default_storage.exists("a") or id(default_storage.connection) == parents)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_doctor_tries_the_bucket(bucket: Any, settings: Any, endpoint: str) -> None:
    assert [finding.level for finding in doctor.store()] == ["ok"]
    assert not names_in(bucket)
    use(settings, endpoint, bucket_name="elsewhere")
    assert any(finding.text.startswith("store:") for finding in doctor.examine() if finding.level == "fail")


@pytest.mark.django_db(transaction=True)
def test_backup_takes_the_files_out_of_the_bucket_and_brings_them_back(bucket: Any, tmp_path: Path) -> None:
    worlds.furnished()
    there = names_in(bucket)
    path, manifest = making.make(tmp_path, print)
    assert {f"tidemark/{name}" for name in manifest.verify(path, print)} == there
    bucket.objects.delete()
    rows.empty(rows.stored_models(apps))  # an empty machine
    bucket.Object("tidemark/documents/1-1.docx").put(Body=b"of another database")
    with pytest.raises(restoring.RestoreRefused, match="1 of this backup's in the bucket photos"):
        restoring.restore(path, print)
    bucket.Object("tidemark/documents/1-1.docx").delete()
    restoring.restore(path, print)
    assert names_in(bucket) == there
    for name in ("originals/one.jpg", "renditions/two_thumb.jpg", "documents/1-1.docx"):
        with default_storage.open(name) as file:
            assert file.read() == f"the content of {name}".encode()


@pytest.mark.usefixtures("bucket")
def test_backup_without_its_bucket_is_none_and_says_what_is_away(settings: Any, tmp_path: Path) -> None:
    worlds.furnished()
    use(settings, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(CommandError, match=r"documents/1-1.docx cannot be .* Nothing was kept of this backup"):
        call_command("backup", to=tmp_path, stderr=StringIO())
    assert list(tmp_path.iterdir()) == []
