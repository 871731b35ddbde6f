"""The days that a page of figures is about, as its address says: the last 7 to 365, or from one day to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from snapshots.summary import Days

CHOICES = {7: "7 days", 30: "30 days", 90: "90 days", 365: "1 year"}
USUAL = 30
LONGEST = 1_826  # days: five years
EARLIEST = date(2000, 1, 1)
ONE_DAY = timedelta(days=1)
QUOTED = 20  # characters of an address that are said again


@dataclass(frozen=True, slots=True)
class Period:
    """Figures of the day `end` are compared with those of `start`; `note` says what was asked for and not given.

    `choice` is the one of CHOICES that was taken, None for days of one's own.
    """

    start: date
    end: date
    choice: int | None = None
    note: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Period:
        """The period that `days`, or `from` and `to`, of an address name; it ends at the newest figure at the latest.

        Anything else means the usual one, or the nearest that there is.
        """
        newest = Days.now().newest
        first, last = query.get("from", ""), query.get("to", "")
        return _between(first, last, newest) if first or last else _last(query.get("days", ""), newest)

    @property
    def days(self) -> int:
        """How many days lie between the two."""
        return (self.end - self.start).days

    @property
    def previous(self) -> Period:
        """The period of equal length that ends where this one starts."""
        return Period(self.start - timedelta(days=self.days), self.start)

    @property
    def dates(self) -> list[date]:
        """All its days, the first and the last too."""
        return [self.start + timedelta(days=day) for day in range(self.days + 1)]

    @property
    def label(self) -> str:
        """Its name on a page: 30 days, or 1 Sep – 30 Sep 2026."""
        return CHOICES[self.choice] if self.choice else self.span

    @property
    def span(self) -> str:
        """Its first and its last day: 1 Sep – 30 Sep 2026."""
        year = "" if self.start.year == self.end.year else f" {self.start.year}"
        return f"{self.start.day} {self.start:%b}{year} – {said(self.end)}"

    @property
    def query(self) -> str:
        """What names it in an address: days=30, or from=2026-09-01&to=2026-09-30."""
        return f"days={self.choice}" if self.choice else f"from={self.start}&to={self.end}"

    @property
    def figures(self) -> str:
        """What asks the API for its figures: days=30 would mean the days up to today, whatever the newest figure is.

        A period that ends at the newest figure stays open, for a page that is left open.
        """
        return f"from={self.start}" if self.choice else self.query

    @property
    def choices(self) -> list[tuple[int, str]]:
        """The periods offered, by days, with their names."""
        return list(CHOICES.items())


def said(day: date) -> str:
    """A day in words: 22 Nov 2026."""
    return f"{day.day} {day:%b %Y}"


def _last(raw: str, newest: date) -> Period:
    """The last so many days up to the newest figure."""
    days = {str(days): days for days in CHOICES}.get(raw)
    note = f"“{raw[:QUOTED]}” is none of the periods; the last {USUAL} days are shown." if raw and not days else ""
    days = days or USUAL
    return Period(newest - timedelta(days=days), newest, days, note)


def _between(first: str, last: str, newest: date) -> Period:
    """From one day to another: put in order, and kept to the days that there can be."""
    days = {raw: _day(raw) for raw in (first, last) if raw}
    if junk := [raw for raw, day in days.items() if day is None]:
        usual = _last("", newest)
        return Period(
            usual.start, usual.end, USUAL, f"“{junk[0][:QUOTED]}” is no day; the last {USUAL} days are shown."
        )
    end = days.get(last) or newest
    start = days.get(first) or end - timedelta(days=USUAL)
    notes: list[str] = []
    if start > end:
        start, end = end, start
        notes.append("The days were the other way round.")
    return _kept(start, end, newest, notes)


def _kept(start: date, end: date, newest: date, notes: list[str]) -> Period:
    """The nearest period to start and end that there can be, with what had to be changed."""
    if end > newest:
        end = newest
        notes.append(f"There are no figures after {said(newest)}, so the period ends there.")
    end = max(end, EARLIEST + ONE_DAY)
    if start >= end:
        start = end - ONE_DAY
        notes.append(f"A change needs two days, so the period starts on {said(start)}.")
    if start < (first := max(EARLIEST, end - timedelta(days=LONGEST))):
        start = first
        notes.append(f"Five years are the most that is shown at once, so the period starts on {said(start)}.")
    return Period(start, end, None, " ".join(notes))


def _day(raw: str) -> date | None:
    """The day that `raw` names (2026-11-22); None when it names none. A day before all figures stands for the first."""
    try:
        return max(date.fromisoformat(raw), EARLIEST)
    except ValueError:
        return None


def kept_fields(query: Any) -> list[tuple[str, str]]:
    """What a form that picks another period has to carry on of the address's `query` (a QueryDict), in order."""
    dropped = {"days", "from", "to", "page", "after"}
    return [(name, value) for name, values in query.lists() if name not in dropped for value in values]
