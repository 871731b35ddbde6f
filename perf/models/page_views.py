"""The timings of pages in browsers."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models

from perf import clock
from perf.recording import record

TIMED = ("answered", "ready", "loaded", "painted", "interaction")
"""What a view is timed by, each from when the page was asked for; an interaction from its press."""


class PageViewQuerySet(models.QuerySet["PageView"]):
    """Views of pages, by when they were."""

    def before(self, instant: datetime) -> Self:
        """Those that ended before `instant`."""
        return self.filter(at__lt=instant)


class PageView(models.Model):
    """One view of a page as its browser timed it, in milliseconds: which route, never which address or person.

    Of one browser alone and only while it lasted: what did not happen, or what the browser cannot tell, is null.
    """

    at = models.DateTimeField(default=clock.now, help_text="When it was told: as the page was left.")
    route = models.CharField(max_length=100, help_text="The page's URL name, such as snapshots:overview.")
    answered_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Until the first byte of the page.")
    ready_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="Until the page was parsed and its scripts had run."
    )
    loaded_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="Until everything of the first view was loaded."
    )
    painted_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="Until its largest part was painted (LCP)."
    )
    interaction_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="From the slowest press to its paint."
    )
    long_tasks = models.PositiveIntegerField(
        null=True, blank=True, help_text="How often scripts held the page above 50 ms."
    )
    long_ms = models.PositiveIntegerField(null=True, blank=True, help_text="For how long, all together.")

    objects = PageViewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["at"], name="ix_pageview_at")]

    def __str__(self) -> str:
        return f"{self.route} at {self.at:%Y-%m-%d %H:%M}"

    def record(self) -> None:
        """Put its times into perf's series, in seconds: page.answered, page.ready, page.loaded and so on."""
        for what in TIMED:
            if (ms := getattr(self, f"{what}_ms")) is not None:
                record(f"page.{what}", ms / 1000, route=self.route)
