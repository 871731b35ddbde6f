"""How long notices, finished uploads and bundles are kept."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from perf.expiring import Expired, before
from workitems.models import Bundle, Notice, Upload

UPLOAD_DAYS = 90  # its photo keeps the device's key, so that nothing is stored twice afterwards either
BUNDLE_DAYS = 30  # their files go long before: see KEEP_HOURS
KEPT = {
    "workitems.WorkItem": "until an administrator deletes it for good",
    "workitems.Photo": "with its item; a removed one for 30 days (janitor)",
    "workitems.PhotoVerdict": "with its photo",
    "workitems.PhotoRestoration": "with its photo",
    "workitems.Document": "with its item",
    "workitems.Comment": "with its item",
    "workitems.StatusChange": "with its item",
    "workitems.Revision": "with its item",
    "workitems.Decision": "for good: who decided over many items at once",
    "workitems.NumberCounter": "one row",
    "workitems.PresetNumber": "what administrators wrote",
    "workitems.StatusTotal": "one row a state",
    "workitems.Contact": "with its person",
    "workitems.CannedReason": "what administrators wrote",
}


def expired() -> Iterator[Expired]:
    """What would go now: what still waits is promised and stays."""
    yield Expired("notices of items", settings.NOTICE_DAYS, Notice.objects.over_before(before(settings.NOTICE_DAYS)))
    over = Upload.objects.exclude(state=Upload.State.OPEN).filter(touched_at__lt=before(UPLOAD_DAYS))
    yield Expired("uploads", UPLOAD_DAYS, over)
    yield Expired("bundles", BUNDLE_DAYS, Bundle.objects.filter(ended_at__lt=before(BUNDLE_DAYS)))
