"""How many did the same at the same time, in whichever processes: kept as when each run of it began and ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, compress, islice
from struct import Struct
from typing import ClassVar, NamedTuple, Self

_HEAD, _RUN = Struct("<II"), Struct("<Qdd")


class Span(NamedTuple):
    """One run from `began` until `ended`, in seconds since 1970; only runs of the same `answer` are a crowd."""

    answer: int  # any number of 64 bits
    began: float
    ended: float


@dataclass(slots=True)
class Crowd:
    """The `most` runs there were at once, and the last runs, which others that are told later may have run beside.

    Processes tell of their runs within seconds of each other: runs that ended LATE seconds before the last, and more
    than RUNS of them, are let go. Clocks of two hosts may differ; a crowd of both is as exact as they are.
    """

    runs: list[Span] = field(default_factory=list)
    most: int = 0

    LATE: ClassVar = 60.0
    RUNS: ClassVar = 64

    @classmethod
    def of(cls, runs: Iterable[Span]) -> Self:
        """What these runs were."""
        crowd = cls()
        crowd._take(list(runs))
        return crowd

    def merge(self, other: Crowd) -> None:
        """Count the runs of `other`, too."""
        self.most = max(self.most, other.most)
        self._take(other.runs)

    def _take(self, runs: list[Span]) -> None:
        before = max((run.ended for run in self.runs), default=0.0)
        apart = bool(self.runs) and all(run.began >= before for run in runs)
        together = self.runs + runs
        self.most = max(self.most, at_once(runs if apart else together))
        last = max((run.ended for run in together), default=0.0)
        late = [run for run in together if run.ended > last - self.LATE]
        self.runs = sorted(late, key=lambda run: run.ended)[-self.RUNS :]

    @classmethod
    def pack(cls, values: Sequence[Crowd]) -> bytes:
        heads = b"".join(_HEAD.pack(one.most, len(one.runs)) for one in values)
        return heads + b"".join(_RUN.pack(*run) for one in values for run in one.runs)

    @classmethod
    def unpack(cls, data: bytes, chosen: Sequence[bool]) -> Iterator[Crowd]:
        ends = len(chosen) * _HEAD.size
        runs = map(Span._make, _RUN.iter_unpack(data[ends:]))
        heads = _HEAD.iter_unpack(data[:ends])
        return compress((cls(list(islice(runs, many)), most) for most, many in heads), chosen)


def at_once(runs: Iterable[Span]) -> int:
    """The most `runs` of one answer that were under way together; who begins as another ends is not."""
    steps = chain.from_iterable(((run.answer, run.began, 1), (run.answer, run.ended, -1)) for run in runs)
    return max(accumulate(step for *_, step in sorted(steps)), default=0)
