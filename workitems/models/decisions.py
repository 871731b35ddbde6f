"""What reviewers decided, about one item or many at once, kept so that it can be taken back."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from perf.clock import now
from workitems.models.people import person
from workitems.workflow import Status


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Decisions, by who looks at them."""

    def of(self, user: Any) -> Self:
        """One's own."""
        return self.filter(by=user)

    def standing(self) -> Self:
        """Those that nobody took back."""
        return self.filter(undone_at=None)


class Decision(models.Model):
    """One decision: what it made of which items, at which versions, and what they were before."""

    class Act(models.TextChoices):
        COMPLETE = Status.COMPLETED_REVIEW.value, "completed"
        SEND_BACK = Status.NEEDS_REVISION.value, "sent back"
        AWAIT_PHOTOS = Status.AWAITING_PHOTOS.value, "asked for photos"
        ASSIGN = "assign", "assigned"

    act = models.CharField(max_length=20, choices=Act)
    reason = models.TextField(blank=True)
    steps: Any = models.JSONField(help_text="Per item: its id, number, version after it, and what it was before.")
    by = person()
    by_name = models.CharField(max_length=100)
    at = models.DateTimeField(default=now)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["by", "at"], name="ix_decision_by_at")]

    def __str__(self) -> str:
        return f"{self.get_act_display()} {self.subject}"

    @property
    def subject(self) -> str:
        """What it was about, as a sentence says it: the one number, or how many items."""
        return str(self.steps[0]["number"]) if len(self.steps) == 1 else f"{len(self.steps)} items"
