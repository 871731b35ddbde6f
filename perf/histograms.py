"""Mergeable histograms of logarithmic bins: quantiles within 2 % of exact, however many values and processes."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress
from math import ceil, floor, isfinite, log
from operator import add, sub
from sys import byteorder
from typing import Self

GROWTH = 1.04  # of one bin's upper edge over its lower: a bin's middle is within (1.04 - 1) / (1.04 + 1) < 2 % of both
LOWEST, HIGHEST = -700, 1_200  # bins: of 1.2e-12 and of 2.7e20; what lies beyond counts in the outermost
MOST_BINS = HIGHEST - LOWEST + 1

_BINS_PER_E = 1 / log(GROWTH)
_MIDDLE = 2 * GROWTH / (GROWTH + 1)  # of a bin over its lower edge: relatively as far from both edges
_CODES = "BHIQ"  # array types of 1, 2, 4 and 8 bytes
_BIG_ENDIAN = byteorder == "big"


class Histogram:
    """How often values of each size came, in at most MOST_BINS bins beside the zeros; values are finite and ≥ 0.

    Merging is exact: histograms of parts, in any order, give the one of the whole. The bins are the digits of one
    number, of 64 bits each, so that adding two histograms is one addition.
    """

    __slots__ = ("_digits", "_first", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0
        self.least, self.most = float("inf"), 0.0  # of no values: what any value changes
        self._first = 0  # the bin of the lowest digit
        self._digits = 0

    def add(self, value: float, times: int = 1) -> None:
        """Count `value` `times` times. ValueError for what is negative, infinite or no number."""
        if not (value >= 0 and isfinite(value)):
            raise ValueError(f"{value} is no value of a histogram")
        self._totals(times, value * times, value, value)
        if value:
            self._put(min(max(floor(log(value) * _BINS_PER_E), LOWEST), HIGHEST), times)

    def extend(self, values: Sequence[float]) -> None:
        """Count all `values`, as `add` does, in a fraction of the time."""
        if not values:
            return
        least, most, total = min(values), max(values), sum(values)
        if not (least >= 0 and isfinite(total)):
            raise ValueError("a value is negative, infinite or no number")
        self._totals(len(values), total, least, most)
        if not least:
            values = [value for value in values if value]
        # As in `add`, in loops of the interpreter: half a microsecond less for each value.
        counted = Counter(map(floor, map(_BINS_PER_E.__mul__, map(log, values))))
        for beyond in [place for place in counted if not LOWEST <= place <= HIGHEST]:
            counted[min(max(beyond, LOWEST), HIGHEST)] += counted.pop(beyond)
        if counted:
            first = min(counted)
            self._put(first, _number([counted[place] for place in range(first, max(counted) + 1)]))

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted, too."""
        self._totals(other.count, other.total, other.least, other.most)
        if other._digits:
            self._put(other._first, other._digits)

    @property
    def mean(self) -> float | None:
        """The mean, to the digits of the total; None when empty."""
        return self.total / self.count if self.count else None

    @property
    def zeros(self) -> int:
        """How many values were 0."""
        return self.count - sum(self._counts())

    def quantile(self, q: float) -> float | None:
        """The value that the share `q` of all values does not exceed, within 2 %; None when empty."""
        if not self.count:
            return None
        rank = max(ceil(q * self.count), 1)
        counts = self._counts()
        reached = self.count - sum(counts)
        if rank <= reached:
            return 0.0
        place = bisect_left(list(accumulate(counts)), rank - reached)
        return float(min(max(GROWTH ** (self._first + place) * _MIDDLE, self.least), self.most))

    @property
    def p50(self) -> float | None:
        """The median."""
        return self.quantile(0.5)

    @property
    def p95(self) -> float | None:
        """What 95 % of the values do not exceed."""
        return self.quantile(0.95)

    @property
    def p99(self) -> float | None:
        """What 99 % of the values do not exceed."""
        return self.quantile(0.99)

    def bins(self) -> Iterator[tuple[float, int]]:
        """(upper edge, how many) of each bin that has any, rising; zeros under 0."""
        if zeros := self.zeros:
            yield 0.0, zeros
        for place, many in enumerate(self._counts(), self._first + 1):
            if many:
                yield GROWTH**place, many

    def encode(self) -> bytes:
        """What `decode` reads; counts exactly, the total to seven digits, least and most to five: more costs bytes."""
        return self.pack([self])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The histogram that `encode` wrote."""
        return next(cls.unpack(data, [True]))

    @classmethod
    def pack(cls, histograms: Sequence[Histogram]) -> bytes:
        """Many in columns, each column's bytes by their rank: what is alike stands together and compresses well."""
        counts = [one._counts() for one in histograms]
        packed = [
            _planes(array("f", [one.total for one in histograms])),
            _planes(_shortened([one.least for one in histograms])),
            _planes(_shortened([one.most for one in histograms])),
            _planes(array("h", [one._first for one in histograms])),
            _planes(array("H", map(len, counts))),
        ]
        for numbers in ([one.count for one in histograms], list(chain.from_iterable(counts))):
            code = next(code for code in _CODES if max(numbers, default=0) < 256 ** array(code).itemsize)
            packed.append(code.encode() + _planes(array(code, numbers)))
        return b"".join(packed)

    @classmethod
    def pack_exactly(cls, histograms: Sequence[Histogram]) -> bytes:
        """As `pack`, and behind it what that leaves of the totals: for sums that are added to again and again."""
        return cls.pack(histograms) + _planes(array("i", _rests([one.total for one in histograms])))

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Self]:
        """Those of the histograms that either way of packing wrote which are `chosen`, in their order."""
        many = len(chosen)
        totals, data = _column("f", data, many)
        leasts, data = _column("f", data, many)
        mosts, data = _column("f", data, many)
        firsts, data = _column("h", data, many)
        widths, data = _column("H", data, many)
        counts, data = _column(chr(data[0]), data[1:], many)
        bins, data = _column(chr(data[0]), data[1:], sum(widths))
        if data:
            totals = _with_rests(totals, _column("i", data, many)[0])
        digits = _little(array("Q", bins)).tobytes()
        ends = accumulate(widths)
        for row in compress(zip(counts, totals, leasts, mosts, firsts, widths, ends, strict=True), chosen):
            one = cls.__new__(cls)
            one.count, one.total, one.least, one.most, one._first, width, end = row
            one._digits = int.from_bytes(digits[(end - width) * 8 : end * 8], "little")
            yield one

    def _totals(self, count: int, total: float, least: float, most: float) -> None:
        self.count += count
        self.total += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)

    def _put(self, first: int, digits: int) -> None:
        """Add the bins that are the `digits` from `first` on."""
        if not self._digits:
            self._first, self._digits = first, digits
        elif first >= self._first:
            self._digits += digits << 64 * (first - self._first)
        else:
            self._digits = (self._digits << 64 * (self._first - first)) + digits
            self._first = first

    def _counts(self) -> array[int]:
        counts = array("Q")
        counts.frombytes(self._digits.to_bytes(-(-self._digits.bit_length() // 64) * 8, "little"))
        return _little(counts)


def _number(counts: Sequence[int]) -> int:
    """The number that has these digits, the lowest first."""
    return int.from_bytes(_little(array("Q", counts)).tobytes(), "little")


def _shortened(values: Sequence[float]) -> array[float]:
    """The values, rounded to where the last of their 4 bytes is 0: that one says little, and would not compress."""
    rounded = [(bits + 0x80) & 0xFFFFFF00 for bits in array("I", array("f", values).tobytes())]
    return array("f", array("I", rounded).tobytes())


def _rests(totals: Sequence[float]) -> list[int]:
    """What a number of 4 bytes leaves of each that is in its range, counted in steps of one of 8 bytes."""
    rests = map(sub, _steps(totals), _steps(array("f", totals)))
    return [rest if -(1 << 31) <= rest < 1 << 31 else 0 for rest in rests]


def _with_rests(rough: Sequence[float], rests: Sequence[int]) -> array[float]:
    """The totals of which 4 bytes gave `rough`."""
    return array("d", array("q", map(add, _steps(rough), rests)).tobytes())


def _steps(numbers: Sequence[float]) -> array[int]:
    """How many numbers of 8 bytes each stands above 0: its bits, read as a whole number."""
    return array("q", array("d", numbers).tobytes())


def _planes(numbers: array[int] | array[float]) -> bytes:
    """The numbers' first bytes, then their second bytes …, the lowest first."""
    raw, size = _little(numbers).tobytes(), numbers.itemsize
    return b"".join(raw[rank::size] for rank in range(size))


def _column(code: str, data: bytes, many: int) -> tuple[array, bytes]:
    """(`many` numbers of the array type `code`, what follows them) in what `_planes` wrote."""
    numbers = array(code)
    size = numbers.itemsize
    raw = bytearray(size * many)
    for rank in range(size):
        raw[rank::size] = data[rank * many : (rank + 1) * many]
    numbers.frombytes(bytes(raw))
    return _little(numbers), data[size * many :]


def _little(numbers: array) -> array:
    """The same bytes whatever machine wrote them."""
    if _BIG_ENDIAN:  # pragma: no cover  # no such machine here
        numbers = numbers[:]
        numbers.byteswap()
    return numbers


def summed(histograms: Iterable[Histogram]) -> Histogram:
    """One histogram of all."""
    whole = Histogram()
    for one in histograms:
        whole.merge(one)
    return whole
