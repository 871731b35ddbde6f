"""What is recorded under one name and one set of labels, and many of it in one compressed block."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress, starmap
from struct import Struct
from typing import Any, Protocol, Self

from perf.crowds import Crowd
from perf.examples import Examples
from perf.histograms import Histogram


class Labels(tuple[tuple[str, str], ...]):
    """A set of labels: (name, value) pairs by name."""

    __slots__ = ()

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> Self:
        """The labels of a mapping."""
        return cls(sorted((name, str(value)) for name, value in labels.items()))

    def get(self, name: str, default: str = "") -> str:
        """The value of the label `name`."""
        return next((value for own, value in self if own == name), default)


class Value(Protocol):
    """What a series holds of one period."""

    def merge(self, other: Any) -> None: ...

    @classmethod
    def pack(cls, values: Sequence[Any]) -> bytes: ...

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Any]: ...


_AMOUNT = Struct("<Q")
_LEVEL = Struct("<dddd")


@dataclass(slots=True)
class Count:
    """How often something happened."""

    amount: int = 0

    def merge(self, other: Count) -> None:
        """Count what `other` counted, too."""
        self.amount += other.amount

    @classmethod
    def pack(cls, values: Sequence[Count]) -> bytes:
        return b"".join(_AMOUNT.pack(one.amount) for one in values)

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Count]:
        return starmap(cls, compress(_AMOUNT.iter_unpack(data), chosen))


@dataclass(slots=True)
class Level:
    """A level: the last one, of the instant `at` (seconds since 1970), and the least and the most there were."""

    at: float
    last: float
    least: float
    most: float

    def merge(self, other: Level) -> None:
        """Take in what `other` saw."""
        if other.at >= self.at:
            self.at, self.last = other.at, other.last
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)

    @classmethod
    def pack(cls, values: Sequence[Level]) -> bytes:
        return b"".join(_LEVEL.pack(one.at, one.last, one.least, one.most) for one in values)

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Level]:
        return starmap(cls, compress(_LEVEL.iter_unpack(data), chosen))


HISTOGRAM, COUNT, LEVEL, CROWD, EXAMPLES = "h", "c", "l", "o", "x"
KINDS: dict[str, type[Value]] = {
    HISTOGRAM: Histogram,
    COUNT: Count,
    LEVEL: Level,
    CROWD: Crowd,
    EXAMPLES: Examples,
}

NAME_MAX = 100  # characters of a name, as its column has them; what is longer is cut as it is gathered
Key = tuple[str, str]  # kind and name
Block = dict[Labels, Any]  # what was recorded of one kind and name in one period: a Value of that kind per labels
Series = dict[Key, Block]

_LENGTH = Struct("<I")
_MEMORY = 5  # of zlib: it begins new codes more often than by default, as each column wants its own; 2 to 5 % smaller


def merge(into: dict[Any, Any], pairs: Iterable[tuple[Any, Value]]) -> None:
    """Add the (labels, value) pairs to `into`, which takes over the values."""
    for labels, value in pairs:
        if (own := into.get(labels)) is None:
            into[labels] = value
        else:
            own.merge(value)


def _itself(key: Any) -> Any:
    return key


def encoded(
    kind: str, block: Mapping[Any, Value], name: Callable[[Any], Any] = list, *, exactly: bool = False
) -> bytes:
    """A block as bytes; `name` makes of its keys what JSON can hold. `exactly` keeps every digit of totals."""
    keys = json.dumps([name(labels) for labels in block], separators=(",", ":")).encode()
    packer = zlib.compressobj(memLevel=_MEMORY)
    values: list[Any] = list(block.values())
    pack = Histogram.pack_exactly if exactly and kind == HISTOGRAM else KINDS[kind].pack
    packed = packer.compress(_LENGTH.pack(len(keys)) + keys + pack(values))
    return packed + packer.flush()


def decoded(kind: str, data: bytes | memoryview, known: Callable[[Any], Any] = _itself) -> Iterator[tuple[Any, Any]]:
    """(key, value) of each series in the block `data` whose key is `known`: what that makes of what JSON held."""
    raw = zlib.decompress(data)
    (length,) = _LENGTH.unpack_from(raw)
    keys = [known(key) for key in json.loads(raw[_LENGTH.size : _LENGTH.size + length])]
    chosen = [key is not None for key in keys]
    return zip(compress(keys, chosen), KINDS[kind].unpack(raw[_LENGTH.size + length :], chosen), strict=True)
