"""Work items with their photos, comments and history, and where their numbers come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Prefetch, Q

from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems import numbers
from workitems.cache import families_of
from workitems.workflow import OPEN, Status

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

PERSON = settings.AUTH_USER_MODEL
SORTS: dict[str, tuple[str, ...]] = {
    "date_desc": ("-submitted_at", "-pk"),
    "date_asc": ("submitted_at", "pk"),
    "item_number": ("number",),
    "submitter": ("submitter_name", "pk"),
}
"""Orders of a list, each served by an index and ending in a unique field."""


def _person(related_name: str = "+") -> models.ForeignKey[Any, Any]:
    """Someone who did something; the name copied beside it outlives the account."""
    return models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name=related_name, db_index=False
    )


class NumberCounter(models.Model):
    """The last number given out, by name of the series. Written by workitems.numbers alone."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class PresetNumber(models.Model):
    """A number the crew may pick instead of typing it, such as the yard's own item codes."""

    code = models.CharField(max_length=50, validators=[numbers.code])
    title = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0, help_text="Lower comes first.")
    is_offered = models.BooleanField("offered", default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="preset_number_code_uniq")]

    def __str__(self) -> str:
        return f"{self.code} - {self.title}" if self.title else self.code


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    """Work items, by the page that reads them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """What `user` may read: all items that are not in the bin, with workitems.view_workitem, else none."""
        return self.present() if user.has_perm("workitems.view_workitem") else self.none()  # type: ignore[union-attr]  # custom user has it

    def present(self) -> Self:
        """Items that are not in the bin."""
        return self.filter(deleted_at=None)

    def editable_by(self, user: Any) -> Self:
        """What `user` may change the text and photos of: reviewers all, crew their own or assigned ones while open."""
        if user.has_perm("workitems.review_workitem"):
            return self.present()
        if not user.has_perm("workitems.change_workitem"):
            return self.none()
        return self.present().filter(Q(submitter=user) | Q(assigned_to=user), status__in=OPEN)

    def waiting_for(self, user: Any) -> Self:
        """Open items assigned to `user`, the ones sent back among them, newest first."""
        return self.present().filter(assigned_to=user, status__in=OPEN).order_by(*SORTS["date_desc"])

    def for_list(self, sort: str = "date_desc") -> Self:
        """Rows with their photos and comments, in one of SORTS; three queries however many rows."""
        photos = Prefetch("photos", Photo.objects.order_by("position", "pk"))
        comments = Prefetch("comments", Comment.objects.order_by("created_at", "pk"))
        return self.prefetch_related(photos, comments).order_by(*SORTS[sort])

    def move_to_bin(self, by: Any) -> int:
        """Delete softly: nobody sees the items until they are restored; how many."""
        return self._set_deleted(self.filter(deleted_at=None), by, now())

    def restore(self, by: Any) -> int:
        """Take items out of the bin; how many."""
        return self._set_deleted(self.exclude(deleted_at=None), by, None)

    def _set_deleted(self, rows: Self, by: Any, at: Any) -> int:
        with transaction.atomic():
            found = dict(rows.order_by("pk").select_for_update().values_list("pk", "number"))
            self.model.objects.filter(pk__in=found).update(
                deleted_at=at, deleted_by=by if at else None, version=F("version") + 1
            )
            for pk, number in found.items():
                forget(*families_of(pk))
                happened(by, "workitems.delete" if at else "workitems.restore", number, {"id": pk})
        return len(found)


class WorkItem(models.Model):
    """One job that a crew saw or did. `version` grows with every write; who writes says which one they saw."""

    number = models.CharField(max_length=50, validators=[numbers.code], blank=True, help_text="Empty: the next draft.")
    location = models.CharField(max_length=200)
    equipment = models.CharField(max_length=200, blank=True)
    description = models.CharField(max_length=2000)
    detail = models.TextField()
    ofm = models.TextField("operator furnished material (OFM)", blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.SUBMITTED)
    submitter = _person("submitted_items")
    submitter_name = models.CharField(max_length=100)
    submitted_at = models.DateTimeField(default=now)
    assigned_to = _person("assigned_items")
    assigned_to_name = models.CharField(max_length=100, blank=True)
    reviewer = _person()
    reviewer_name = models.CharField(max_length=100, blank=True)
    revision_notes = models.TextField(blank=True, help_text="Why it was sent back; empty once submitted again.")
    internal_notes = models.TextField(blank=True, help_text="For reviewers alone: see internal_notes_for.")
    internal_notes_at = models.DateTimeField(null=True, blank=True)
    last_modified_by = _person()
    last_modified_by_name = models.CharField(max_length=100, blank=True)
    modified_at = models.DateTimeField(default=now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = _person()
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        permissions = [
            ("review_workitem", "Can review work items"),
            ("read_internal_notes", "Can read internal notes"),
            ("assign_workitem", "Can assign work items"),
            ("reopen_workitem", "Can reopen completed work items"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="workitem_number_uniq"),
            models.CheckConstraint(condition=~Q(number=""), name="workitem_number_not_blank"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="workitem_status_known"),
        ]
        indexes = [
            # Each serves its first column as well; the unique constraint serves the number.
            models.Index(fields=["status", "submitted_at", "id"], name="ix_workitem_status_submitted"),
            models.Index(fields=["submitted_at", "id"], name="ix_workitem_submitted_at"),
            models.Index(fields=["assigned_to", "status"], name="ix_workitem_assigned_to"),
            models.Index(fields=["submitter_name", "id"], name="ix_workitem_submitter_name"),
            models.Index(fields=["submitter"], name="ix_workitem_submitter"),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, **options: Any) -> None:
        """Store the row, a new one under its number: the typed one, or the next draft number that is free.

        Raises NumberTaken when another item has the typed one.
        """
        if self.number or not self._state.adding:
            self._save_numbered(**options)
        while not self.number:
            self.number = numbers.next_draft()
            try:
                self._save_numbered(**options)
            except numbers.NumberTaken:  # somebody typed this draft number earlier
                self.number = ""

    def _save_numbered(self, **options: Any) -> None:
        try:
            with transaction.atomic():
                super().save(**options)
                forget(*families_of(self.pk))
        except IntegrityError:
            existing = WorkItem.objects.filter(number=self.number).exclude(pk=self.pk).first()
            if existing is None:
                raise
            raise numbers.NumberTaken(existing) from None

    @property
    def status_label(self) -> str:
        """The status as people read it, with the reviewer's name while in review."""
        label = Status(self.status).label
        return f"{label} by {self.reviewer_name}" if self.status == Status.IN_REVIEW and self.reviewer_name else label

    def may_edit(self, user: Any) -> bool:
        """Whether `user` may change text and photos: the rule of WorkItemQuerySet.editable_by, for a loaded row."""
        if self.deleted_at:
            return False
        if user.has_perm("workitems.review_workitem"):
            return True
        is_theirs = user.pk is not None and user.pk in {self.submitter_id, self.assigned_to_id}
        return is_theirs and self.status in OPEN and user.has_perm("workitems.change_workitem")

    def internal_notes_for(self, user: Any) -> str:
        """The internal notes, empty for whoever may not read them."""
        return self.internal_notes if user.has_perm("workitems.read_internal_notes") else ""


