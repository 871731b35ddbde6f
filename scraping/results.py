"""What became of a claimed job: the calls made for it and what they gave."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from operator import attrgetter

from django.conf import settings

from scraping.connectors.base import Reading
from scraping.models import ScrapeJob
from snapshots.models import FIGURES, Source
from snapshots.recording import Sighting

SAID = tuple(field.name for field in fields(Reading) if field.name in FIGURES)
"""The figures that a reading may have."""
_said_by = attrgetter(*SAID)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of an answer that could not be read, fit to be stored; `size` is the whole answer's, in bytes."""

    body: str
    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Try:
    """One call made for a job: the endpoint, when it started, how long it took (seconds) and what came of it."""

    step: str
    started_at: datetime
    seconds: float
    outcome: str
    status: int | None = None
    detail: str = ""
    excerpt: Excerpt | None = None


@dataclass(slots=True)
class Result:
    """What became of a claimed job.

    `reading` with figures only, and `read_from` which kind of connector; `external_id` if it was learned; `until` if it
    has to wait for more than its turn.
    """

    job: ScrapeJob
    outcome: str
    tries: list[Try] = field(default_factory=list)
    reading: Reading | None = None
    external_id: str = ""
    until: datetime | None = None
    read_from: str | None = None

    @property
    def sighting(self) -> Sighting | None:
        """Its figures as the job's day's, seen when the last call ended; None without any."""
        if self.reading is None:
            return None
        last = self.tries[-1]
        return Sighting(
            account_id=self.job.account_id,
            date=self.job.date,
            observed_at=last.started_at + timedelta(seconds=last.seconds),
            source=Source.SIMULATED if settings.FAKE_PLATFORMS_URL else Source.OBSERVED,
            read_from=self.read_from,
            **dict(zip(SAID, _said_by(self.reading), strict=True)),
        )
