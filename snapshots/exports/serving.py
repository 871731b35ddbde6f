"""Sends the finished file of an export, from any byte on."""

from __future__ import annotations

from django.http import HttpResponseBase

from perf import downloads
from snapshots.exports import files
from snapshots.exports.formats import FORMATS
from snapshots.exports.jobs import ExportJob


def send(job: ExportJob, headers: downloads.Headers) -> HttpResponseBase:
    """The file of `job`, which is done, as `headers` ask for it. FileNotFoundError when it has just been removed."""
    file = files.path_of(job).open("rb")  # now: who is sent the head gets the rest, even if it is removed meanwhile
    kind = "application/gzip" if job.compressed else FORMATS[job.kind].content_type
    made = job.ended_at or job.created_at
    return downloads.send(file, headers, tag=job.file.hex, made=made, name=job.file_name, content_type=kind)
