"""What the decoder and its parent say to each other: frames of a length and so many bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

MAX_FRAME = 32 * 2**20
_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is shown of a photo: two JPEG files, and what its camera wrote down.

    `width` and `height` are the picture's, in pixels. `thumbnail` is empty where none could be made. `placeholder` is
    a data: URL of some 200 characters. `taken` is ISO 8601, with an offset where the camera knew it, or empty.
    Degrees are WGS 84.
    """

    picture: bytes
    thumbnail: bytes
    width: int
    height: int
    placeholder: str
    taken: str = ""
    latitude: float | None = None
    longitude: float | None = None

    def frames(self) -> Iterator[bytes]:
        """As three frames: everything but the files, the picture, the thumbnail."""
        yield json.dumps({name: getattr(self, name) for name in self.__slots__[2:]}).encode()
        yield from (self.picture, self.thumbnail)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no rendition: `fault` for people, `why` for the log.

    `is_last` says that the decoder ends with it, to leave nothing behind.
    """

    fault: str
    why: str = ""
    is_last: bool = False

    def frames(self) -> Iterator[bytes]:
        """As one frame."""
        yield json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()


def write(pipe: IO[bytes], *parts: bytes) -> None:
    """Send each of `parts` as a frame."""
    for part in parts:
        pipe.write(_LENGTH.pack(len(part)) + part)
    pipe.flush()


def read(pipe: IO[bytes]) -> bytes:
    """The next frame. Raises EOFError when the other end is gone, or sends more than MAX_FRAME."""
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if length > MAX_FRAME:
        raise EOFError(f"a frame of {length} bytes")
    return _exactly(pipe, length)


def read_answer(pipe: IO[bytes]) -> Rendered | Refused:
    """The next answer. Raises EOFError."""
    head = json.loads(read(pipe))
    return Refused(**head) if "fault" in head else Rendered(read(pipe), read(pipe), **head)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError("the other end is gone")
    return data
