"""What becomes of a sighting, given what is known of its account: stored, doubted, confirmed or left aside."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from snapshots.doubts import confirms, fell_together, is_close, is_leap
from snapshots.models import COUNTS, FIGURES, Quality, Snapshot, Source
from snapshots.standings import Standing

Outcome = Literal["stored", "updated", "unchanged", "suspect", "published", "kept"]
"""stored: the day had no row. updated, unchanged: it had one, with other or the same figures. suspect: stored, but
not to be seen before a second reading or an editor agrees. published: this was that second reading. kept: the day's
row stands, because its source is better, it is newer, an editor rejected this figure, or this one is doubted."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One account's figures as they were seen at one instant, for one day; None means the source did not say."""

    account_id: int
    date: date
    observed_at: datetime
    source: str
    followers: int | None = None
    followers_rounded: bool = False
    following: int | None = None
    listed: int | None = None
    posts: int | None = None
    videos: int | None = None
    stories: int | None = None
    live_streams: int | None = None
    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    video_views: int | None = None
    total_video_views: int | None = None
    engagements: int | None = None
    read_from: str | None = None

    def __post_init__(self) -> None:
        negative = [name for name in COUNTS if (getattr(self, name) or 0) < 0]
        if negative:
            raise ValueError(f"{negative[0]} of account {self.account_id} is below zero")

    @property
    def row(self) -> tuple[Any, ...]:
        """The figures as a fresh row has them, in the order of FIGURES; see `figures`."""
        counts = _figures_of(self)
        if counts[_ENGAGEMENTS] is None and (parts := [part for part in _parts_of(self) if part is not None]):
            counts = (*counts[:_ENGAGEMENTS], sum(parts), *counts[_ENGAGEMENTS + 1 :])
        if self.followers is None and self.followers_rounded:
            counts = (*counts[:_ROUNDED], False, *counts[_ROUNDED + 1 :])
        return counts

    @property
    def figures(self) -> dict[str, Any]:
        """The figures the source gave; engagements are likes + comments + shares unless it gave them itself."""
        known = {name: value for name in COUNTS if (value := getattr(self, name)) is not None}
        if "engagements" not in known and (parts := [known[n] for n in ("likes", "comments", "shares") if n in known]):
            known["engagements"] = sum(parts)
        if "followers" in known:
            known["followers_rounded"] = self.followers_rounded
        return known


_figures_of, _parts_of = attrgetter(*FIGURES), attrgetter("likes", "comments", "shares")
_ENGAGEMENTS, _ROUNDED = FIGURES.index("engagements"), FIGURES.index("followers_rounded")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one sighting."""

    account_id: int
    outcome: Outcome


class Held(NamedTuple):
    """A doubted reading that waits for a second one."""

    row: Snapshot
    followers: int
    observed_at: datetime


class NewDay:
    """An account's next day, of which nothing is known yet: its latest figure is all that a sighting is compared with.

    So it is with nearly every account of a night. One that is doubted after all needs its Book.
    """

    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def base(self, sighting: Sighting) -> Standing | None:
        """As Book.base: the newest published row up to that day is the latest one."""
        return self.standing if self.standing.counts and not _outranks(sighting, self.standing) else None

    def take(self, sighting: Sighting, *, doubted: bool) -> Outcome:
        """Nothing stands against it; the caller stores it."""
        assert not doubted  # noqa: S101  # weigh asks for the Book of what it doubts
        return "stored"


class Book:
    """One account's rows by day, as they are and as the batch makes them."""

    def __init__(self, rows: Iterable[Snapshot]) -> None:
        self.rows = {row.date: row for row in rows}
        self.days = sorted(self.rows)
        self.published = {row.date: row.followers for row in self.rows.values() if row.quality == Quality.PUBLISHED}
        self.changed: set[date] = set()

    def base(self, sighting: Sighting) -> Snapshot | None:
        """The published row to compare with: the newest up to that day, unless its source ranks lower."""
        row = next((row for row in self._back_from(sighting.date) if row.counts), None)
        return None if row is None or _outranks(sighting, row) else row

    def held(self, day: date) -> Held | None:
        """The newest doubted reading up to `day` that no published row has overtaken."""
        for row in self._back_from(day):
            if row.aside and row.aside["figures"].get("followers") is not None:
                seen = datetime.fromisoformat(row.aside["observed_at"])
                return Held(row, row.aside["figures"]["followers"], seen)
            if row.quality == Quality.SUSPECT and row.followers is not None:
                return Held(row, row.followers, row.observed_at)
            if row.counts:
                return None
        return None

    def take(self, sighting: Sighting, *, doubted: bool) -> Outcome:
        """Enter `sighting`, in the light of whether it is `doubted`, and say what became of it."""
        row = self.rows.get(sighting.date)
        if row and _stands(row, sighting):
            return "kept"
        if not doubted:
            return self._publish(sighting)
        held = self.held(sighting.date)
        if held and confirms(held.followers, held.observed_at, sighting.followers or 0, sighting.observed_at):
            held.row.release()
            self.changed.add(held.row.date)
            self._publish(sighting)
            return "published"
        return self._doubt(sighting, held)

    def _back_from(self, day: date) -> Iterator[Snapshot]:
        for at in range(bisect_right(self.days, day) - 1, -1, -1):
            yield self.rows[self.days[at]]

    def _write(self, sighting: Sighting, quality: Quality, *, onto: Snapshot | None, fresh: bool) -> Snapshot:
        row = onto or Snapshot(account_id=sighting.account_id, date=sighting.date)
        if onto is None:
            self.rows[sighting.date] = row
            insort(self.days, sighting.date)
        for name, figure in (_NOTHING | sighting.figures if fresh else sighting.figures).items():
            setattr(row, name, figure)
        row.observed_at, row.source, row.read_from = sighting.observed_at, sighting.source, sighting.read_from
        row.quality, row.aside = quality, None
        self.changed.add(sighting.date)
        return row

    def _publish(self, sighting: Sighting) -> Outcome:
        """Make the day's row say what `sighting` says; what the same source said earlier that day and not now stays."""
        row = self.rows.get(sighting.date)
        if row is None:
            self._write(sighting, Quality.PUBLISHED, onto=None, fresh=True)
            return "stored"
        before = (row.quality, row.source, [getattr(row, name) for name in FIGURES])
        adds = row.quality == Quality.PUBLISHED and row.source == sighting.source
        self._write(sighting, Quality.PUBLISHED, onto=row, fresh=not adds)
        after = (row.quality, row.source, [getattr(row, name) for name in FIGURES])
        return "unchanged" if before == after else "updated"

    def _doubt(self, sighting: Sighting, held: Held | None) -> Outcome:
        """Keep a doubted reading: as the day's row, or aside where that row is published already."""
        row = self.rows.get(sighting.date)
        published = row is not None and row.quality == Quality.PUBLISHED
        same = held is not None and held.row is row and is_close(held.followers, sighting.followers or 0)
        if not same:  # else the first one stays: it says since when this has been seen
            if row is not None and published:
                row.aside = {
                    "observed_at": sighting.observed_at.isoformat(),
                    "source": sighting.source,
                    "read_from": sighting.read_from,
                    "figures": sighting.figures,
                }
                self.changed.add(row.date)
            else:
                self._write(sighting, Quality.SUSPECT, onto=row, fresh=True)
        return "kept" if published else "suspect"


