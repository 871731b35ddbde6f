"""Photos of work items, and the uploads that become photos."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from perf.clock import now
from workitems.models.people import person

if TYPE_CHECKING:
    from workitems.models import WorkItem

THUMBNAIL_SIDE = 300
"""The box, in pixels, that a thumbnail fits."""


class PhotoQuerySet(models.QuerySet["Photo"]):
    """Photos, by who reads them."""

    def present(self) -> Self:
        """Photos that nobody removed."""
        return self.filter(deleted_at=None)

    def removed_before(self, instant: datetime) -> Self:
        """Photos that were removed before `instant`, the longest ago first."""
        return self.filter(deleted_at__lt=instant).order_by("deleted_at")

    def in_order(self) -> Self:
        """As the crew put them."""
        return self.order_by("position", "pk")

    def with_history(self) -> Self:
        """In their order, with who removed them, every verdict and every removal that was undone; three queries."""
        return self.in_order().select_related("deleted_by").prefetch_related("verdicts", "restorations")

    def visible_to(self, user: Any) -> Self:
        """The photos of items that `user` may read; removed ones, until they are cleared away, for reviewers alone."""
        if not user.has_perm("workitems.view_workitem"):
            return self.none()
        rows = self.filter(work_item__deleted_at=None)
        return rows if user.has_perm("workitems.review_workitem") else rows.present()

    def waiting(self) -> Self:
        """Photos whose renditions are still to be made, the oldest first."""
        return self.filter(state__in=Photo.UNFINISHED).order_by("created_at", "pk")


class Photo(models.Model):
    """One picture of an item: the upload untouched, and what is shown of it. Paths are names in the storage."""

    class State(models.TextChoices):
        RECEIVED = "received", "Received"
        PROCESSING = "processing", "Processing"
        READY = "ready", "Ready"
        REFUSED = "refused", "Refused"

    class Verdict(models.TextChoices):
        NONE = "", "Not judged"
        ACCEPTED = "accepted", "Accepted"
        RETAKE = "retake", "Retake"

    UNFINISHED = (State.RECEIVED, State.PROCESSING)

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="photos", db_index=False
    )
    key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="The device's own name of it: sent twice, stored once.",
    )
    original = models.FileField(upload_to="originals", max_length=500)
    original_name = models.CharField(max_length=255, blank=True)
    format = models.CharField(
        max_length=10, blank=True, default="", db_default="", help_text="What the content is: JPEG, PNG, WEBP or HEIF."
    )
    sha256 = models.CharField(max_length=64, help_text="Of the original, in hexadecimal.")
    size = models.PositiveBigIntegerField(help_text="Of the original, in bytes.")
    rendition = models.FileField(upload_to="renditions", max_length=500, blank=True)
    thumbnail_path = models.CharField(max_length=500, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True, help_text="Of the rendition, in pixels.")
    height = models.PositiveIntegerField(null=True, blank=True, help_text="Of the rendition, in pixels.")
    placeholder = models.CharField(
        max_length=1000, blank=True, default="", db_default="", help_text="A blur to show meanwhile, as a data: URL."
    )
    taken_at = models.DateTimeField(null=True, blank=True, help_text="As the camera says. For reviewers.")
    latitude = models.FloatField(null=True, blank=True, help_text="In degrees, as the camera says. For reviewers.")
    longitude = models.FloatField(null=True, blank=True, help_text="In degrees, as the camera says. For reviewers.")
    caption = models.CharField(max_length=500, blank=True)
    position = models.PositiveIntegerField(default=0)
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    state = models.CharField(max_length=10, choices=State, default=State.RECEIVED)
    fault = models.CharField(max_length=200, blank=True, help_text="Why it was refused, for people.")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    leased_until = models.DateTimeField(null=True, blank=True, help_text="While a worker makes its renditions.")
    verdict = models.CharField(
        max_length=10, choices=Verdict, default=Verdict.NONE, db_default=Verdict.NONE, blank=True
    )
    verdict_reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    verdict_by = person()
    verdict_by_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    verdict_at = models.DateTimeField(null=True, blank=True)
    uploaded_by = person()
    uploaded_by_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = person()

    objects = PhotoQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work_item", "key"], condition=~Q(key=""), name="photo_key_uniq"),
            models.CheckConstraint(
                condition=Q(state__in=["received", "processing", "ready", "refused"]), name="photo_state_known"
            ),
        ]
        indexes = [
            models.Index(fields=["work_item", "position", "id"], name="ix_photo_work_item"),
            models.Index(
                fields=["created_at", "id"], condition=Q(state__in=["received", "processing"]), name="ix_photo_waiting"
            ),
            models.Index(fields=["original"], name="ix_photo_original"),  # the janitor asks whose a file is
            # Who deletes a photo for good asks, as the database does, what stands in its place.
            models.Index(fields=["replaces"], condition=Q(replaces__isnull=False), name="ix_photo_replaces"),
            models.Index(fields=["deleted_at"], condition=Q(deleted_at__isnull=False), name="ix_photo_removed"),
        ]

    def __str__(self) -> str:
        return self.caption or f"Photo {self.position}"

    def gives_original_to(self, user: Any) -> bool:
        """Whether `user`, who may see the photo, may have the file too: it holds where and when it was taken.

        Reviewers may, and whoever uploaded it; the pictures made of it hold neither.
        """
        is_theirs = user.pk is not None and self.uploaded_by_id == user.pk
        return bool(is_theirs or user.has_perm("workitems.review_workitem"))

    @property
    def thumbnail_size(self) -> tuple[int, int] | None:
        """Width and height of the thumbnail in pixels; None before there is a rendition."""
        if not self.width or not self.height:
            return None
        share = min(THUMBNAIL_SIDE / self.width, THUMBNAIL_SIDE / self.height, 1)
        return max(1, round(self.width * share)), max(1, round(self.height * share))


class PhotoVerdict(models.Model):
    """One verdict on a photo, written once; the photo itself knows the last."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="verdicts", db_index=False)
    verdict = models.CharField(max_length=10, choices=Photo.Verdict, blank=True, help_text="Empty: taken back.")
    reason = models.CharField(max_length=500, blank=True)
    by = person()
    by_name = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["photo", "at"], name="ix_photo_verdict_photo")]

    def __str__(self) -> str:
        return self.get_verdict_display()

    def save(self, **options: Any) -> None:
        """Write the row; refuses to write it again."""
        if not self._state.adding:
            raise TypeError("history is written once")
        super().save(**options)


