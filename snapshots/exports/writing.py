"""Writes the exports that are due, in turns: a killed worker's file goes on from its last whole chunk."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from time import monotonic
from typing import IO

from perf.keyset import Key
from snapshots.exports import files
from snapshots.exports.filters import ExportFilters
from snapshots.exports.formats import FORMATS
from snapshots.exports.jobs import ExportJob
from snapshots.exports.reading import chunks, find_place, place

SAVED_EVERY = 1.0  # seconds between two notes of how far a file is
NOT_ALLOWED = "You may no longer export figures. Nothing was kept of the file."


class Lost(Exception):
    """The export was cancelled, or another worker has its turn."""


def write_some(until: float) -> bool:
    """Give the export that is due one turn, until `until` (monotonic seconds); whether another could have one now.

    A turn without a place to go on from (see `chunks`) lasts until its file is whole.
    """
    job = ExportJob.objects.claim()
    if job is None:
        return False
    try:
        with files.part_of(job) as part:
            _Writing(job, part).go_on(until)
    except files.Busy:
        job.rest()
    except Lost:
        if not ExportJob.objects.filter(pk=job.pk).exists():
            files.remove(job)
    except OSError as error:
        files.remove(job)
        job.fail(files.fault(error))
    return ExportJob.objects.due().exists()


class _Writing:
    """One turn at one file."""

    def __init__(self, job: ExportJob, part: IO[bytes]) -> None:
        self.job, self.part = job, part
        self.form = FORMATS[job.kind]
        filters = ExportFilters.of(job.filters)
        columns = filters.placed(self.form.columns)
        self.names, self.columns = list(columns), columns
        self.order, self.rows = filters.order, filters.figures(job.owner)
        self.pack: Callable[[bytes], bytes] = (lambda data: gzip.compress(data, mtime=0)) if job.compressed else bytes

    def go_on(self, until: float) -> None:
        """Write until `until` or the end. Lost when the file is wanted no more; OSError as the disk says."""
        job = self.job
        if not (job.owner.is_active and job.owner.has_perm("snapshots.export_snapshots")):
            job.fail(NOT_ALLOWED)
            files.remove(job)
            return
        after = find_place(self.rows, self.order, job.position)
        if not after:
            self._begin()
        saved, key = monotonic(), after
        for chunk in chunks(self.rows, self.order, self.columns, after):
            self.part.write(self.pack(self.form.body(self.names, chunk.rows, job.rows)))
            job.rows, key = job.rows + len(chunk.rows), chunk.key
            if (now := monotonic()) < min(saved + SAVED_EVERY, until):
                continue
            self._save(key)
            saved = now
            if now >= until and job.position:
                job.rest()
                return
        self._end(key)

    def _begin(self) -> None:
        """Write the head at the file's start; what is there was written in an order of another release."""
        if self.part.tell():
            self.part.seek(0)
            self.part.truncate()
        self.job.rows = 0
        self.part.write(self.pack(self.form.head(self.names, self.job.created_at)))

    def _save(self, key: Key) -> None:
        """Note how far the file is on the disk; its last row is the one at `key`."""
        self.job.position = place(self.rows, self.order, key)
        self.job.size = files.settle(self.part)
        if not self.job.save_progress():
            raise Lost

    def _end(self, key: Key) -> None:
        """Complete the file and let its owner have it. Killed before the last line, the end is written again."""
        self._save(key)
        self.part.write(self.pack(self.form.tail(self.job.rows)))
        self.job.size = files.settle(self.part)
        files.publish(self.job)
        if not self.job.finish():
            files.remove(self.job)
