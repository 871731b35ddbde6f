"""What becomes of a sighting, given what is known of its account: stored, doubted, confirmed or left aside."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from snapshots.doubts import confirms, fell_together, is_close, is_leap
from snapshots.models import COUNTS, FIGURES, Quality, Snapshot, Source

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

    def __post_init__(self) -> None:
        negative = [name for name in COUNTS if (getattr(self, name) or 0) < 0]
        if negative:
            raise ValueError(f"{negative[0]} of account {self.account_id} is below zero")

    @property
    def figures(self) -> dict[str, Any]:
        """The figures the source gave; engagements are likes + comments + shares unless it gave them itself."""
        known = {name: value for name in COUNTS if (value := getattr(self, name)) is not None}
        if "engagements" not in known and (parts := [known[n] for n in ("likes", "comments", "shares") if n in known]):
            known["engagements"] = sum(parts)
        if "followers" in known:
            known["followers_rounded"] = self.followers_rounded
        return known


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
        return row if row and Source(row.source).rank >= Source(sighting.source).rank else None

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
        row.observed_at, row.source, row.quality, row.aside = sighting.observed_at, sighting.source, quality, None
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
                    "figures": sighting.figures,
                }
                self.changed.add(row.date)
            else:
                self._write(sighting, Quality.SUSPECT, onto=row, fresh=True)
        return "kept" if published else "suspect"


_NOTHING: dict[str, Any] = dict.fromkeys(COUNTS) | {"followers_rounded": False}


def _stands(row: Snapshot, sighting: Sighting) -> bool:
    """Whether the day's row is better than `sighting`, whatever either says."""
    if row.quality == Quality.REJECTED:
        figures = row.followers, sighting.followers
        return figures[0] is not None and figures[1] is not None and is_close(figures[0], figures[1])
    mine, theirs = Source(row.source).rank, Source(sighting.source).rank
    return mine > theirs or (mine == theirs and row.observed_at > sighting.observed_at)


def weigh(sightings: Sequence[Sighting], books: dict[int, Book], platforms: dict[int, str]) -> list[Recorded]:
    """Enter all `sightings` into the `books` of their accounts, day by day; what became of each, in their order."""
    outcomes: dict[int, Outcome] = {}
    for batch in _batches(sightings, platforms):
        bases = {at: books[sightings[at].account_id].base(sightings[at]) for at in batch}
        doubted = _doubted([(at, sightings[at], base) for at, base in bases.items() if base])
        for at in batch:
            outcomes[at] = books[sightings[at].account_id].take(sightings[at], doubted=at in doubted)
    return [Recorded(sighting.account_id, outcomes[at]) for at, sighting in enumerate(sightings)]


def _batches(sightings: Sequence[Sighting], platforms: dict[int, str]) -> list[list[int]]:
    """Positions of the sightings that belong together: one platform, one day, one (the n-th) of each account."""
    nth: defaultdict[tuple[int, date], int] = defaultdict(int)
    batches: defaultdict[tuple[date, int, str], list[int]] = defaultdict(list)
    for at in sorted(range(len(sightings)), key=lambda at: sightings[at].observed_at):
        sighting = sightings[at]
        turn = nth[sighting.account_id, sighting.date] = nth[sighting.account_id, sighting.date] + 1
        batches[sighting.date, turn, platforms[sighting.account_id]].append(at)
    return [batches[key] for key in sorted(batches)]


def _doubted(readings: list[tuple[int, Sighting, Snapshot]]) -> set[int]:
    """Positions of the sightings that leap, or all of them where those that do not fell together."""
    known = [(at, s, base, base.followers, s.followers) for at, s, base in readings]
    changes = {
        at: (before, after, (s.date - base.date).days)
        for at, s, base, before, after in known
        if before is not None and after is not None
    }
    leaps = {at for at, (before, after, days) in changes.items() if is_leap(before, after, days=days)}
    rest = [(before, after) for at, (before, after, _) in changes.items() if at not in leaps]
    return set(changes) if fell_together(rest) else leaps


assert {field.name for field in fields(Sighting)} >= set(FIGURES)  # noqa: S101  # a new figure must be seen to be stored
