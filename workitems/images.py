"""What a file is, by its header alone: which picture, and how large."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 50_000_000


class NotAPhoto(Exception):
    """The content is no picture that is taken; it says why in a sentence for people."""


class Identified(NamedTuple):
    """A picture: its format, and its size in pixels as its header says."""

    format: str
    width: int
    height: int


def identify(file: Any | Path) -> Identified:
    """What `file` is, from its header; nothing is decoded. Raises NotAPhoto."""
    try:
        with Image.open(file, formats=FORMATS) as picture:
            found = Identified(str(picture.format), *picture.size)
    except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError) as error:
        raise NotAPhoto("This is not a picture that can be read. Send a JPEG, PNG or WebP.") from error
    if found.width * found.height > MAX_PIXELS:
        raise NotAPhoto(f"This picture has more than {MAX_PIXELS // 1_000_000} megapixels.")
    return found
