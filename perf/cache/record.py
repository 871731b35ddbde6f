"""One stored answer: its bytes with the stamp they are valid under, their end of life and what they cost."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

_HEAD = struct.Struct(">B16s12sddBII")
_FORMAT = 2


def stamp_of(generations: str) -> bytes:
    """16 bytes that stand for the generations (and the epoch) an answer was computed under."""
    return blake2b(generations.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Record:
    """`expires` in seconds since 1970, `cost` in seconds of computing, `etag` a strong digest of `value`.

    Once `pressed`, `gzip` and `br` are the value compressed as well as can be; empty where that gains nothing.
    """

    stamp: bytes
    expires: float
    cost: float
    etag: str
    value: bytes
    pressed: bool = False
    gzip: bytes = b""
    br: bytes = b""

    def packed(self) -> bytes:
        """The record as bytes."""
        etag, sizes = bytes.fromhex(self.etag), (len(self.gzip), len(self.br))
        head = _HEAD.pack(_FORMAT, self.stamp, etag, self.expires, self.cost, self.pressed, *sizes)
        return b"".join((head, self.gzip, self.br, self.value))

    @classmethod
    def unpacked(cls, raw: object) -> Self | None:
        """The record in `raw`; None where there is none or another release wrote another format."""
        if not isinstance(raw, bytes) or len(raw) < _HEAD.size or raw[0] != _FORMAT:
            return None
        _, stamp, etag, expires, cost, pressed, gzip, br = _HEAD.unpack_from(raw)
        start, middle = _HEAD.size + gzip, _HEAD.size + gzip + br
        parts = raw[middle:], bool(pressed), raw[_HEAD.size : start], raw[start:middle]
        return cls(stamp, expires, cost, etag.hex(), *parts)

    def body(self, encoding: str) -> tuple[bytes, str]:
        """What to send to a client that takes `encoding` ("br", "gzip" or ""), and the encoding it has in truth."""
        smaller = {"br": self.br, "gzip": self.gzip}.get(encoding, b"")
        return (smaller, encoding) if smaller else (self.value, "")


def etag_of(value: bytes) -> str:
    """24 hexadecimal digits that change with any byte of `value`."""
    return blake2b(value, digest_size=12).hexdigest()
