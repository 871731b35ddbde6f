"""Files that crews send: pictures of a given size, and what only looks like one."""

from __future__ import annotations

import io
from functools import cache

from django.core.files.base import ContentFile
from PIL import Image

NO_PICTURE = b"%PDF-1.7\n1 0 obj\n" + b"0" * 200
"""A document, whatever it is called."""


@cache
def picture(width: int = 64, height: int = 48, *, shade: int = 120, kind: str = "JPEG") -> bytes:
    """A plain picture; another `shade` is another file."""
    held = io.BytesIO()
    Image.new("RGB", (width, height), (shade % 256, shade // 256, 90)).save(held, kind)
    return held.getvalue()


def photo_file(shade: int = 120, name: str = "IMG_0001.jpg") -> ContentFile[bytes]:
    """A picture as Django takes files."""
    return ContentFile(picture(shade=shade), name=name)
