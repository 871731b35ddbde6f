"""Edits of many accounts that were applied, chunk by chunk, and how each account was before: for their undo."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q, Sum

from perf import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

UNDO_WITHIN = timedelta(minutes=10)
KEPT_FOR = timedelta(days=1)
"""What can no longer be undone is kept this long for its page; the audit log keeps who did what."""


def ticket_of(text: str) -> UUID | None:
    """The ticket that `text` is; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


class BulkEditQuerySet(models.QuerySet["BulkEdit"]):
    """Edits of many accounts, by whose they are."""

    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The edits of `user`: nobody else continues or undoes them."""
        return self.filter(by=user.pk)

    def started_from(self, ticket: UUID | None) -> BulkEdit | None:
        """The edit that the preview of `ticket` started, if it did."""
        return self.filter(ticket=ticket).first() if ticket else None

    def outdated(self) -> Self:
        """Those that nobody needs any more."""
        return self.filter(at__lt=clock.now() - KEPT_FOR)


class BulkEdit(models.Model):
    """One edit of many accounts by one person. It is applied, and undone, one part after the other."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=clock.now)
    wanted: Any = models.JSONField(help_text="What every account is given; see accounts.bulk.Wanted.")
    total = models.PositiveIntegerField(help_text="How many accounts it is to change.")
    ticket = models.UUIDField(
        null=True, help_text="Of the preview that it was started from: sent twice, it starts once."
    )
    undone_at = models.DateTimeField(null=True)

    objects = BulkEditQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(undone_at__gte=models.F("at")), name="bulkedit_undone_later"
            ),
            models.UniqueConstraint(fields=["by", "ticket"], name="bulkedit_started_once"),
        ]

    def __str__(self) -> str:
        return f"edit {self.pk} of {self.total} accounts"

    @property
    def undo_until(self) -> Any:
        """When it can be undone no more."""
        return self.at + UNDO_WITHIN

    @property
    def can_undo(self) -> bool:
        """Whether it is early enough to undo it, and nobody has."""
        return self.undone_at is None and clock.now() < self.undo_until

    def left(self) -> models.QuerySet[BulkEditPart]:
        """The parts that are still to be applied, or to be undone once that was asked for; in order."""
        state = {"is_applied": False} if self.undone_at is None else {"is_applied": True, "is_undone": False}
        return self.parts.filter(**state).order_by("number")

    def done(self) -> dict[str, int]:
        """How many accounts were looked at and changed so far, or put back since the undo was asked for."""
        applied, undone = self.parts.filter(is_applied=True), self.parts.filter(is_undone=True)
        said = applied.aggregate(seen=Sum("size", default=0), changed=Sum("changed", default=0))
        return said | undone.aggregate(back=Sum("changed", default=0), restored=Sum("restored", default=0))


class BulkEditPart(models.Model):
    """Some accounts of an edit, changed in one transaction. `stamp` is their `updated_at` since."""

    edit = models.ForeignKey(BulkEdit, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    ids: Any = models.JSONField(help_text="The accounts to change.")
    size = models.PositiveIntegerField()
    before: Any = models.JSONField(default=dict, help_text="Account id → what it had, of those that were changed.")
    changed = models.PositiveIntegerField(default=0)
    stamp = models.DateTimeField(null=True)
    is_applied = models.BooleanField(default=False)
    is_undone = models.BooleanField(default=False)
    restored = models.PositiveIntegerField(default=0)
    kept: Any = models.JSONField(default=list, help_text="The accounts that an undo left alone: changed since.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edit", "number"], name="bulkeditpart_uniq")]

    def __str__(self) -> str:
        return f"part {self.number} of edit {self.edit_id}"
