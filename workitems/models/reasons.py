"""Reasons that reviewers give often, kept by administrators."""

from __future__ import annotations

from django.db import models

from workitems.workflow import Status


class CannedReason(models.Model):
    """Words to send an item back with, offered to reviewers beside their own."""

    status = models.CharField(
        "for", max_length=20, choices=[(s, s.label) for s in (Status.NEEDS_REVISION, Status.AWAITING_PHOTOS)]
    )
    text = models.CharField(max_length=500)
    position = models.PositiveIntegerField(default=0, help_text="Lower comes first.")
    is_offered = models.BooleanField("offered", default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["status", "text"], name="canned_reason_uniq")]

    def __str__(self) -> str:
        return self.text
