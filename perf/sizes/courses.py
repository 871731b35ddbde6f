"""How a level went over a window: what pages and the API say of growth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from perf import reading
from perf.series import Labels

POINTS = 60  # of a line on a page, at most


@dataclass(frozen=True, slots=True)
class Course:
    """The levels of one series in a window, oldest first, each with its step; at least one."""

    points: Sequence[tuple[datetime, float]]

    @property
    def since(self) -> datetime:
        """The step of its first level: later than the window begins where the series is younger."""
        return self.points[0][0]

    @property
    def at(self) -> datetime:
        """The step of its last level."""
        return self.points[-1][0]

    @property
    def last(self) -> float:
        """The last level."""
        return self.points[-1][1]

    @property
    def least(self) -> float:
        """The lowest level at the end of a step."""
        return min(value for _, value in self.points)

    def line(self) -> list[float]:
        """Its levels for a small line, thinned to POINTS of them at most, the last one among them."""
        every = -(-len(self.points) // POINTS)
        return [value for _, value in self.points[::-1][::every][::-1]]

    def gained(self, now: float | None) -> int | None:
        """What `now` is more than its first level; None where either is not known or there is but one look."""
        return None if now is None else round(now - self.points[0][1])


def courses(name: str, window: reading.Window, **labels: str) -> dict[Labels, Course]:
    """The course of every series of `name` that has a level in `window`."""
    return {own: Course(points) for own, points in reading.levels(name, window, **labels).items() if points}
