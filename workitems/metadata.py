"""Takes out of a photo's file what its camera wrote beside the picture: position, time, device, names.

No pixel changes and no picture library runs; which side is up stays, without which the picture would lie.
Sources: ITU-T T.81 annex B (JPEG), Exif 2.32, PNG third edition, WebP container specification, ISO/IEC 14496-12 and
23008-12 (HEIF).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator

from workitems.headers import BARE_MARKERS, NotAPhoto, damaged

UPRIGHT = 1
EXIF = b"Exif\0\0"
ORIENTATION = 0x0112
JPEG_KEPT = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))  # of APP0 to APP15: what colours need
MARKER = re.compile(rb"\xff(?![\x00\xd0-\xd7\xff])")  # ends a scan: neither stuffing nor a restart
PNG_SIGN = b"\x89PNG\r\n\x1a\n"
PNG_KEPT = frozenset(b"sRGB gAMA cHRM iCCP cICP mDCV cLLI sBIT pHYs tRNS bKGD hIST sPLT acTL fcTL fdAT".split())
WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
WEBP_HAS_EXIF, WEBP_HAS_XMP = 0x08, 0x04
HEIF_KEPT = frozenset({b"ftyp", b"meta", b"mdat"})
EXTENTS_MAX = 65_536  # a real file has a few hundred
EMPTY = b"\0\0\0\0" + struct.pack(">2sHIHI", b"MM", 42, 8, 0, 0)  # an Exif block without any entry
HEIF_TOLD = frozenset({b"Exif", b"mime", b"uri "})


def without_metadata(data: bytes, kind: str) -> bytes:
    """The photo `data`, a file of `kind` (one of headers.FORMATS), with its pixels and nothing else.

    Raises NotAPhoto where its parts cannot be told apart.
    """
    try:
        return CLEANERS[kind](data)
    except (struct.error, IndexError, KeyError):
        raise damaged() from None


def _jpeg(data: bytes) -> bytes:
    up, kept = UPRIGHT, list[bytes]()
    for marker, part in _jpeg_parts(data):
        content = part[4:]
        if marker == 0xE1 and content.startswith(EXIF):
            up = _orientation(content[len(EXIF) :])
        elif marker == 0xFE or (0xE0 <= marker <= 0xEF and not _is_kept(marker, content)):
            continue
        else:
            kept.append(part)
    exif = EXIF + _tiff(up)
    told = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    return b"".join([b"\xff\xd8", *([told] if up != UPRIGHT else []), *kept, b"\xff\xd9"])


def _is_kept(marker: int, content: bytes) -> bool:
    return any(marker == known and content.startswith(sign) for known, sign in JPEG_KEPT)


def _jpeg_parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each part up to the end of the picture, a scan with its pixels; what follows is left out."""
    at = 2
    while found := MARKER.search(data, at):
        at, marker = found.start(), data[found.start() + 1]
        if marker == 0xD9:
            return
        end = at + 2
        if marker not in BARE_MARKERS:
            end += struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xDA:
            after = MARKER.search(data, end)
            end = after.start() if after else len(data)
        yield marker, data[at:end]
        at = end


def _png(data: bytes) -> bytes:
    chunks, up = list(_png_chunks(data)), UPRIGHT
    for kind, content in chunks:
        up = _orientation(content) if kind == b"eXIf" else up
    kept = [(kind, content) for kind, content in chunks if kind[:1].isupper() or kind in PNG_KEPT]
    if up != UPRIGHT:
        kept.insert(1, (b"eXIf", _tiff(up)))
    return PNG_SIGN + b"".join(_png_chunk(*chunk) for chunk in kept)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at, kind = len(PNG_SIGN), b""
    while kind != b"IEND" and at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _webp(data: bytes) -> bytes:
    up, kept = UPRIGHT, list[tuple[bytes, bytes]]()
    for kind, content in _webp_chunks(data):
        if kind == b"EXIF":
            up = _orientation(content.removeprefix(EXIF))
        elif kind in WEBP_KEPT:
            kept.append((kind, content))
    flags = WEBP_HAS_EXIF if up != UPRIGHT else 0
    if flags:
        kept.append((b"EXIF", _tiff(up)))
    body = b"".join(_webp_chunk(kind, _flagged(kind, content, flags)) for kind, content in kept)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _flagged(kind: bytes, content: bytes, flags: int) -> bytes:
    """The chunk that says what else there is, saying so."""
    if kind != b"VP8X":
        return content
    return bytes([content[0] & ~(WEBP_HAS_EXIF | WEBP_HAS_XMP) | flags]) + content[1:]


