"""One stored answer: its bytes with the stamp they are valid under, their end of life and what they cost."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

_HEAD = struct.Struct(">B16s12sdd")
_FORMAT = 1


def stamp_of(generations: str) -> bytes:
    """16 bytes that stand for the generations (and the epoch) an answer was computed under."""
    return blake2b(generations.encode(), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Record:
    """`expires` in seconds since 1970, `cost` in seconds of computing, `etag` a strong digest of `value`."""

    stamp: bytes
    expires: float
    cost: float
    etag: str
    value: bytes

    def packed(self) -> bytes:
        """The record as bytes."""
        return _HEAD.pack(_FORMAT, self.stamp, bytes.fromhex(self.etag), self.expires, self.cost) + self.value

    @classmethod
    def unpacked(cls, raw: object) -> Self | None:
        """The record in `raw`; None where there is none or another release wrote another format."""
        if not isinstance(raw, bytes) or len(raw) < _HEAD.size or raw[0] != _FORMAT:
            return None
        _, stamp, etag, expires, cost = _HEAD.unpack_from(raw)
        return cls(stamp, expires, cost, etag.hex(), raw[_HEAD.size :])


def etag_of(value: bytes) -> str:
    """24 hexadecimal digits that change with any byte of `value`."""
    return blake2b(value, digest_size=12).hexdigest()
