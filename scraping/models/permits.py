"""Permit blocks: what was taken of the platforms' quotas and of the budget."""

from __future__ import annotations

from django.db import models

from accounts.platforms import PLATFORM_CHOICES


class PermitBlock(models.Model):
    """Calls a process may make of a platform's quota. Committed before the first of them is made.

    A block whose `returned` is empty counts as wholly spent, whatever became of the process that took it.
    """

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    credential = models.CharField(max_length=16, blank=True, help_text="Start of the credential's SHA-256.")
    host = models.CharField(max_length=255, blank=True, help_text="Where the limit counts per host.")
    calls = models.PositiveIntegerField()
    dollars = models.DecimalField(max_digits=10, decimal_places=4, default=0)
    granted_at = models.DateTimeField(help_text="On the clock of the limiter's Redis.")
    expires_at = models.DateTimeField(help_text="No call of this block reaches the platform later.")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="No call of it was under way after this.")
    returned = models.PositiveIntegerField(null=True, blank=True, help_text="Calls that were not made.")

    class Meta:
        indexes = [
            models.Index(fields=["platform", "granted_at"], name="ix_permitblock_platform"),
            models.Index(fields=["expires_at"], name="ix_permitblock_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.calls} calls of {self.platform}"