def is_new_day(sighting: Sighting, standing: Standing) -> bool:
    """Whether `sighting`, of a day without a row, is of a day after all published ones and no leap by itself."""
    if standing.date is None:
        return True
    if standing.followers is None or sighting.date <= standing.date:
        return False
    if sighting.followers is None or _outranks(sighting, standing):
        return True
    return not is_leap(standing.followers, sighting.followers, days=(sighting.date - standing.date).days)


def _outranks(sighting: Sighting, row: Snapshot | Standing) -> bool:
    """Whether the sighting's source is better than the row's, so that they are not comparable."""
    return sighting.source != row.source and Source(sighting.source).rank > Source(row.source).rank


_NOTHING: dict[str, Any] = dict.fromkeys(COUNTS) | {"followers_rounded": False}


def _stands(row: Snapshot, sighting: Sighting) -> bool:
    """Whether the day's row is better than `sighting`, whatever either says."""
    if row.quality == Quality.REJECTED:
        figures = row.followers, sighting.followers
        return figures[0] is not None and figures[1] is not None and is_close(figures[0], figures[1])
    mine, theirs = Source(row.source).rank, Source(sighting.source).rank
    return mine > theirs or (mine == theirs and row.observed_at > sighting.observed_at)


def weigh(
    sightings: Sequence[Sighting],
    books: dict[int, Book | NewDay],
    platforms: Mapping[int, str],
    open_books: Callable[[list[int]], dict[int, Book]],
) -> list[Recorded]:
    """Enter all `sightings` into the `books` of their accounts, day by day; what became of each, in their order.

    `open_books` gives the Book of accounts that turn out to need one; they take the NewDay's place in `books`.
    """
    outcomes: dict[int, Outcome] = {}
    for batch in _batches(sightings, platforms):
        bases = [(at, s, books[s.account_id].base(s)) for at in batch for s in (sightings[at],)]
        doubted = _doubted([(at, s, base) for at, s, base in bases if base is not None])
        of_new_days = [a for at in doubted if isinstance(books[a := sightings[at].account_id], NewDay)]
        if of_new_days:
            books |= open_books(of_new_days)
        for at in batch:
            outcomes[at] = books[sightings[at].account_id].take(sightings[at], doubted=at in doubted)
    return [Recorded(sighting.account_id, outcomes[at]) for at, sighting in enumerate(sightings)]


def _batches(sightings: Sequence[Sighting], platforms: Mapping[int, str]) -> list[list[int]]:
    """Positions of the sightings that belong together: one platform, one day, one (the n-th) of each account."""
    nth: defaultdict[tuple[int, date], int] = defaultdict(int)
    batches: defaultdict[tuple[date, int, str], list[int]] = defaultdict(list)
    for at in sorted(range(len(sightings)), key=lambda at: sightings[at].observed_at):
        sighting = sightings[at]
        turn = nth[sighting.account_id, sighting.date] = nth[sighting.account_id, sighting.date] + 1
        batches[sighting.date, turn, platforms[sighting.account_id]].append(at)
    return [batches[key] for key in sorted(batches)]


def _doubted(readings: list[tuple[int, Sighting, Snapshot | Standing]]) -> set[int]:
    """Positions of the sightings that leap, or all of them where those that do not fell together."""
    changes = {
        at: (base.followers, s.followers, (s.date - base.date).days)
        for at, s, base in readings
        if base.followers is not None and s.followers is not None and base.date is not None
    }
    leaps = {at for at, (before, after, days) in changes.items() if is_leap(before, after, days=days)}
    rest = [(before, after) for at, (before, after, _) in changes.items() if at not in leaps]
    return set(changes) if fell_together(rest) else leaps


assert {field.name for field in fields(Sighting)} >= set(FIGURES)  # noqa: S101  # a new figure must be seen to be stored
