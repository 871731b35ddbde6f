"""Daily figures: what was seen, the latest of it per account, and the totals per day, kept equal by every write."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models import Q

from accounts.models import Account, Organization
from accounts.platforms import PLATFORM_CHOICES
from perf.cache import forget
from perf.cache.writing import MEMBERS_MAX
from snapshots import statements
from snapshots.batches import ImportBatch, ImportedDay
from snapshots.cache import GRID, HISTORY, SUMMARY, history_of
from snapshots.exports.jobs import ExportJob
from snapshots.figures import COUNTS, FIGURES, Figures, Quality, ReadFrom, Source
from snapshots.judgements import JudgedFigure, Judgement
from snapshots.notes import Note
from snapshots.totals import DailyTotal, PlatformAccounts, PlatformTotal, Published, Tallies, by_account, recount

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from snapshots.standings import Standing

    Held = Mapping[int, "LatestSnapshot"] | Mapping[int, Standing]  # latest rows, locked

__all__ = [
    "CHANGES",
    "COUNTS",
    "FIGURES",
    "DailyTotal",
    "ExportJob",
    "Figures",
    "ImportBatch",
    "ImportedDay",
    "JudgedFigure",
    "Judgement",
    "LatestSnapshot",
    "Note",
    "PlatformAccounts",
    "PlatformTotal",
    "Published",
    "Quality",
    "ReadFrom",
    "Snapshot",
    "Source",
    "forget_figures",
    "keeping",
]

CHANGES = {"change_1": 1, "change_7": 7, "change_30": 30, "change_90": 90}
"""The changes a latest row carries, and how many days each looks back."""


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    """Snapshots. Every write through it keeps latest rows and totals right; reads.py has the pages' queries."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with snapshots.view_snapshot, else none."""
        return self if user.has_perm("snapshots.view_snapshot") else self.none()  # type: ignore[union-attr]  # custom user has it

    def published(self) -> Self:
        """Figures that count: neither suspect nor rejected."""
        return self.filter(quality=Quality.PUBLISHED)

    def to_judge(self) -> Self:
        """Days that wait for a second reading or an editor: suspect, or published with a reading set aside."""
        return self.filter(Q(quality=Quality.SUSPECT) | Q(aside__isnull=False))

    def published_followers(self, account_ids: Collection[int]) -> Published:
        """Followers by (account, date) of the published rows of `account_ids`; None where a row does not say."""
        rows = self.published().filter(account__among=account_ids)
        return {(account, day): n for account, day, n in rows.values_list("account_id", "date", "followers")}

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert `objs`; latest rows, totals and caches follow."""
        objs = list(objs)
        with keeping(snapshot.account_id for snapshot in objs):
            return super().bulk_create(objs, *args, **kwargs)

    def update(self, **values: Any) -> int:
        """Change the rows (bulk_update comes through here too); latest rows, totals and caches follow."""
        with keeping(self._accounts()) as held:
            return super(SnapshotQuerySet, self._of(held)).update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # Django's own mark: templates may not call it

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows; latest rows, totals and caches follow."""
        with keeping(self._accounts()) as held:
            return super(SnapshotQuerySet, self._of(held)).delete()

    delete.alters_data = True  # type: ignore[attr-defined]  # Django's own mark: templates may not call it
    delete.queryset_only = True  # type: ignore[attr-defined]  # and managers do not offer it

    def _accounts(self) -> set[int]:
        return set(self.order_by().values_list("account_id", flat=True).distinct())

    def _of(self, held: Collection[int]) -> Self:
        """The rows of the accounts that are held: another's may have come since we looked."""
        return self.filter(account_id__among=held)


