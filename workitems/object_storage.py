"""Photos and Word files in an S3-compatible store, which behaves like a folder: the same errors, nothing overwritten.

Files are served by our own views, after asking for the right; the bucket stays private and no address is ever signed.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from s3transfer.exceptions import RetriesExceededError
from storages.backends.s3 import S3Storage

from workitems.storing import StorageAway

CLIENT = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Only where the store asks for them: many that speak S3 refuse the checksums newer clients send by themselves.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
IN_MEMORY = 2 * 2**20  # bytes of a file; a larger one is read through a temporary file
REFUSED = (BotoCoreError, ClientError, Boto3Error, RetriesExceededError)
FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"}


class ObjectStorage(S3Storage):
    """Options: bucket_name, endpoint_url, region_name, access_key, secret_key, location; empty ones are for boto3.

    Every method raises what a folder would: FileNotFoundError, OSError with ENOSPC, and StorageAway for the rest.
    """

    def __init__(self, **options: Any) -> None:
        style = "path" if options.get("endpoint_url") else "auto"  # most stores of one's own have no name per bucket
        fixed = {
            "client_config": CLIENT.merge(Config(s3={"addressing_style": style})),
            "file_overwrite": False,
            "max_memory_size": IN_MEMORY,
            "transfer_config": TransferConfig(use_threads=False),
            # Not what a sender calls it: whoever opens the bucket by hand is shown nothing that runs.
            "object_parameters": {"ContentType": "application/octet-stream"},
        }
        super().__init__(**{name: value or None for name, value in options.items()} | fixed)
        self._process = os.getpid()

    @property
    def connection(self) -> Any:
        """One for each thread of each process: a forked one would answer its parent's and its siblings' questions."""
        if self._process != os.getpid():
            self._process, self._connections = os.getpid(), threading.local()
        return super().connection

    @property
    def bucket(self) -> Any:
        """The bucket on this thread's own connection."""
        return self.connection.Bucket(self.bucket_name)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        """The file, fetched whole: nobody who reads it meets the network in the middle of an answer."""
        with self._like_a_folder(name):
            file: File[Any] = super()._open(name, mode)
            file.open()
            return file

    def _save(self, name: str, content: File[Any]) -> str:
        with self._like_a_folder(name):
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with self._like_a_folder(name):
            super().delete(name)

    def exists(self, name: str) -> bool:
        with self._like_a_folder(name):
            return bool(super().exists(name))

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with self._like_a_folder(path):
            folders, names = super().listdir(path)
            return folders, names

    def size(self, name: str) -> int:
        with self._like_a_folder(name):
            return int(super().size(name))

    def get_modified_time(self, name: str) -> datetime:
        with self._like_a_folder(name):
            at: datetime = super().get_modified_time(name)
            return at

    @contextmanager
    def _like_a_folder(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            self._ask_for_bucket(name)
            raise
        except REFUSED as refused:
            raise self._error(name, refused) from refused

    def _error(self, name: str, refused: Exception) -> OSError:
        answer = refused.response if isinstance(refused, ClientError) else {}
        status, code = answer.get("ResponseMetadata", {}).get("HTTPStatusCode"), answer.get("Error", {}).get("Code")
        if status == 507 or code in FULL:
            return OSError(errno.ENOSPC, "The object store is full", name)
        if status == 404 and code != "NoSuchBucket":
            self._ask_for_bucket(name)
            return FileNotFoundError(errno.ENOENT, "The object store has no such file", name)
        return StorageAway(name, f"{type(refused).__name__}: {refused}")

    def _ask_for_bucket(self, name: str) -> None:
        """Raise StorageAway unless the bucket is there: without it every file is "missing", and none of them is."""
        try:
            self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except REFUSED as refused:
            raise StorageAway(name, f"the bucket {self.bucket_name} cannot be seen ({refused})") from refused
