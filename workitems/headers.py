"""What a file is and how large its picture is, by its header alone: nothing is decoded, no picture library runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
MAX_PIXELS = 50_000_000
MAX_SIDE = 65_500  # what a JPEG can hold
WANTED = "Send a JPEG, PNG, WebP or HEIC"

JUNK_MAX = 4_096  # bytes between two markers of a JPEG; some cameras leave a few
PARTS_MAX = 4_096  # markers or boxes before the size; a real file has a few hundred at most
HEVC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
HEIF_BRANDS = HEVC_BRANDS | {b"mif1", b"msf1"}
AVIF_BRANDS = frozenset({b"avif", b"avis"})
BOXES_AROUND_SIZE = {b"meta": 4, b"iprp": 0, b"ipco": 0}  # and the bytes each has before its first box
FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
KINDS = (
    (b"%PDF", "PDF"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF or a raw photo"),
    (b"MM\0*", "TIFF or a raw photo"),
    (b"PK\x03\x04", "a zip or Office file"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"<?xml", "SVG or XML"),
    (b"<svg", "SVG"),
    (b"<", "a web page"),
    (b"RIFF", "a sound or a film"),
)


class NotAPhoto(Exception):
    """The file is no picture that we can read; the message is a sentence or two for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Identified:
    """What a header says: one of FORMATS, and the picture's sides in pixels before it is turned upright."""

    format: str
    width: int
    height: int


def identify(source: str | Path | IO[bytes] | Any) -> Identified:
    """What `source`, a path or a file open for reading bytes, says it is; an open file stays where it was.

    Names and media types count for nothing. Raises NotAPhoto, also above MAX_PIXELS or MAX_SIDE.
    """
    with _opened(source) as file:
        start = file.read(64)
        file.seek(0)
        found = _read(start, file)
    if not found.width or not found.height:
        raise damaged()
    if found.width * found.height > MAX_PIXELS or max(found.width, found.height) > MAX_SIDE:
        raise too_large(found.width, found.height)
    return found


def too_large(width: int, height: int) -> NotAPhoto:
    """The refusal of a picture of more than MAX_PIXELS or MAX_SIDE."""
    return NotAPhoto(
        f"This picture has {width:,} × {height:,} pixels; {MAX_PIXELS // 1_000_000} megapixels are the most,"
        f" and {MAX_SIDE:,} on a side. Send it smaller."
    )


def damaged() -> NotAPhoto:
    """The refusal of a picture that is broken."""
    return NotAPhoto(f"This picture is damaged and cannot be read. {WANTED}.")


def reads_heif() -> bool:
    """Whether this installation can decode HEIC: pillow-heif is an optional package."""
    return find_spec("pillow_heif") is not None


@contextmanager
def _opened(source: Any) -> Iterator[Any]:
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            yield file
        return
    before = source.tell()
    source.seek(0)
    try:
        yield source
    finally:
        source.seek(before)


def _read(start: bytes, file: Any) -> Identified:
    try:
        if start.startswith(b"\xff\xd8\xff"):
            return Identified("JPEG", *_jpeg(file))
        if start.startswith(b"\x89PNG\r\n\x1a\n"):
            return Identified("PNG", *_png(start))
        if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
            return Identified("WEBP", *_webp(start))
        if start[4:8] == b"ftyp":
            return Identified("HEIF", *_heif(start, file))
    except (struct.error, IndexError):
        raise damaged() from None
    raise _other(_kind(start))


def _jpeg(file: Any) -> tuple[int, int]:
    """The size in the first frame header; the markers before it are stepped over."""
    file.seek(2)
    for _ in range(PARTS_MAX):
        marker = _next_marker(file)
        if marker in BARE_MARKERS:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if marker in FRAME_MARKERS:
            _, height, width = struct.unpack(">BHH", file.read(5))
            return width, height
        if marker in (0xD9, 0xDA):  # the end, or pixels before any size
            break
        file.seek(length - 2, 1)
    raise damaged()


def _next_marker(file: Any) -> int:
    for _ in range(JUNK_MAX):
        if file.read(1)[0] != 0xFF:
            continue
        byte = 0xFF
        while byte == 0xFF:  # any number of them may fill up
            byte = file.read(1)[0]
        if byte:
            return byte
    raise damaged()


def _png(start: bytes) -> tuple[int, int]:
    kind, width, height = struct.unpack_from(">4sII", start, 12)
    if kind != b"IHDR":
        raise damaged()
    return width, height


def _webp(start: bytes) -> tuple[int, int]:
    kind = start[12:16]
    if kind == b"VP8 " and start[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", start, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and start[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", start, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X" and len(start) >= 30:
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    raise damaged()


def _heif(start: bytes, file: Any) -> tuple[int, int]:
    """The size of the largest picture in the file: the others are its tiles and its thumbnail."""
    brands = {start[8:12], *(start[at : at + 4] for at in range(16, min(len(start), _box_length(start)), 4))}
    if brands & AVIF_BRANDS and not brands & HEVC_BRANDS:
        raise _other("AVIF")
    if not brands & HEIF_BRANDS:
        raise _other("a film")
    if not reads_heif():
        raise NotAPhoto(
            "This server cannot read HEIC. Send a JPEG (iPhone: Settings, Camera, Formats, Most Compatible),"
            " or ask an administrator to install pillow-heif."
        )
    sizes = list(_sizes(file))
    if not sizes:
        raise damaged()
    return max(sizes, key=lambda size: size[0] * size[1])


def _box_length(start: bytes) -> int:
    length: int = struct.unpack_from(">I", start)[0]
    return length


def _sizes(file: Any) -> Iterator[tuple[int, int]]:
    """Every picture size (`ispe`) of a HEIF file; the boxes around them are entered, all others stepped over."""
    for _ in range(PARTS_MAX):
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        rest = length - 8
        if length == 1:  # a length of 64 bits follows
            rest = struct.unpack(">Q", file.read(8))[0] - 16
        if kind in BOXES_AROUND_SIZE:
            file.seek(BOXES_AROUND_SIZE[kind], 1)
            continue
        if rest < 0 or rest > 1 << 40:  # the last box has no length; what cannot be is no reason to look further
            return
        if kind == b"ispe":
            body = file.read(rest)
            yield struct.unpack_from(">II", body, 4)
        else:
            file.seek(rest, 1)


def _kind(start: bytes) -> str:
    stripped = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "the file is empty"
    return next((name for sign, name in KINDS if stripped.startswith(sign)), "of an unknown kind")


def _other(kind: str) -> NotAPhoto:
    return NotAPhoto(f"This is not a picture we can read ({kind}). {WANTED}.")
