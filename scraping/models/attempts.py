"""Attempts: every call made for an account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import connection, models

from accounts.models import Account
from accounts.platforms import PLATFORM_CHOICES, PLATFORMS
from scraping.models.jobs import ScrapeJob

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

SECONDS_LATELY = """SELECT platform, seconds FROM (SELECT platform, seconds FROM scraping_attempt
WHERE platform = %s ORDER BY started_at DESC LIMIT %s) AS lately"""
"""One platform's part of a statement by hand: the ORM puts no limit into a part of a union on SQLite, and a window
function would read every attempt that is kept."""
MAX_DETAIL = 500  # characters kept of what a platform said


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts, by what callers need of them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def older_than(self, moment: datetime) -> Self:
        """Attempts that started before `moment`. The platforms are named because the index begins with them."""
        return self.filter(platform__in=list(PLATFORMS), started_at__lt=moment)

    @staticmethod
    def seconds_lately(platforms: Collection[str], count: int) -> Mapping[str, list[float]]:
        """The seconds of each platform's last `count` attempts, in one statement that walks the index once for each."""
        found: Mapping[str, list[float]] = defaultdict(list)
        if platforms:
            with connection.cursor() as cursor:
                statement = " UNION ALL ".join([SECONDS_LATELY] * len(platforms))
                cursor.execute(statement, [part for name in platforms for part in (name, count)])
                for platform, seconds in cursor.fetchall():
                    found[platform].append(seconds)
        return found


class Attempt(models.Model):
    """One try at one account: how long the fetch took and what came of it."""

    job = models.ForeignKey(ScrapeJob, on_delete=models.CASCADE, related_name="tries")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scrape_attempts", db_index=False)
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    step = models.CharField(max_length=20, help_text="Which of the platform's endpoints.")
    started_at = models.DateTimeField()
    seconds = models.FloatField(help_text="Around the fetch alone.")
    outcome = models.CharField(max_length=30)
    status = models.SmallIntegerField(null=True, blank=True, help_text="HTTP status; empty when no answer came.")
    worker = models.CharField(max_length=100)
    detail = models.CharField(max_length=MAX_DETAIL, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["platform", "started_at"], name="ix_attempt_platform"),
            models.Index(fields=["account", "started_at"], name="ix_attempt_account"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} in {self.seconds:.3f} s"
