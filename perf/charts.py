"""Charts of a period drawn by the server: lines or stacked bars as SVG, each step's values told in words.

A template draws them (perf/_chart.html) in a box of WIDTH × HEIGHT that is stretched to the width of the page; all
words stand beside it in HTML, so that they keep their size. Missing is a gap, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10
from typing import NamedTuple, TypeVar

from django.utils import timezone

WIDTH, HEIGHT = 1000, 100
MOST_STEPS = 96  # of a chart; a thinner line shows no more on any screen
STEPS = 4  # of the scale
TOPS = (1, 2, 4, 8, 10)  # where a scale may end, × a power of ten: its quarters are short numbers

Values = Sequence[float | None]
Write = Callable[[float], str]
Value = TypeVar("Value")


class Series(NamedTuple):
    """What one line or one colour of bars shows: its words, the number of its colour (from 1), and its SVG path."""

    label: str
    tone: int
    path: str


class Step(NamedTuple):
    """One step: where it stands in the drawing, when it began, and (label, value in words or None) per series."""

    x: float
    width: float
    at: datetime
    told: list[tuple[str, str | None]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded in it."""
        return all(value is None for _, value in self.told)

    @property
    def words(self) -> str:
        """All of it in a sentence, for whoever points at it."""
        values = ", ".join(f"{label} {value}" for label, value in self.told if value is not None) or "nothing recorded"
        return f"{instant(self.at)}: {values}"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing; `scale` are the words beside it from the top down, `marks` those below it from left to right.

    `level` is a height to keep below, in the drawing, and its words; `is_bars` says that the series are areas.
    """

    title: str
    series: list[Series]
    steps: list[Step]
    scale: list[str]
    marks: list[str]
    level: tuple[float, str] | None = None
    is_bars: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was recorded in any step."""
        return all(step.is_empty for step in self.steps)


def lines(
    title: str, at: Sequence[datetime], values: Mapping[str, Values], *, write: Write, level: float | None = None
) -> Chart:
    """One line per name in `values`, whose values stand at the instants `at`; `write` puts a value into words.

    `level` is drawn as a line to keep below, where it is not far above everything.
    """
    most = max((value for one in values.values() for value in one if value is not None), default=0)
    shown = level is not None and level <= most * 4
    top = _top(max(most, level) if shown and level is not None else most)
    paths = [Series(name, tone, _line(one, top)) for tone, (name, one) in enumerate(values.items(), 1)]
    kept = (HEIGHT * (1 - level / top), write(level)) if shown and level is not None else None
    return Chart(title, paths, _steps(at, values, write), _scale(top, write), _marks(at), kept)


def bars(title: str, at: Sequence[datetime], values: Mapping[str, Values], *, write: Write) -> Chart:
    """Bars, one part per name in `values` upon the one before; a step without any value has none."""
    sums = [sum(value or 0 for value in step) for step in zip(*values.values(), strict=True)]
    top = _top(max(sums, default=0), least=STEPS)  # parts of a bar are counted: no quarter of one
    below, paths = [0.0] * len(at), []
    for tone, (name, one) in enumerate(values.items(), 1):
        paths.append(Series(name, tone, _bars(one, below, top)))
        below = [low + (value or 0) for low, value in zip(below, one, strict=True)]
    return Chart(title, paths, _steps(at, values, write), _scale(top, write), _marks(at), is_bars=True)


def thinned(
    steps: Sequence[tuple[datetime, Value]], merge: Callable[[list[Value]], Value]
) -> list[tuple[datetime, Value]]:
    """At most MOST_STEPS of `steps`: neighbours are merged, under the instant of the first."""
    size = ceil(len(steps) / MOST_STEPS) or 1
    groups = (steps[start : start + size] for start in range(0, len(steps), size))
    return [(group[0][0], merge([value for _, value in group])) for group in groups]


def instant(at: datetime) -> str:
    """A step's beginning in the project's zone: Sun 22 Nov, 14:05."""
    local = timezone.localtime(at)
    return f"{local:%a} {local.day} {local:%b, %H:%M}"


def _scale(top: float, write: Write) -> list[str]:
    return [write(top * part / STEPS) for part in range(STEPS, -1, -1)]


def _steps(at: Sequence[datetime], values: Mapping[str, Values], write: Write) -> list[Step]:
    width, found = WIDTH / (len(at) or 1), []
    for place, began in enumerate(at):
        known = ((name, one[place]) for name, one in values.items())
        told = [(name, None if value is None else write(value)) for name, value in known]
        found.append(Step(round(place * width, 2), round(width, 2), began, told))
    return found


def _top(most: float, least: float = 0) -> float:
    """Where a scale ends that has room for `most`, and for `least` in any case."""
    most = max(most, least)
    if most <= 0:
        return 1
    power = 10 ** floor(log10(most))
    return float(next(top * power for top in TOPS if top * power >= most * 0.999_999))


def _line(values: Values, top: float) -> str:
    width, path, is_up = WIDTH / (len(values) or 1), [], True
    for place, value in enumerate(values):
        if value is None:
            is_up = True
            continue
        alone = is_up and (place + 1 == len(values) or values[place + 1] is None)
        at = (place + (0.2 if alone else 0.5)) * width  # a point between gaps is a dash: a dot is hardly seen
        path.append(f"{'M' if is_up else 'L'}{at:.1f} {HEIGHT * (1 - value / top):.2f}")
        path.append(f"h{width * 0.6:.1f}" if alone else "")
        is_up = False
    return "".join(path)


def _bars(values: Values, below: Sequence[float], top: float) -> str:
    width, path = WIDTH / (len(values) or 1), []
    for place, (value, low) in enumerate(zip(values, below, strict=True)):
        if value:
            bottom, height = HEIGHT * (1 - low / top), HEIGHT * value / top
            path.append(f"M{(place + 0.1) * width:.1f} {bottom:.2f}v-{height:.2f}h{width * 0.8:.1f}v{height:.2f}z")
    return "".join(path)


def _marks(at: Sequence[datetime]) -> list[str]:
    """The first, the middle and the last instant, in as few words as tell them apart."""
    if len(at) < 3:
        return [instant(one) for one in at]
    local = [timezone.localtime(one) for one in (at[0], at[len(at) // 2], at[-1])]
    if local[-1] - local[0] <= timedelta(hours=25):
        return [f"{one:%H:%M}" for one in local]
    return [f"{one.day} {one:%b}" for one in local]
