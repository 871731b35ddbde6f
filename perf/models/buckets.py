"""Tables of what was recorded: arrivals as processes wrote them, and rings of tables of minutes, hours and days.

A row holds all series of one name in one period as a compressed block (perf/series.py). Deleting is by period: the
tables of a ring are used in turn, and one is emptied by TRUNCATE before it is used again. That leaves no dead row to
clean up after, whatever the traffic, and the same way works on SQLite, which has no partitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Arrival(models.Model):
    """What one process gathered under one name in one minute, until the roll-up takes it into the rings.

    Only ever appended: no two processes meet in a row. The block holds labels in full.
    """

    start = models.DateTimeField(help_text="The minute, in UTC.")
    kind = models.CharField(max_length=1, help_text="Histograms, counts or levels: a key of perf.series.KINDS.")
    name = models.CharField(max_length=100)
    data = models.BinaryField()

    class Meta:
        default_permissions = ()


class LabelSet(models.Model):
    """A set of labels that blocks in the rings name by its number, as JSON: pairs by name."""

    labels = models.TextField(unique=True)

    class Meta:
        default_permissions = ()


class Turn(models.Model):
    """A periodic work of all processes: whoever moves `taken_at` on does it."""

    name = models.CharField(max_length=100, primary_key=True)
    taken_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class Bucket(models.Model):
    """All series of one name in one period."""

    start = models.DateTimeField(help_text="When the period began, in UTC.")
    kind = models.CharField(max_length=1, help_text="As of an arrival.")
    name = models.CharField(max_length=100)
    data = models.BinaryField()

    class Meta:
        abstract = True
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["start", "kind", "name"], name="uq_%(class)s")]


class Minutes0(Bucket):
    """Table 1 of the ring of minutes."""


class Minutes1(Bucket):
    """Table 2 of the ring of minutes."""


class Minutes2(Bucket):
    """Table 3 of the ring of minutes."""


class Minutes3(Bucket):
    """Table 4 of the ring of minutes."""


class Hours0(Bucket):
    """Table 1 of the ring of hours."""


class Hours1(Bucket):
    """Table 2 of the ring of hours."""


class Hours2(Bucket):
    """Table 3 of the ring of hours."""


class Hours3(Bucket):
    """Table 4 of the ring of hours."""


class Days0(Bucket):
    """Table 1 of the ring of days."""


class Days1(Bucket):
    """Table 2 of the ring of days."""


class Days2(Bucket):
    """Table 3 of the ring of days."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Tables used in turn, each for the periods of one `span`; kept are at least the last (tables - 1) spans."""

    name: str
    step: timedelta
    span: timedelta
    tables: tuple[type[Bucket], ...]
    examples: timedelta | None  # how long a period of examples is; None: none are kept as long
    is_exact: bool = False  # totals to the last digit: /metrics tells them while they grow, and they never sink

    def period(self, instant: datetime, kind: str = "") -> datetime:
        """When the period of `instant` began, in UTC, of what is of this `kind`."""
        return _begun(instant, self.examples or self.step if kind == "x" else self.step)

    def keeps(self, kind: str) -> bool:
        """Whether what is of this `kind` is kept here."""
        return kind != "x" or self.examples is not None

    def since(self, instant: datetime) -> datetime:
        """From when on everything is kept at `instant`."""
        return self.begun(instant) - self.span * (len(self.tables) - 1)

    def table(self, start: datetime) -> type[Bucket]:
        """The table of the period that began at `start`."""
        return self.tables[(start - EPOCH) // self.span % len(self.tables)]

    def over(self, start: datetime, end: datetime) -> Iterator[type[Bucket]]:
        """The tables that hold periods from `start` until before `end`."""
        for number in range(min((self.begun(end) - self.begun(start)) // self.span + 1, len(self.tables))):
            yield self.table(self.begun(end) - number * self.span)

    def begun(self, instant: datetime) -> datetime:
        """Since when the table of `instant` is in use for its present span; what is older in it has had its time."""
        return _begun(instant, self.span)


def _begun(instant: datetime, length: timedelta) -> datetime:
    """In UTC: a database may answer in a zone of its own, whose days have 23 hours or 25 at times."""
    instant = instant.astimezone(UTC)
    return instant - (instant - EPOCH) % length


MINUTES = Ring(
    "minute", timedelta(minutes=1), timedelta(hours=16), (Minutes0, Minutes1, Minutes2, Minutes3), timedelta(hours=1)
)
HOURS = Ring("hour", timedelta(hours=1), timedelta(days=30), (Hours0, Hours1, Hours2, Hours3), timedelta(days=1))
DAYS = Ring("day", timedelta(days=1), timedelta(days=365), (Days0, Days1, Days2), None, is_exact=True)
RINGS = (MINUTES, HOURS, DAYS)
