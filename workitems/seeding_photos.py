"""The photos of made-up items: rows of their own, all of which show the same few small files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageDraw

from workitems.models import THUMBNAIL_SIDE, Photo

PICTURES = 8
WIDTH, HEIGHT = 576, 432
FOLDER = "seeded"
CAPTIONS = ("", "", "Before", "After", "The tag plate", "From the ladder", "Seen from the door", "The worn part")
NUMBERS, WEIGHTS = (0, 1, 2, 3, 4, 5, 6), (10, 15, 20, 15, 15, 10, 15)
"""How many photos items have, and how many of a hundred items have so many: three on average."""

PHOTO_COLUMNS = (
    *("work_item_id", "position", "caption", "state", "fault", "original", "original_name", "format", "sha256", "size"),
    *("rendition", "thumbnail_path", "width", "height", "uploaded_by_id", "uploaded_by_name", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """One of the shared pictures: the names of its files in the storage, and what the rows say of the original."""

    original: str
    rendition: str
    thumbnail: str
    sha256: str
    size: int


def pictures() -> list[Picture]:
    """The shared pictures, drawn and stored where they are missing; always the same ones."""
    return [_picture(number) for number in range(PICTURES)]


def captions_of(chance: Random) -> list[str]:
    """The captions of one item's photos, as many as it has."""
    return chance.choices(CAPTIONS, k=chance.choices(NUMBERS, WEIGHTS)[0])


def photo_rows(
    pk: int, captions: list[str], shown: list[Picture], *, by: tuple[int, str], at: str
) -> Iterator[tuple[Any, ...]]:
    """The rows of one item's photos, uploaded by a person at a moment, in the order of PHOTO_COLUMNS."""
    for position, (caption, picture) in enumerate(zip(captions, shown, strict=True)):
        yield (
            *(pk, position, caption, Photo.State.READY.value, "", picture.original, f"IMG_{position + 1:04d}.jpg"),
            *("JPEG", picture.sha256, picture.size, picture.rendition, picture.thumbnail, WIDTH, HEIGHT, *by, at),
        )


def _picture(number: int) -> Picture:
    image = _drawn(number)
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    content = _jpeg(image, 85)
    original, rendition, thumbnail = (f"{FOLDER}/{number}{end}.jpg" for end in ("", "_picture", "_thumb"))
    for name, data in ((original, content), (rendition, content), (thumbnail, _jpeg(small, 80))):
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(data))
    return Picture(original, rendition, thumbnail, hashlib.sha256(content).hexdigest(), len(content))


def _drawn(number: int) -> Image.Image:
    """A wall with a pipe, a flange and a spot of rust, in the colours of its number."""
    chance = Random(f"picture {number}")  # noqa: S311  # nothing secret
    wall = tuple(chance.randrange(120, 200) for _ in range(3))
    image = Image.new("RGB", (WIDTH, HEIGHT), wall)
    pen = ImageDraw.Draw(image)
    top, left = chance.randrange(120, 240), chance.randrange(120, 380)
    pen.rectangle((0, top, WIDTH, top + 70), fill=(96, 104, 112))
    pen.rectangle((0, top + 10, WIDTH, top + 18), fill=(150, 158, 164))
    pen.rounded_rectangle((left, top - 30, left + 60, top + 100), 8, fill=(70, 78, 86))
    for step in range(9):
        x, y, size = left + chance.randrange(-60, 90), top + chance.randrange(-10, 80), 10 + 3 * step
        pen.ellipse((x, y, x + size, y + size * 2 // 3), fill=(150 - 6 * step, 74, 34))
    return image


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()