class Photo(models.Model):
    """One picture of an item: the upload untouched, and what is shown of it. Paths are names in the storage."""

    class State(models.TextChoices):
        PROCESSING = "processing", "Processing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    work_item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="photos", db_index=False)
    original = models.FileField(upload_to="originals", max_length=500)
    original_name = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, help_text="Of the original, in hexadecimal.")
    size = models.PositiveBigIntegerField(help_text="Of the original, in bytes.")
    rendition = models.FileField(upload_to="renditions", max_length=500, blank=True)
    thumbnail_path = models.CharField(max_length=500, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True, help_text="Of the rendition, in pixels.")
    height = models.PositiveIntegerField(null=True, blank=True, help_text="Of the rendition, in pixels.")
    caption = models.CharField(max_length=500, blank=True)
    position = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State, default=State.PROCESSING)
    fault = models.CharField(max_length=200, blank=True, help_text="Why it failed, for people.")
    uploaded_by = _person()
    uploaded_by_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["work_item", "position", "id"], name="ix_photo_work_item")]

    def __str__(self) -> str:
        return self.caption or f"Photo {self.position}"


class Comment(models.Model):
    """What someone said about an item, for all who see it."""

    work_item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="comments", db_index=False)
    author = _person()
    author_name = models.CharField(max_length=100)
    text = models.TextField(max_length=5000)
    by_reviewer = models.BooleanField(default=False, help_text="Whether the author was a reviewer then.")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="comment_text_not_blank")]
        indexes = [
            models.Index(fields=["work_item", "created_at"], name="ix_comment_work_item"),
            models.Index(fields=["created_at"], name="ix_comment_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.text[:50]}"


class StatusChange(models.Model):
    """One step of an item, written once and never changed. `old_status` is empty for the first."""

    work_item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="status_changes", db_index=False)
    old_status = models.CharField(max_length=20, choices=Status, blank=True)
    new_status = models.CharField(max_length=20, choices=Status)
    changed_by = _person()
    changed_by_name = models.CharField(max_length=100)
    reviewer_name = models.CharField(max_length=100, blank=True, help_text="Who reviews from then on.")
    reason = models.TextField(blank=True)
    changed_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["work_item", "changed_at"], name="ix_status_change_work_item"),
            models.Index(fields=["changed_at"], name="ix_status_change_changed_at"),
        ]

    def __str__(self) -> str:
        return f"{self.old_status or 'new'} → {self.new_status}"

    def save(self, **options: Any) -> None:
        """Write the row; refuses to write it again."""
        if not self._state.adding:
            raise TypeError("history is written once")
        super().save(**options)
