"""Broken photos without end: files of every format, cut, flipped, spliced, disguised, or with lies in their headers.

`mutated(number)` is the same file each time for the same number, so a failure says all that is needed to see it again.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

import pillow_heif
from PIL import Image

from workitems.pictures import photograph

SIDES = (160, 120)
HOSTILE = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x01")  # where lengths and sizes stand
NAMES = ("IMG_0001.jpg", "photo.heic", "x.png", "ünï 🛠.webp", "../../etc/passwd", "a" * 300 + ".jpg", "page.html", "")


@cache
def sources() -> tuple[bytes, ...]:
    """One small photo of each kind that is taken, with everything that a real one carries."""
    pillow_heif.register_heif_opener()
    image = Image.open(io.BytesIO(photograph("mutations"))).resize(SIDES)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 12:33:07"
    exif.get_ifd(0x8825).update({1: "N", 2: (54.0, 19.0, 12.0), 3: "W", 4: (10.0, 8.0, 24.0)})
    see_through = image.convert("RGBA")
    see_through.putalpha(128)
    frames = [image.rotate(turn) for turn in (90, 180)]
    return (
        _saved(image, "JPEG", exif=exif, quality=80),
        _saved(image, "JPEG", exif=exif, progressive=True, comment=b"a word"),
        _saved(image.convert("CMYK"), "JPEG"),
        _saved(image.convert("L"), "JPEG"),
        _saved(see_through, "PNG", exif=exif),
        _saved(image.quantize(16), "PNG", transparency=3),
        _saved(Image.new("I;16", SIDES, 999), "PNG"),
        _saved(image, "WEBP", exif=exif),
        _saved(see_through, "WEBP", lossless=True),
        _saved(image, "WEBP", save_all=True, append_images=frames),
        _saved(image, "HEIF", exif=exif),
        _saved(image, "MPO", save_all=True, append_images=frames[:1]),
    )


def mutated(number: int) -> bytes:
    """The broken file `number`."""
    chance = Random(number)
    data = chance.choice(sources())
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = chance.choice(MUTATIONS)(data, chance)
    return data


def disguised(number: int) -> tuple[str, str, bytes]:
    """The same with a name and a media type that have nothing to do with it."""
    chance = Random(f"name {number}")
    kinds = ("image/jpeg", "image/heic", "text/html", "application/pdf", "image/svg+xml", "x" * 99)
    return chance.choice(NAMES), chance.choice(kinds), mutated(number)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def _place(data: bytes, chance: Random) -> int:
    """Somewhere in `data`, most often where its headers are."""
    return chance.randrange(min(len(data), chance.choice((16, 64, 700, len(data)))) or 1)


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: _place(data, chance)]


def _cut_end(data: bytes, chance: Random) -> bytes:
    return data[: -chance.randint(1, 300)]


def _flip(data: bytes, chance: Random) -> bytes:
    made = bytearray(data or b"\0")
    for _ in range(chance.choice((1, 1, 3, 30))):
        made[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(made)


def _noise(data: bytes, chance: Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + chance.randbytes(chance.choice((1, 4, 60))) + data[at + chance.choice((0, 1, 4, 60)) :]


def _hostile_number(data: bytes, chance: Random) -> bytes:
    at, word = _place(data, chance), chance.choice(HOSTILE)[: chance.choice((2, 4))]
    return data[:at] + word + data[at + len(word) :]


def _repeat(data: bytes, chance: Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at : at + chance.randint(1, 200)] * chance.choice((2, 5, 50)) + data[at:]


def _leave_out(data: bytes, chance: Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.randint(1, 500) :]


def _splice(data: bytes, chance: Random) -> bytes:
    other = chance.choice(sources())
    return data[: _place(data, chance)] + other[_place(other, chance) :]


def _polyglot(data: bytes, chance: Random) -> bytes:
    other = chance.choice((b"%PDF-1.7\n", b"<html><script>alert(1)</script>", b"PK\x03\x04", b"GIF89a", b"#!/bin/sh\n"))
    return chance.choice((other + data, data + other, data[:2] + other + data[2:]))


def _png_with_true_sums(data: bytes, chance: Random) -> bytes:
    """Lies that a PNG's checksums do not give away: sizes, depth, colours; or a bomb in its pixels."""
    width, height = chance.choice(((1, 2**31 - 1), (7_001, 7_200), (1_500, 800), (0, 9), SIDES))
    head = struct.pack(">IIBBBBB", width, height, chance.choice((1, 8, 16, 99)), chance.randrange(8), 0, 0, 0)
    pixels = zlib.compress(b"\0" * chance.choice((10, 100_000, 3_000_000)))
    notes = (b"iCCP", b"p\0\0" + zlib.compress(b"\0" * 9_000)), (b"eXIf", data[:200]), (b"tRNS", data[:5])
    parts = [(b"IHDR", head), chance.choice(notes), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def _larger_than_it_is(data: bytes, chance: Random) -> bytes:
    """A JPEG whose frame claims another size than its pixels have."""
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    if at < 0:
        return _flip(data, chance)
    sizes = struct.pack(">HH", *chance.choices((1, 17, 700, 7_000, 65_535), k=2))
    return data[: at + 5] + sizes + data[at + 9 :]


Mutation = Callable[[bytes, Random], bytes]
MUTATIONS: tuple[Mutation, ...] = (
    *(_cut, _cut_end, _flip, _noise, _hostile_number, _repeat, _leave_out, _splice, _polyglot),
    *(_png_with_true_sums, _larger_than_it_is),
)
