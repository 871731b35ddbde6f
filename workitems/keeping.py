"""Makes the Word files that completed reviews were promised, and keeps them in the storage with the item's version."""

from __future__ import annotations

import logging
from io import BytesIO
from time import monotonic
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from perf import clock
from workitems import documents
from workitems.models import Document, Photo
from workitems.workflow import Status

logger = logging.getLogger(__name__)


def make_due(seconds: float) -> int:
    """Make the files that are due, for at most about `seconds`; how many were made."""
    deadline, made = monotonic() + seconds, 0
    for document in Document.objects.due().select_related("work_item"):
        if monotonic() >= deadline:
            break
        if Document.objects.claim(document):
            made += _kept(document)
    return made


def _kept(document: Document) -> bool:
    """Make the file; a storage that is away or a full disk is not its fault, and costs none of its tries."""
    try:
        return _make(document)
    except OSError as away:
        logger.error("%s: its Word file cannot be kept now: %s", document.work_item, away)
        Document.objects.put_off(document)
        return False


def _make(document: Document) -> bool:
    """Store the file; row and file appear together. A review that is open again gets its file when it ends."""
    item = document.work_item
    later = Document.objects.filter(work_item=item, version__gt=document.version)
    if item.status != Status.COMPLETED_REVIEW or later.exists():
        document.delete()
        return False
    into = BytesIO()
    left_out = documents.write(item, Photo.objects.present().in_order().filter(work_item=item), into)
    storage, name = document.file.storage, documents.file_name(item)
    stored = f"documents/{item.pk}-{item.version}_{uuid4().hex}.docx"
    try:
        storage.save(stored, ContentFile(into.getvalue()))
    except OSError:
        storage.delete(stored)  # a full disk may have taken a part of it
        raise
    values = {
        "version": item.version,
        "file": stored,
        "name": name,
        "left_out": [[each.number, each.why] for each in left_out],
    }
    rows = Document.objects.filter(pk=document.pk, made_at=None, tries=document.tries + 1)
    if not rows.update(**values, made_at=clock.db_now(), leased_until=None):
        storage.delete(stored)
        return False
    logger.info("kept %s of version %d", name, item.version)
    return True


@receiver(post_delete, sender=Document)
def _forget_file(instance: Document, **_: Any) -> None:
    if instance.file:
        name = str(instance.file.name)  # forgotten with the row
        transaction.on_commit(lambda: instance.file.storage.delete(name), robust=True)
