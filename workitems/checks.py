"""Checks at start: photos lie where they can be written, survive a restart, and are where the database says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 - Django's own name
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connections

from workitems.models import Photo
from workitems.storing import StorageAway

MOUNTS = Path("/proc/self/mounts")
FLEETING = {
    "tmpfs": "memory",
    "ramfs": "memory",
    "overlay": "a container's own layer",
    "aufs": "a container's own layer",
}
LOOKED_FOR = 5  # of the newest photos


@register(Tags.files)
def check_media_lasts(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Whether photos would be gone after a restart: a container's own disk lost a whole crew's photos once."""
    if settings.DEMO or settings.TESTING or not isinstance(default_storage, FileSystemStorage):
        return []
    kind = FLEETING.get(file_system_of(Path(settings.MEDIA_ROOT)))
    if kind is None:
        return []
    return [
        Warning(
            f"MEDIA_ROOT {settings.MEDIA_ROOT} lies in {kind}: every photo is lost with the next restart.",
            hint="Mount a volume there, or set MEDIA_ROOT to a folder on a disk that stays.",
            id="workitems.W002",
        )
    ]


@register(Tags.database)
def check_media_is_there(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Whether the newest photos that the database knows have their files: a volume may not be mounted."""
    if "default" not in (databases or ()) or not _has_photos():
        return []
    names = list(Photo.objects.order_by("-pk").values_list("original", flat=True)[:LOOKED_FOR])
    try:
        missing = [name for name in names if not default_storage.exists(name)]
    except StorageAway as away:
        hint = "Run `manage.py doctor` until it is content; nothing was changed."
        return [Warning(f"The store of the photos does not answer: {away.strerror}", hint=hint, id="workitems.W004")]
    if not names or len(missing) < len(names):
        return []
    place, remedy = (
        f"MEDIA_ROOT {settings.MEDIA_ROOT}",
        "Mount the volume that holds them, or restore it from the backup",
    )
    if settings.S3_BUCKET:
        place, remedy = f"the bucket {settings.S3_BUCKET}", "Set S3_BUCKET and S3_PREFIX to where they are"
    return [
        Warning(
            f"The newest {len(names)} photos of the database have no files in {place}.",
            hint=f"{remedy}; nothing was changed.",
            id="workitems.W003",
        )
    ]


def file_system_of(folder: Path) -> str:
    """The kind of file system that `folder`, or where it would be made, is on; empty where nobody says."""
    try:
        mounts = [line.split() for line in MOUNTS.read_text().splitlines()]
    except OSError:  # not Linux
        return ""
    places = {place.replace("\\040", " "): kind for _, place, kind, *_ in mounts}
    folder = folder.absolute()
    return next((places[str(place)] for place in (folder, *folder.parents) if str(place) in places), "")


def _has_photos() -> bool:
    return Photo._meta.db_table in connections["default"].introspection.table_names()
