"""Mergeable histograms of logarithmic bins: quantiles within 2 % of exact, however many values and processes."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from math import ceil, floor, isfinite, log
from operator import add
from sys import byteorder
from typing import Self

GROWTH = 1.04  # of one bin's upper edge over its lower: a bin's middle is within (1.04 - 1) / (1.04 + 1) < 2 % of both
LOWEST, HIGHEST = -700, 1_200  # bins: of 1.2e-12 and of 2.7e20; what lies beyond counts in the outermost
MOST_BINS = HIGHEST - LOWEST + 1

_BINS_PER_E = 1 / log(GROWTH)
_MIDDLE = 2 * GROWTH / (GROWTH + 1)  # of a bin over its lower edge: relatively as far from both edges
_CODES = "BHIQ"  # array types of 1, 2, 4 and 8 bytes
_BIG_ENDIAN = byteorder == "big"


def _bin(value: float) -> int:
    return min(max(floor(log(value) * _BINS_PER_E), LOWEST), HIGHEST)


class Histogram:
    """How often values of each size came, in at most MOST_BINS bins beside the zeros; values are finite and ≥ 0.

    Merging is exact: histograms of parts, in any order, give the one of the whole.
    """

    __slots__ = ("_bins", "_first", "count", "least", "most", "total", "zeros")

    def __init__(self) -> None:
        self.count, self.total, self.zeros = 0, 0.0, 0
        self.least, self.most = float("inf"), 0.0  # of no values: what any value changes
        self._first = 0  # the bin of _bins[0]
        self._bins: list[int] = []

    def add(self, value: float, times: int = 1) -> None:
        """Count `value` `times` times. ValueError for what is negative, infinite or no number."""
        if not (value >= 0 and isfinite(value)):
            raise ValueError(f"{value} is no value of a histogram")
        self._totals(times, value * times, value, value)
        if value:
            self._put(_bin(value), (times,))
        else:
            self.zeros += times

    def extend(self, values: Sequence[float]) -> None:
        """Count all `values`, as `add` does, in a fraction of the time."""
        if not values:
            return
        least, most = min(values), max(values)
        if not (least >= 0 and isfinite(sum(values))):
            raise ValueError("a value is negative, infinite or no number")
        self._totals(len(values), sum(values), least, most)
        if not least:
            zeros = values.count(0)
            self.zeros += zeros
            if zeros == len(values):
                return
            values = [value for value in values if value]
        # As _bin, in loops of the interpreter: half a microsecond less for each value.
        self._put_all(Counter(map(floor, map(_BINS_PER_E.__mul__, map(log, values)))))

    def merge(self, other: Histogram) -> None:
        """Count what `other` counted, too."""
        self._totals(other.count, other.total, other.least, other.most)
        self.zeros += other.zeros
        if other._bins:
            self._put(other._first, other._bins)

    @property
    def mean(self) -> float | None:
        """The exact mean; None when empty."""
        return self.total / self.count if self.count else None

    def quantile(self, q: float) -> float | None:
        """The value that the share `q` of all values does not exceed, within 2 %; None when empty."""
        if not self.count:
            return None
        rank = max(ceil(q * self.count), 1)
        if rank <= self.zeros:
            return 0.0
        for place, reached in enumerate(accumulate(self._bins, initial=self.zeros), self._first - 1):
            if reached >= rank:
                return float(min(max(GROWTH**place * _MIDDLE, self.least), self.most))
        return self.most

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
        if self.zeros:
            yield 0.0, self.zeros
        for place, many in enumerate(self._bins, self._first + 1):
            if many:
                yield GROWTH**place, many

    def encode(self) -> bytes:
        """What `decode` reads; least and most to seven digits, everything else exactly."""
        return self.pack([self])

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The histogram that `encode` wrote."""
        return next(cls.unpack(data, 1))

    @classmethod
    def pack(cls, histograms: Sequence[Histogram]) -> bytes:
        """Many in columns, each column's bytes by their rank: what is alike stands together and compresses well."""
        packed = [
            _planes(array("d", [one.total for one in histograms])),
            _planes(array("f", [one.least for one in histograms])),
            _planes(array("f", [one.most for one in histograms])),
            _planes(array("h", [one._first for one in histograms])),
            _planes(array("H", [len(one._bins) for one in histograms])),
        ]
        for numbers in ([one.zeros for one in histograms], [many for one in histograms for many in one._bins]):
            code = next(code for code in _CODES if max(numbers, default=0) < 256 ** array(code).itemsize)
            packed.append(code.encode() + _planes(array(code, numbers)))
        return b"".join(packed)

    @classmethod
    def unpack(cls, data: bytes, many: int) -> Iterator[Self]:
        """The `many` histograms that `pack` wrote, in their order."""
        totals, data = _column("d", data, many)
        leasts, data = _column("f", data, many)
        mosts, data = _column("f", data, many)
        firsts, data = _column("h", data, many)
        widths, data = _column("H", data, many)
        zeros, data = _column(chr(data[0]), data[1:], many)
        bins, data = _column(chr(data[0]), data[1:], sum(widths))
        counts = iter(bins)
        for total, least, most, first, width, none in zip(totals, leasts, mosts, firsts, widths, zeros, strict=True):
            one = cls()
            one.total, one.least, one.most, one._first, one.zeros = total, least, most, first, none
            one._bins = list(islice(counts, width))
            one.count = none + sum(one._bins)
            yield one

    def _totals(self, count: int, total: float, least: float, most: float) -> None:
        self.count += count
        self.total += total
        self.least = min(self.least, least)
        self.most = max(self.most, most)

    def _put_all(self, counted: Counter[int]) -> None:
        for beyond in [place for place in counted if not LOWEST <= place <= HIGHEST]:
            counted[min(max(beyond, LOWEST), HIGHEST)] += counted.pop(beyond)
        first = min(counted)
        self._put(first, [counted[place] for place in range(first, max(counted) + 1)])

    def _put(self, first: int, counts: Sequence[int]) -> None:
        """Add `counts` to the bins from `first` on."""
        mine = self._bins
        if not mine:
            self._first, self._bins = first, list(counts)
            return
        if first < self._first:
            mine[:0] = [0] * (self._first - first)
            self._first = first
        start = first - self._first
        end = start + len(counts)
        if end > len(mine):
            mine += [0] * (end - len(mine))
        mine[start:end] = map(add, mine[start:end], counts)


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
