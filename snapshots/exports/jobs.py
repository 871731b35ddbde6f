"""Exports that a worker writes: who asked for what, how far it is, and until when the file is kept."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from perf import clock
from snapshots.exports.wording import told

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LEASE = dt.timedelta(seconds=30)  # renewed every second; a worker that is silent for so long is dead
TRIES_MAX = 5  # turns in a row that end without a row written
STUCK = f"The worker stopped {TRIES_MAX} times at the same place. The file was not made; ask for it again."


class State(models.TextChoices):
    """What became of an export so far."""

    WAITING = "waiting", "Waiting"
    RUNNING = "running", "Being written"
    DONE = "done", "Ready"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Removed"


class Kind(models.TextChoices):
    """How the file is written; snapshots.exports.formats says what that means."""

    CSV = "csv", "CSV, for spreadsheets"
    JSON = "json", "JSON, one object"
    NDJSON = "ndjson", "JSON lines, one object per row"


OPEN = [State.WAITING, State.RUNNING]


class ExportJobQuerySet(models.QuerySet["ExportJob"]):
    """Exports, by whose they are and what is to be done with them."""

    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The exports of `user`: nobody else sees them, whatever their role."""
        return self.filter(owner=user.pk)

    def open(self) -> Self:
        """Those that are not over."""
        return self.filter(state__in=OPEN)

    def for_list(self) -> Self:
        """Newest first."""
        return self.order_by("-created_at", "-id")

    def due(self) -> Self:
        """Those that a worker may take now, the longest waiting first: all get their turns, the large and the small."""
        free = Q(leased_until=None) | clock.lease_over("leased_until", LEASE)
        return self.open().filter(free).order_by("updated_at", "id")

    def outdated(self) -> Self:
        """Those whose file has been kept for EXPORT_KEEP_HOURS."""
        kept = dt.timedelta(hours=settings.EXPORT_KEEP_HOURS)
        return self.filter(state=State.DONE, ended_at__lte=clock.db_now(-kept))

    def claim(self) -> ExportJob | None:
        """Take the export whose turn it is, for LEASE; None when there is none, or another is being written.

        One at a time, for gathering needs the workers more. Two that look in the same instant may take one each.
        """
        self.due().filter(tries__gte=TRIES_MAX).update(**_over(State.FAILED), error=STUCK)
        is_busy = self.open().exclude(leased_until=None).exclude(clock.lease_over("leased_until", LEASE)).exists()
        if is_busy or (job := self.due().first()) is None:
            return None
        lease = {"turn": F("turn") + 1, "tries": F("tries") + 1, "leased_until": clock.db_now(LEASE)}
        begun = {"state": State.RUNNING, "started_at": Coalesce("started_at", clock.db_now())}
        won = self.open().filter(pk=job.pk, turn=job.turn).update(**lease, **begun)
        return self.select_related("owner").get(pk=job.pk) if won else None


class ExportJob(models.Model):
    """One file that somebody asked for. A worker writes it in turns, each from where the last one got to.

    `rows` are whole in the first `size` bytes of the file and end at `position`: what a killed worker wrote beyond
    is cut off. `turn` fences: who holds an older one changes nothing any more.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField("format", max_length=10, choices=Kind)
    compressed = models.BooleanField(default=False)
    filters: Any = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error = models.CharField(max_length=300, blank=True)
    rows = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(help_text="How many rows there will be at most.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    position = models.CharField(max_length=500, blank=True, editable=False)
    file = models.UUIDField(default=uuid4, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True, editable=False)
    turn = models.PositiveIntegerField(default=0, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = ExportJobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="exportjob_state"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="exportjob_kind"),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, ended_at=None) | (~Q(state__in=OPEN) & Q(ended_at__isnull=False)),
                name="exportjob_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(leased_until=None), name="exportjob_leased_running"
            ),
            models.CheckConstraint(condition=~Q(state="failed", error=""), name="exportjob_failed_says_why"),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="ix_exportjob_owner"),
            models.Index(fields=["updated_at", "id"], condition=Q(state__in=OPEN), name="ix_exportjob_open"),
        ]

    def __str__(self) -> str:
        return f"export {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in OPEN

    @property
    def file_name(self) -> str:
        """What the file is called where it is saved: its subject, its day and its format."""
        day = timezone.localtime(self.created_at).date()
        return f"tidemark-figures-{day}.{self.kind}{'.gz' if self.compressed else ''}"

    @property
    def asked_for(self) -> str:
        """Which figures it holds, in words."""
        return told(self.filters)

    @property
    def expires_at(self) -> dt.datetime | None:
        """When the file is removed; None while there is none."""
        if self.state != State.DONE or self.ended_at is None:
            return None
        return self.ended_at + dt.timedelta(hours=settings.EXPORT_KEEP_HOURS)

    @property
    def percent(self) -> int:
        """How much is written; 100 only of a whole file."""
        if self.state in (State.DONE, State.EXPIRED):
            return 100
        return min(99, 100 * self.rows // self.total) if self.total else 0

    @property
    def per_second(self) -> float | None:
        """Rows a second since it began; None while unknown."""
        if self.started_at is None or not self.rows:
            return None
        seconds = (self.updated_at - self.started_at).total_seconds()
        return round(self.rows / seconds, 1) if seconds > 0 else None

    @property
    def eta(self) -> float | None:
        """Seconds left at this pace; None while unknown and when it is over."""
        if not self.is_open or not self.per_second:
            return None
        return float(max(self.total - self.rows, 0) / self.per_second)

    def save_progress(self) -> bool:
        """Store how far this turn is and renew its lease; False when the turn is no longer ours."""
        far = {"rows": self.rows, "size": self.size, "position": self.position, "tries": 0}
        return self._change(**far, updated_at=clock.db_now(), leased_until=clock.db_now(LEASE))

    def rest(self) -> bool:
        """End this turn; the next goes on from here."""
        return self._change(leased_until=None)

    def finish(self) -> bool:
        """Say that the file is whole; False when nobody wants it any more."""
        return self._change(**_over(State.DONE), size=self.size, total=self.rows)

    def fail(self, error: str) -> bool:
        """Say that there will be no file, and why."""
        return self._change(**_over(State.FAILED), error=error)

    def _change(self, **values: Any) -> bool:
        mine = ExportJob.objects.filter(pk=self.pk, turn=self.turn, state=State.RUNNING)
        return bool(mine.update(**values))


def _over(state: State) -> dict[str, Any]:
    return {"state": state, "ended_at": clock.db_now(), "updated_at": clock.db_now(), "leased_until": None}
