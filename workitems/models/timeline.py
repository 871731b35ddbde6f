"""What was said of work items and done to them: comments, steps from state to state, changes of their words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q

from perf.clock import now
from workitems.models.people import person
from workitems.workflow import Status, name_of

if TYPE_CHECKING:
    from workitems.models import WorkItem

IN_BIN = "in_bin"
"""What a Revision calls it that an item was deleted or restored."""


class Comment(models.Model):
    """What someone said about an item, for all who see it."""

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="comments", db_index=False
    )
    author = person()
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

    def save(self, **options: Any) -> None:
        """Store it; a new one promises word of it to the others on the item, in the same transaction."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(**options)
            if is_new:
                apps.get_model("workitems", "Notice").objects.of_comment(self)


class StatusChange(models.Model):
    """One step of an item, written once and never changed. `old_status` is empty for the first."""

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="status_changes", db_index=False
    )
    old_status = models.CharField(max_length=20, choices=Status, blank=True)
    new_status = models.CharField(max_length=20, choices=Status)
    changed_by = person()
    changed_by_name = models.CharField(max_length=100)
    reviewer_name = models.CharField(max_length=100, blank=True, help_text="Who reviews from then on.")
    reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(null=True, editable=False, help_text="Of the item after it.")
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


class RevisionQuerySet(models.QuerySet["Revision"]):
    """Changes of items, by what makes them."""

    def of_bin(self, items: Iterable[tuple[int, int]], *, by: Any, is_in: bool) -> None:
        """Write that `items` (id, version after it) were put into the bin, or taken out of it."""
        stamp = {"changes": {IN_BIN: ["", "yes"] if is_in else ["yes", ""]}, "changed_by": by, "changed_at": now()}
        self.bulk_create(
            self.model(work_item_id=pk, version=version, changed_by_name=name_of(by), **stamp) for pk, version in items
        )


class Revision(models.Model):
    """One change of an item's words or people, written once: which fields, from what to what."""

    work_item: models.ForeignKey[WorkItem, WorkItem] = models.ForeignKey(
        "workitems.WorkItem", on_delete=models.CASCADE, related_name="revisions", db_index=False
    )
    version = models.PositiveIntegerField(help_text="Of the item after it.")
    changes: Any = models.JSONField(help_text="Name of the field → [before, after], as people read them.")
    changed_by = person()
    changed_by_name = models.CharField(max_length=100)
    changed_at = models.DateTimeField(default=now, editable=False)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work_item", "version"], name="revision_uniq")]

    def __str__(self) -> str:
        return f"version {self.version}: {', '.join(self.changes)}"

    def save(self, **options: Any) -> None:
        """Write the row; refuses to write it again."""
        if not self._state.adding:
            raise TypeError("history is written once")
        super().save(**options)
