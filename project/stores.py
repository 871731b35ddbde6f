"""Where photos and Word files lie: a folder, or a bucket."""

from __future__ import annotations

from typing import Any


def photos(env: Any, bucket: str, endpoint: str) -> dict[str, Any]:
    """The storage as STORAGES describes one: the folder MEDIA_ROOT where no `bucket` is named."""
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    return {
        "BACKEND": "workitems.object_storage.ObjectStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint,
            "region_name": env.str("S3_REGION", default=""),
            "location": env.str("S3_PREFIX", default=""),
            "access_key": env.str("S3_ACCESS_KEY_ID", default=""),
            "secret_key": env.str("S3_SECRET_ACCESS_KEY", default=""),
        },
    }
