"""Platforms at rest, and the processes that were last seen at work."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from accounts.platforms import PLATFORM_CHOICES
from perf import clock


class PlatformStateQuerySet(models.QuerySet["PlatformState"]):
    """States of platforms."""

    def paused(self) -> Self:
        """Platforms and hosts that nothing is fetched from at the moment."""
        return self.filter(paused_until__gt=clock.db_now())

    def with_now(self) -> Self:
        """Each state with the database's `now`, by which all of its instants count."""
        return self.annotate(now=clock.db_now())

    def broken(self) -> Self:
        """Platforms and hosts that rested after failures and gave no good answer since: the next call is made alone."""
        return self.filter(openings__gt=0)


class PlatformState(models.Model):
    """Whether a platform, or one host of it, may be fetched from now, and if not, why and until when."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    host = models.CharField(max_length=255, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=30, blank=True)
    pauses = models.PositiveIntegerField(default=0, help_text="How many bursts of refusals it has answered with.")
    circuit = models.PositiveSmallIntegerField(default=0, help_text="Failed calls in a row.")
    openings = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Rests after failures, one after the other without a good call between."
    )

    objects = PlatformStateQuerySet.as_manager()

    now: datetime  # what `with_now()` annotates

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "host"], name="platformstate_uniq")]

    def __str__(self) -> str:
        return f"{self.platform} {self.host}".strip()


class Heartbeat(models.Model):
    """When a kind of process was last seen at work."""

    process = models.CharField(max_length=20, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.process