def _heif(data: bytes) -> bytes:
    """Overwritten in place: other parts are found by their distance from the start. What is up is said elsewhere."""
    clean = bytearray(data)
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"meta":
            for first, last in _told(data, start + 4, end):
                clean[first:last] = EMPTY[: last - first].ljust(last - first, b"\0")
        elif kind not in HEIF_KEPT:
            clean[start:end] = bytes(end - start)
    return bytes(clean)


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first and last byte of what is in each box."""
    while at + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        after = end if length == 0 else at + length
        if after < start or after > end:
            raise damaged()
        yield kind, start, after
        at = after


def _told(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the items lie that tell of the picture rather than show it."""
    boxes = {kind: (first, last) for kind, first, last in _boxes(data, at, end)}
    idat = boxes.get(b"idat", (0, 0))[0]
    if b"iinf" not in boxes or b"iloc" not in boxes:
        return
    told = set(_told_items(data, *boxes[b"iinf"]))
    for item, inside, first, length in _extents(data, boxes[b"iloc"][0]):
        if item in told:
            start = first + idat if inside else first
            if start + length > len(data):
                raise damaged()
            yield start, start + length


def _told_items(data: bytes, start: int, end: int) -> Iterator[int]:
    start += 4 + (2 if data[start] == 0 else 4)
    for kind, first, _ in _boxes(data, start, end):
        if kind == b"infe" and data[first] >= 2:
            wide = data[first] > 2
            item, _, name = struct.unpack_from(">IH4s" if wide else ">HH4s", data, first + 4)
            if name in HEIF_TOLD:
                yield item


def _extents(data: bytes, at: int) -> Iterator[tuple[int, bool, int, int]]:
    """Of each extent: the item, whether it lies in the box idat, where it begins and how long it is."""
    version, sizes = data[at], data[at + 4 : at + 6]
    offset_size, length_size = sizes[0] >> 4, sizes[0] & 15
    base_size, index_size = sizes[1] >> 4, (sizes[1] & 15) if version else 0
    reader, left = _Reader(data, at + 6), EXTENTS_MAX
    for _ in range(reader.number(2 if version < 2 else 4)):
        item = reader.number(2 if version < 2 else 4)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)
        base = reader.number(base_size)
        extents = reader.number(2)
        left -= extents + 1
        if left < 0:
            raise damaged()
        for _ in range(extents):
            reader.number(index_size)
            first = base + reader.number(offset_size)
            yield item, method == 1, first, reader.number(length_size)


class _Reader:
    """Numbers one after the other, the large end first."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, size: int) -> int:
        """The next one, of `size` bytes."""
        found = self.data[self.at : self.at + size]
        if len(found) < size:
            raise damaged()
        self.at += size
        return int.from_bytes(found)


def _orientation(tiff: bytes) -> int:
    """Which side is up, 1 to 8 as Exif counts; 1 where nothing sensible is said."""
    order = ">" if tiff[:2] == b"MM" else "<"
    try:
        (at,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, at)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, at + 2 + 12 * entry)
            if tag == ORIENTATION:
                return int(value) if UPRIGHT <= value <= 8 else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _tiff(up: int) -> bytes:
    """An Exif block that says which side is up and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, ORIENTATION, 3, 1, up, 0, 0)


CLEANERS: dict[str, Callable[[bytes], bytes]] = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "HEIF": _heif}
__all__ = ["NotAPhoto", "without_metadata"]