class Snapshot(Figures):
    """One account's figures on one day."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="snapshots", db_index=False)
    date = models.DateField()
    observed_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    read_from = models.CharField(  # noqa: DJ001 - NULL is free, and added to a table of any size at once
        max_length=4, choices=ReadFrom, null=True, blank=True, help_text="NULL: by no connector, or not known by which."
    )
    quality = models.CharField(max_length=10, choices=Quality, default=Quality.PUBLISHED)
    aside = models.JSONField(
        null=True, blank=True, editable=False, help_text="A later, suspect reading of a day that is published already."
    )

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        permissions = [
            ("export_snapshots", "Can export figures"),
            ("judge_snapshots", "Can accept or reject suspect figures"),
            ("import_snapshots", "Can import past figures and undo that"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "date"], name="ix_fact_snapshot_account_date"),
            models.CheckConstraint(
                condition=Q(followers__gte=0) | Q(followers=None), name="snapshot_followers_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(aside=None) | Q(quality="published"), name="snapshot_aside_only_beside_published"
            ),
        ]
        indexes = [
            models.Index(fields=["date", "account"], name="ix_fact_snapshot_date"),
            models.Index(
                fields=["account", "date"],
                condition=Q(quality="suspect") | Q(aside__isnull=False),
                name="ix_fact_snapshot_to_judge",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.date}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row; latest rows, totals and caches follow."""
        with keeping([self.account_id]):
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row; latest rows, totals and caches follow."""
        with keeping([self.account_id]):
            return super().delete(*args, **kwargs)

    @property
    def counts(self) -> bool:
        """Whether the totals count this row: it is published and says how many followers."""
        return self.quality == Quality.PUBLISHED and self.followers is not None

    def release(self) -> None:
        """Let the doubted reading of this day count: the one set aside if there is one, else the row itself."""
        if self.aside:
            self.observed_at = dt.datetime.fromisoformat(self.aside["observed_at"])
            self.source = self.aside["source"]
            self.read_from = self.aside.get("read_from")  # what was set aside before it was kept does not say
            for name, figure in self.aside["figures"].items():
                setattr(self, name, figure)
        self.aside, self.quality = None, Quality.PUBLISHED


class LatestSnapshotQuerySet(models.QuerySet["LatestSnapshot"]):
    """Latest rows: the lock every writer of an account's figures takes first, and the figures themselves."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with snapshots.view_snapshot, else none."""
        return self if user.has_perm("snapshots.view_snapshot") else self.none()  # type: ignore[union-attr]  # custom user has it

    def known(self) -> Self:
        """The rows of accounts that have a published figure at all."""
        return self.filter(date__isnull=False)

    def hold(self, account_ids: Iterable[int]) -> dict[int, LatestSnapshot]:
        """Lock the latest rows of `account_ids` until the transaction ends; `account` is loaded on each.

        Missing rows are inserted first, then all are locked in account order, then the accounts are read:
        so two writers wait for each other and never deadlock. The history of an account whose organisation,
        platform or activity changed moves to its present totals. Accounts that do not exist are left out.
        """
        ids = sorted(set(account_ids))
        statements.share_accounts(ids)
        statements.insert_latest(ids)
        locked: Iterable[LatestSnapshot] = self.filter(pk__among=ids).order_by("account_id").select_for_update()
        rows = {row.account_id: row for row in locked}
        for account in _accounts(rows):
            rows[account.pk].account = account
        _move([row for row in rows.values() if row.cell != cell_of(row.account)])
        return rows

    def refresh(self, rows: Held) -> None:
        """Store the held `rows`' days, and make them say what the newest published snapshots say."""
        statements.refresh_latest({account: row.days for account, row in rows.items()}, CHANGES)

    def advance(self, days: Mapping[int, dt.date]) -> None:
        """Make held rows say what the accounts' published snapshots of a new day say; it is after their latest."""
        statements.advance_latest(days, CHANGES)


class LatestSnapshot(Figures):
    """The newest published figures of one account and how they changed; kept by recording, never by hand.

    A row without `date` belongs to an account without a published figure: it is there to be locked.
    Platform, organisation and activity are the account's own, and those under which DailyTotal counts it.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="latest", primary_key=True)
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)
    is_active = models.BooleanField("active")
    date = models.DateField(null=True)
    observed_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=10, choices=Source, blank=True)
    days = models.PositiveIntegerField(default=0, help_text="How many days have published figures.")
    change_1 = models.BigIntegerField(null=True, help_text="Followers against one day before; NULL without that day.")
    change_7 = models.BigIntegerField(null=True, help_text="The same, against seven days before.")
    change_30 = models.BigIntegerField(null=True, help_text="The same, against thirty days before.")
    change_90 = models.BigIntegerField(null=True, help_text="The same, against ninety days before.")

    objects = LatestSnapshotQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["followers", "account"], name="ix_latest_followers"),
            models.Index(fields=["date", "account"], name="ix_latest_date"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} latest {self.date}"

    @property
    def cell(self) -> tuple[str, int, bool]:
        """Platform, organisation and activity under which the account's history is counted."""
        return self.platform, self.organization_id, self.is_active


@contextmanager
def keeping(account_ids: Iterable[int]) -> Iterator[dict[int, LatestSnapshot]]:
    """A transaction in which snapshots of `account_ids` may be written in any way; what hangs on them is kept right.

    It reads those accounts' whole history twice: for edits, not for gathering (recording.record knows its changes).
    """
    with transaction.atomic():
        rows = LatestSnapshot.objects.hold(account_ids)
        forget_figures(rows)
        before = Snapshot.objects.published_followers(rows)
        yield rows
        recount(rows, before, Snapshot.objects.published_followers(rows))
        LatestSnapshot.objects.refresh(rows)


def forget_figures(account_ids: Collection[int]) -> None:
    """Forget the cached answers that show figures of these accounts."""
    if len(account_ids) > MEMBERS_MAX:
        forget(SUMMARY, GRID, HISTORY)
        return
    handles = Account.objects.filter(pk__among=account_ids).values_list("platform", "handle_key")
    forget(SUMMARY, GRID, *(history_of(platform, handle) for platform, handle in handles))


def cell_of(account: Account) -> tuple[str, int, bool]:
    """Platform, organisation and activity of `account`: what decides where its figures are counted."""
    return account.platform, account.organization_id, account.is_active


def _accounts(ids: Collection[int]) -> models.QuerySet[Account]:
    return Account.objects.filter(pk__among=ids).only("platform", "handle_key", "organization_id", "is_active")


def _move(rows: list[LatestSnapshot]) -> None:
    """Count the whole history of held `rows` under their accounts' present organisation, platform and activity.

    Old and new totals change in one go and so in one order: two moves in opposite directions never deadlock.
    """
    if not rows:
        return
    held = {row.account_id: row for row in rows}
    published = by_account(Snapshot.objects.published_followers(held))
    tallies = Tallies()
    for account, days in published.items():
        tallies.count(held[account], days, -1)
    for row in rows:
        was = row.platform
        row.platform, row.organization_id, row.is_active = cell_of(row.account)
        if row.days:
            tallies.known[was] -= 1
            tallies.known[row.platform] += 1
    for account, days in published.items():
        tallies.count(held[account], days)
    DailyTotal.objects.add(tallies)
    LatestSnapshot.objects.bulk_update(rows, ["platform", "organization", "is_active"])
