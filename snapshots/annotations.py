"""What happened on the days of a chart: renames, gaps, doubts, other sources and connectors, and editors' notes."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils import timezone

from accounts.models import Account, FormerHandle
from snapshots.figures import Quality, ReadFrom, Source
from snapshots.filters import DayFilters
from snapshots.models import Note, Snapshot

MOST = 200  # annotations in one answer; the oldest are left out first
LASTING = 3  # days in a row; what comes and goes faster is no change of source
ONE_DAY = dt.timedelta(days=1)


class Row(NamedTuple):
    """What a stored day says of itself."""

    date: dt.date
    quality: str
    source: str
    read_from: str | None
    rounded: bool
    aside: bool


class Annotation(NamedTuple):
    """One thing that happened from `since` to `until`; `account` is None where it is about all of them."""

    kind: str
    since: dt.date
    until: dt.date
    text: str
    account: Account | None = None
    note: Note | None = None

    def told(self) -> dict[str, Any]:
        """As JSON says it."""
        of = self.account
        return {
            "kind": self.kind,
            "from": self.since,
            "to": self.until,
            "text": self.text,
            "account": f"{of.platform}/{of.handle}" if of else None,
            "note": self.note.pk if self.note else None,
            "by": self.note.author_name if self.note else "",
        }


def annotations_on(accounts: Sequence[Account], filters: DayFilters) -> list[Annotation]:
    """What there is to say of the days of `accounts`, in their order; notes on all accounts are always among it."""
    found = [*_notes(accounts, filters)]
    if accounts:
        rows = _rows(accounts, filters)
        found += _renames(accounts, filters)
        found += [one for account in accounts for one in of_rows(rows[account.pk], account)]
    return sorted(found, key=lambda one: (one.since, one.until, one.kind, one.text))


def _notes(accounts: Sequence[Account], filters: DayFilters) -> Iterator[Annotation]:
    by_id = {account.pk: account for account in accounts}
    for note in Note.objects.standing().about(by_id).filter(**filters.on("day")).order_by("day", "pk"):
        yield Annotation("note", note.day, note.day, note.text, by_id.get(note.account_id or 0), note)


def _renames(accounts: Sequence[Account], filters: DayFilters) -> Iterator[Annotation]:
    by_id = {account.pk: account for account in accounts}
    for former in FormerHandle.objects.filter(account__among=list(by_id), **filters.on("retired_at__date")):
        day = timezone.localdate(former.retired_at)
        text = f"Renamed. Until then it was “{former.handle}”."
        yield Annotation("rename", day, day, text, by_id[former.account_id])


def _rows(accounts: Iterable[Account], filters: DayFilters) -> dict[int, list[Row]]:
    """The stored days of each account in their order, by one statement."""
    stored = (
        Snapshot.objects.filter(account__among=[account.pk for account in accounts], **filters.on("date"))
        .annotate(doubted=Q(aside__isnull=False))
        .order_by("account_id", "date")
        .values_list("account_id", "date", "quality", "source", "read_from", "followers_rounded", "doubted")
    )
    rows: dict[int, list[Row]] = defaultdict(list)
    for account, *said in stored:
        rows[account].append(Row(*said))
    return rows


def of_rows(rows: Sequence[Row], account: Account | None = None) -> Iterator[Annotation]:
    """What the stored days of one account say, in order: doubts, gaps, changes of source, connector and rounding."""
    yield from _doubts(rows, account)
    yield from _gaps(rows, account)
    counted = [row for row in rows if row.quality == Quality.PUBLISHED]
    for day, before, after in _turns(counted, lambda row: row.source):
        text = (
            f"Figures are {Source(after).label.lower()} from here on; before they were {Source(before).label.lower()}."
        )
        yield Annotation("source", day, day, text, account)
    for day, before, after in _turns([row for row in counted if row.read_from], lambda row: row.read_from):
        text = f"Read from {ReadFrom(after).label} instead of {ReadFrom(before).label} from here on."
        yield Annotation("connector", day, day, text, account)
    for day, _, rounded in _turns(counted, lambda row: row.rounded):
        how = "rounded by the platform from here on" if rounded else "exact from here on; before they were rounded"
        yield Annotation("source", day, day, f"Followers are {how}.", account)


DOUBTS = {
    Quality.SUSPECT: "{} unlikely, counted nowhere until a second reading or an editor decides.",
    Quality.REJECTED: "{} rejected by an editor.",
}
ASIDE = "A later reading was unlikely and was set aside; the figure stands."


def _doubts(rows: Sequence[Row], account: Account | None) -> Iterator[Annotation]:
    for (quality, aside), days in groupby(rows, lambda row: (row.quality, row.aside)):
        for stretch in _stretches([row.date for row in days]):
            if quality in DOUBTS:
                what = "The figure is" if stretch[0] == stretch[1] else "The figures are"
                yield Annotation(quality, *stretch, DOUBTS[Quality(quality)].format(what), account)
            elif aside:
                yield Annotation("suspect", *stretch, ASIDE, account)


def _gaps(rows: Sequence[Row], account: Account | None) -> Iterator[Annotation]:
    """Days between two stored ones without any row; a doubted day is not one."""
    for before, after in pairwise(rows):
        missing = (after.date - before.date).days - 1
        if missing:
            text = "No figure." if missing == 1 else f"No figures for {missing} days."
            yield Annotation("gap", before.date + ONE_DAY, after.date - ONE_DAY, text, account)


def _stretches(days: Iterable[dt.date]) -> Iterator[tuple[dt.date, dt.date]]:
    """First and last of each run of days in a row."""
    for _, run in groupby(enumerate(days), lambda pair: pair[1].toordinal() - pair[0]):
        found = [day for _, day in run]
        yield found[0], found[-1]


def _turns(rows: Sequence[Row], of: Callable[[Row], Any]) -> Iterator[tuple[dt.date, Any, Any]]:
    """(day, before, after) where what `of` says turns, for LASTING rows or more both before and after."""
    runs = [(said, list(run)) for said, run in groupby(rows, of)]
    lasting = [(said, run[0].date) for said, run in runs if len(run) >= LASTING]
    for (before, _), (after, day) in pairwise(lasting):
        if before != after:
            yield day, before, after
