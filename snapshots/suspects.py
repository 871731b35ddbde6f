"""The figures that wait for a second reading or an editor: what was known before, and why they are doubted."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import BigIntegerField, Case, Count, DateField, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import QueryDict
from django.template.defaultfilters import pluralize

from accounts.platforms import PLATFORMS, Platform
from perf import clock
from snapshots.doubts import CONFIRMED_AFTER, CONFIRMED_BEFORE, LEAP, LEAP_PERCENT, fell_together, is_leap
from snapshots.judging import Ticket, Verdict, doubted_at
from snapshots.models import Judgement, Quality, Snapshot, SnapshotQuerySet, Source

ORDER = ("-date", "-pk")
BATCHES_SHOWN = 12
Group = tuple[str, dt.date]
"""A platform and a day: the accounts that are weighed together."""


class Why(StrEnum):
    """Why a figure is doubted, by the rules of snapshots.doubts, against what is published now."""

    LEAP = "leap"
    FALL = "fall"
    OVERTAKEN = "overtaken"  # neither holds any more: what it was compared with has changed


@dataclass(frozen=True, slots=True)
class Fall:
    """How the waiting accounts of one platform that do not leap fell together on one day."""

    accounts: int
    before: int
    after: int

    @property
    def change(self) -> int:
        """How many followers they lost together, as a negative number."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Suspect:
    """A doubted reading beside the published figure it is compared with (None where there is none)."""

    row: Snapshot
    followers: int | None
    rounded: bool
    source: str
    observed_at: dt.datetime
    before: int | None
    before_on: dt.date | None
    why: Why
    fall: Fall | None

    @property
    def ticket(self) -> str:
        """What a decision on exactly this reading names."""
        return str(Ticket.of(self.row))

    @property
    def change(self) -> int | None:
        """The doubted figure against the published one."""
        return None if self.followers is None or self.before is None else self.followers - self.before

    @property
    def days(self) -> int:
        """How many days the change took, at least 1."""
        return max((self.row.date - self.before_on).days, 1) if self.before_on else 1

    @property
    def allowed(self) -> int:
        """By how much the account may change in that time without being doubted."""
        return int(max(LEAP, (self.before or 0) * LEAP_PERCENT / 100) * self.days)

    @property
    def second_look(self) -> dt.datetime:
        """From when on a reading close to this one publishes it."""
        return self.observed_at + CONFIRMED_AFTER

    @property
    def confirmable(self) -> bool:
        """Whether a second reading can still publish it; afterwards an editor alone can."""
        return clock.now() - self.observed_at <= CONFIRMED_BEFORE


@dataclass(frozen=True, slots=True)
class Filters:
    """What the page's address asks for; anything it cannot mean filters nothing."""

    platform: str = ""
    date: dt.date | None = None
    account: int | None = None

    @classmethod
    def of(cls, query: QueryDict) -> Self:
        """The filters of a query string."""
        platform, account = query.get("platform", ""), query.get("account", "")
        known = account.isascii() and account.isdigit() and len(account) < 19
        return cls(
            platform if platform in PLATFORMS else "",
            _parsed(dt.date, query.get("day", "")),
            int(account) if known else None,
        )

    @property
    def query(self) -> str:
        """The same as a query string."""
        given = {"platform": self.platform, "day": self.date, "account": self.account}
        return urlencode({name: value for name, value in given.items() if value})

    def narrow(self, rows: SnapshotQuerySet) -> SnapshotQuerySet:
        """Those of `rows` that wait and match."""
        narrowed = {"account__platform": self.platform, "date": self.date, "account": self.account}
        return rows.to_judge().filter(**{name: value for name, value in narrowed.items() if value})


@dataclass(frozen=True, slots=True)
class Batch:
    """The figures of one platform and day that wait."""

    platform: Platform
    date: dt.date
    figures: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which waiting figures a decision is about: those of `tickets`, or all of a platform's day seen up to `until`."""

    tickets: tuple[Ticket, ...] = ()
    platform: str = ""
    date: dt.date | None = None
    until: dt.datetime | None = None

    @classmethod
    def find(cls, data: QueryDict) -> Self | None:
        """What a form names; None when that is nothing."""
        tickets = tuple(ticket for raw in data.getlist("figure") if (ticket := Ticket.find(raw)))
        if tickets:
            return cls(tickets)
        date, until = _parsed(dt.date, data.get("day", "")), _parsed(dt.datetime, data.get("until", ""))
        platform = PLATFORMS.get(data.get("platform", ""))
        if platform is None or date is None:
            return None
        return cls(platform=platform.name, date=date, until=until if until and until.tzinfo else clock.now())

    @property
    def is_one(self) -> bool:
        """Whether it is about a single figure, which needs no look beforehand."""
        return len(self.tickets) == 1

    def rows(self) -> list[Snapshot]:
        """The rows that wait as seen."""
        if not self.tickets:
            rows = _bare(Filters(self.platform, self.date).narrow(Snapshot.objects.all()))
            return [row for row in rows if self.until is None or doubted_at(row) <= self.until]
        seen = set(self.tickets)
        rows = _bare(Snapshot.objects.to_judge().filter(pk__in=[ticket.snapshot for ticket in self.tickets]))
        return [row for row in rows if Ticket.of(row) in seen]

    def found(self) -> list[Ticket]:
        """The tickets a decision takes: those given, or those of the platform's day."""
        return list(self.tickets) or [Ticket.of(row) for row in self.rows()]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would change: figures and followers per platform and day, before and after."""

    platform: Platform
    date: dt.date
    figures: int
    before: int | None
    after: int | None

    @property
    def change(self) -> int | None:
        """How much the platform's day would move."""
        return None if self.before is None or self.after is None else self.after - self.before