class PhotoRestoration(models.Model):
    """One removal of a photo that was undone, written once; the photo itself knows the removal that stands."""

    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, related_name="restorations", db_index=False)
    removed_by = person()
    removed_by_name = models.CharField(max_length=100, blank=True)
    removed_at = models.DateTimeField()
    by = person()
    by_name = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["photo", "at"], name="ix_photo_restoration_photo")]

    def __str__(self) -> str:
        return f"removed by {self.removed_by_name}, restored by {self.by_name}"

    def save(self, **options: Any) -> None:
        """Write the row; refuses to write it again."""
        if not self._state.adding:
            raise TypeError("history is written once")
        super().save(**options)


class UploadQuerySet(models.QuerySet["Upload"]):
    """Uploads, by how far they are."""

    def open(self) -> Self:
        """Promised and neither stored nor given up."""
        return self.filter(state=Upload.State.OPEN)


class Upload(models.Model):
    """A photo that a device promised: what has arrived of it, until it is a photo. The row is the promise."""

    class State(models.TextChoices):
        OPEN = "open", "Arriving"
        STORED = "stored", "Stored"
        GIVEN_UP = "given_up", "Given up"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="uploads", db_index=False
    )
    key = models.CharField(max_length=64, help_text="The device's own name of the photo.")
    name = models.CharField(max_length=255, blank=True)
    size = models.PositiveBigIntegerField(help_text="Promised, in bytes.")
    sha256 = models.CharField(max_length=64, help_text="Promised, in hexadecimal.")
    caption = models.CharField(max_length=500, blank=True)
    position = models.PositiveIntegerField(default=0)
    replaces = models.ForeignKey(
        Photo, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    offset = models.PositiveBigIntegerField(default=0, help_text="Bytes that are safely here.")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    fault = models.CharField(max_length=200, blank=True, help_text="Why it was given up, for people.")
    photo = models.OneToOneField(Photo, null=True, blank=True, on_delete=models.SET_NULL, related_name="upload")
    created_by = person()
    created_by_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    touched_at = models.DateTimeField(default=now, help_text="When something of it arrived last.")

    objects = UploadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["work_item", "key"], name="upload_key_uniq"),
            models.CheckConstraint(condition=Q(offset__lte=models.F("size")), name="upload_offset_within_size"),
        ]
        indexes = [
            models.Index(fields=["touched_at"], condition=Q(state="open"), name="ix_upload_open"),
            models.Index(fields=["replaces"], condition=Q(replaces__isnull=False), name="ix_upload_replaces"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.offset} of {self.size} bytes"
