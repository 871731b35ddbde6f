"""Where the files of exports lie: private, written beside their place and moved there when whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from perf import clock, room
from snapshots.exports.jobs import OPEN, ExportJob, State

PART = ".part"
STRAY = timedelta(hours=1)  # a file without a row is left alone for so long: its row may not be committed yet


class Busy(Exception):
    """Another worker still writes this file, although its lease is over."""


def folder() -> Path:
    """The private folder; it is made where it is missing."""
    path = Path(settings.MEDIA_ROOT) / "exports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(job: ExportJob) -> Path:
    """Where the whole file lies; the name is a secret of the row's, so that no restored row finds another's file."""
    return folder() / str(job.file)


@contextmanager
def part_of(job: ExportJob) -> Iterator[IO[bytes]]:
    """The unfinished file, ours alone, cut and positioned behind what `job` says is whole in it.

    Where less is there than that (another host, a lost disk), the job begins anew. Busy when another worker has it.
    """
    descriptor = os.open(_part(job), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+b") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise Busy from taken
        there = os.fstat(part.fileno()).st_size
        if there < job.size or not job.position:
            job.rows, job.size, job.position = 0, 0, ""
        if there > job.size:
            part.truncate(job.size)
        part.seek(job.size)
        yield part


def settle(part: IO[bytes]) -> int:
    """Have everything written so far on the disk; how many bytes that is."""
    part.flush()
    os.fsync(part.fileno())
    return part.tell()


def publish(job: ExportJob) -> None:
    """Move the whole file to its place, for good."""
    _part(job).replace(path_of(job))
    directory = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def remove(job: ExportJob) -> None:
    """Remove whatever there is of the file."""
    for path in (path_of(job), _part(job)):
        path.unlink(missing_ok=True)


def fault(error: OSError) -> str:
    """What a person is told when the disk refuses."""
    if why := room.refusal(error):
        return f"The server's disk is {why}. Nothing was kept of the file; an administrator has to mend that first."
    return f"The server could not write the file ({error.strerror}). Nothing was kept of it; tell an administrator."


def expire() -> int:
    """Remove the files that were kept long enough, and strays; how many exports are marked expired by it."""
    gone = 0
    for job in ExportJob.objects.outdated():
        marked = {"state": State.EXPIRED, "updated_at": clock.db_now()}
        gone += ExportJob.objects.filter(pk=job.pk, state=State.DONE).update(**marked)
        remove(job)
    _remove_strays()
    return gone


def _remove_strays() -> None:
    """Remove the files that no row speaks of: a worker was killed between the two, or a database was restored."""
    wanted = ExportJob.objects.filter(state__in=[*OPEN, State.DONE])
    known = {str(name) for name in wanted.values_list("file", flat=True)}
    before = clock.surely_over(STRAY).timestamp()
    for path in folder().iterdir():
        if path.name.removesuffix(PART) not in known and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)


@receiver(post_delete, sender=ExportJob)
def _forget_file(instance: ExportJob, **_: Any) -> None:
    transaction.on_commit(lambda: remove(instance))


def _part(job: ExportJob) -> Path:
    return path_of(job).with_suffix(PART)
