"""Word files that were promised: one kept for each completed review, and bundles of many that somebody asked for."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from perf import clock
from workitems.models.photos import Photo

if TYPE_CHECKING:
    from workitems.models import WorkItem

LEASE = dt.timedelta(seconds=60)  # renewed with each item; a worker that is silent for so long is dead
TRIES_MAX = 5
KEEP_HOURS = 24  # how long a bundle's file is kept
STUCK = f"The worker stopped {TRIES_MAX} times. The file was not made; ask for it again, with fewer items."


class DocumentQuerySet(models.QuerySet["Document"]):
    """Kept files, by what is to be done with them."""

    def promise(self, item: WorkItem) -> None:
        """Promise the file of `item` as it is now; in the transaction that completes its review. Twice is once."""
        self.bulk_create([self.model(work_item=item, version=item.version)], ignore_conflicts=True)

    def due(self) -> Self:
        """Those to be made now, the oldest first: nobody makes them, and no photo of theirs is being processed."""
        free = Q(leased_until=None) | clock.lease_over("leased_until", LEASE)
        unfinished = Photo.objects.present().waiting().filter(work_item=OuterRef("work_item")).order_by()
        waiting = self.filter(free, made_at=None, tries__lt=TRIES_MAX).exclude(Exists(unfinished))
        return waiting.order_by("id")

    def failed(self) -> Self:
        """Those that TRIES_MAX workers could not make; nobody tries any more."""
        free = Q(leased_until=None) | clock.lease_over("leased_until", LEASE)
        return self.filter(free, made_at=None, tries__gte=TRIES_MAX)

    def try_again(self) -> int:
        """Have those that failed made due anew; how many."""
        return self.failed().update(tries=0, leased_until=None)

    def claim(self, document: Document) -> bool:
        """Take `document` for LEASE; False when another worker was faster."""
        lease = {"tries": F("tries") + 1, "leased_until": clock.db_now(LEASE)}
        return bool(self.filter(pk=document.pk, tries=document.tries, made_at=None).update(**lease))

    def put_off(self, document: Document) -> None:
        """Have `document`, as it was before it was claimed, made due when its lease is over, and count no try."""
        self.filter(pk=document.pk, tries=document.tries + 1, made_at=None).update(tries=document.tries)


class Document(models.Model):
    """The Word file of one item as it was when its review was completed, kept for good. The row is the promise."""

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="documents", db_index=False
    )
    version = models.PositiveIntegerField(help_text="Of the item.")
    file = models.FileField(upload_to="documents", max_length=500, blank=True)
    name = models.CharField(max_length=200, blank=True, help_text="What it is called where it is saved.")
    left_out: Any = models.JSONField(default=list, help_text="Photos that are not in it: number and reason.")
    promised_at = models.DateTimeField(default=clock.now)
    made_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work_item", "version"], name="document_uniq")]
        indexes = [models.Index(fields=["id"], condition=Q(made_at=None), name="ix_document_due")]

    def __str__(self) -> str:
        return self.name or f"version {self.version}"


class BundleQuerySet(models.QuerySet["Bundle"]):
    """Bundles, by whose they are and what is to be done with them."""

    def of(self, user: Any) -> Self:
        """The bundles of `user`, newest first: nobody else sees them, whatever their role."""
        return self.filter(owner=user.pk).order_by("-id")

    def open(self) -> Self:
        """Those that are not over."""
        return self.filter(state__in=Bundle.OPEN)

    def outdated(self) -> Self:
        """Those whose file has been kept for KEEP_HOURS."""
        return self.filter(state=Bundle.State.DONE, ended_at__lte=clock.db_now(-dt.timedelta(hours=KEEP_HOURS)))

    def claim(self) -> Bundle | None:
        """Take the bundle that waits longest, for LEASE; None when there is none."""
        free = Q(leased_until=None) | clock.lease_over("leased_until", LEASE)
        self.open().filter(free, tries__gte=TRIES_MAX).update(
            state=Bundle.State.FAILED, error=STUCK, ended_at=clock.db_now(), leased_until=None
        )
        bundle = self.open().filter(free).order_by("id").first()
        if bundle is None:
            return None
        turn = {"tries": F("tries") + 1, "leased_until": clock.db_now(LEASE), "state": Bundle.State.RUNNING}
        won = self.open().filter(pk=bundle.pk, tries=bundle.tries).update(**turn, done=0, left_out=[])
        return self.select_related("owner").get(pk=bundle.pk) if won else None


class Bundle(models.Model):
    """A zip of the Word files of many items, for one person. `tries` fences: who holds an older one changes nothing."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Being written"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        EXPIRED = "expired", "Removed"

    OPEN = (State.WAITING, State.RUNNING)

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    numbers: Any = models.JSONField(help_text="Of the items, in the order of the file.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error = models.CharField(max_length=300, blank=True)
    done = models.PositiveIntegerField(default=0)
    left_out: Any = models.JSONField(default=list, help_text="What is not in it: number of the item and reason.")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    file = models.UUIDField(default=uuid4, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = BundleQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["owner", "-id"], name="ix_bundle_owner"),
            models.Index(fields=["id"], condition=Q(state__in=["waiting", "running"]), name="ix_bundle_open"),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def total(self) -> int:
        """How many items were asked for."""
        return len(self.numbers)

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in self.OPEN

    @property
    def percent(self) -> int:
        """How much is written; 100 only of a whole file."""
        return 100 if self.state in (self.State.DONE, self.State.EXPIRED) else min(99, 100 * self.done // self.total)

    @property
    def file_name(self) -> str:
        """What the file is called where it is saved."""
        return f"work_items_{timezone.localtime(self.created_at):%Y-%m-%d_%H%M}.zip"

    def change(self, **values: Any) -> bool:
        """Store `values` if this turn is still the one at work; else False."""
        mine = Bundle.objects.filter(pk=self.pk, tries=self.tries, state=self.State.RUNNING)
        return bool(mine.update(**values))