def waiting(rows: SnapshotQuerySet) -> SnapshotQuerySet:
    """Those of `rows` that wait, newest day first, with `doubted`, `before` and `before_on`; page them by ORDER."""
    earlier = (
        Snapshot.objects.published()
        .filter(account=OuterRef("account"), date__lt=OuterRef("date"), followers__isnull=False)
        .order_by("-date")
    )
    counts = Q(quality=Quality.PUBLISHED, followers__isnull=False)  # the row itself, with a reading set aside
    return (
        rows.to_judge()
        .select_related("account")
        .annotate(
            doubted=Case(
                When(aside__isnull=False, then=Cast(KT("aside__figures__followers"), BigIntegerField())),
                default=F("followers"),
                output_field=BigIntegerField(),
            ),
            before=Case(
                When(counts, then=F("followers")),
                default=Subquery(earlier.values("followers")[:1]),
                output_field=BigIntegerField(),
            ),
            before_on=Case(
                When(counts, then=F("date")), default=Subquery(earlier.values("date")[:1]), output_field=DateField()
            ),
        )
        .order_by(*ORDER)
    )


def explained(rows: Collection[Any]) -> list[Suspect]:
    """`rows` of waiting(), each with why it is doubted; at most one more query, however many."""
    calm = {(row.account.platform, row.date) for row in rows if not _leaps(row)}
    falls = _falls(calm) if calm else {}
    return [_suspect(row, falls) for row in rows]


def batches(rows: SnapshotQuerySet) -> list[Batch]:
    """The platforms and days with most figures waiting among `rows`, where that is more than one."""
    counted = rows.to_judge().order_by().values_list("account__platform", "date").annotate(n=Count("pk"))
    most = counted.filter(n__gt=1).order_by("-n", "-date", "account__platform")[:BATCHES_SHOWN]
    return [Batch(PLATFORMS[name], date, n) for name, date, n in most]


def previews(ids: Collection[int]) -> list[Preview]:
    """What deciding on the rows `ids` is about, per platform and day."""
    rows = waiting(Snapshot.objects.filter(pk__in=ids)).order_by().values_list("account__platform", "date")
    summed = rows.annotate(n=Count("pk"), was=Sum("before"), is_now=Sum("doubted")).order_by(
        "-date", "account__platform"
    )
    return [Preview(PLATFORMS[name], date, n, was, now) for name, date, n, was, now in summed]


def told(done: Verdict, verdict: str) -> str:
    """What came of a decision, in words for the person who made it."""
    word = f"{verdict}ed"
    said = f"{done.changed:,} figure{pluralize(done.changed)} {word}." if done.changed else "Nothing was changed."
    if not done.conflicts:
        return said
    if len(done.conflicts) == 1 and (last := _last_judgement(done.conflicts[0])):
        who = last.by.get_short_name() or last.by.get_username() if last.by else "Somebody"
        return f"{said} {who} {last.word} this figure meanwhile."
    count = len(done.conflicts)
    stayed = "stayed as it is" if count == 1 else "stayed as they are"
    return f"{said} {count:,} figure{pluralize(count)} had been judged or read again meanwhile and {stayed}."


def undone(restored: int, kept: int) -> str:
    """What came of taking a decision back, in words for the person who did."""
    said = f"{restored:,} figure{pluralize(restored)} {'waits' if restored == 1 else 'wait'} again." if restored else ""
    if not kept:
        return said
    stayed = "stayed as it is" if kept == 1 else "stayed as they are"
    return f"{said} {kept:,} figure{pluralize(kept)} changed since and {stayed}.".strip()


def _last_judgement(row: int) -> Judgement | None:
    standing = Judgement.objects.standing().filter(figures__snapshot=row).select_related("by")
    return standing.order_by("-at", "-pk").first()


def _suspect(row: Any, falls: Mapping[Group, Fall]) -> Suspect:
    leaps, aside = _leaps(row), row.aside or {}
    known = row.doubted is not None and row.before is not None
    fall = falls.get((row.account.platform, row.date)) if known and not leaps else None
    return Suspect(
        row=row,
        followers=row.doubted,
        rounded=aside["figures"].get("followers_rounded", False) if aside else row.followers_rounded,
        source=Source(aside["source"] if aside else row.source).label,
        observed_at=doubted_at(row),
        before=row.before,
        before_on=row.before_on,
        why=Why.LEAP if leaps else Why.FALL if fall else Why.OVERTAKEN,
        fall=fall,
    )


def _leaps(row: Any) -> bool:
    if row.doubted is None or row.before is None:
        return False
    return is_leap(row.before, row.doubted, days=(row.date - row.before_on).days)


def _falls(groups: Iterable[Group]) -> dict[Group, Fall]:
    """Those of `groups` whose waiting accounts fell together, leaps apart: what recording decided by."""
    wanted = Q(pk=None)
    for platform, date in groups:
        wanted |= Q(account__platform=platform, date=date)
    changes: defaultdict[Group, list[tuple[int, int]]] = defaultdict(list)
    names = ("account__platform", "date", "before_on", "before", "doubted")
    for platform, date, before_on, before, doubted in waiting(Snapshot.objects.filter(wanted)).values_list(*names):
        known = before is not None and doubted is not None
        if known and not is_leap(before, doubted, days=(date - before_on).days):
            changes[platform, date].append((before, doubted))
    return {
        group: Fall(len(pairs), sum(b for b, _ in pairs), sum(a for _, a in pairs))
        for group, pairs in changes.items()
        if fell_together(pairs)
    }


def _bare(rows: SnapshotQuerySet) -> QuerySet[Snapshot]:
    return rows.only("pk", "observed_at", "aside").order_by("pk")


def _parsed(kind: type[Any], text: str) -> Any:
    try:
        return kind.fromisoformat(text)
    except ValueError:
        return None
