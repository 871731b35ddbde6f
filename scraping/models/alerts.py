"""Alerts, the notices of them, and who wants none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.platforms import PLATFORM_CHOICES
from perf.outbox import OutboxQuerySet, Outgoing

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class AlertQuerySet(models.QuerySet["Alert"]):
    """Alerts, by whether they stand."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def open(self) -> Self:
        """What is wrong now."""
        return self.filter(closed_at=None)

    def closed(self) -> Self:
        """What was wrong and is well again, newest first."""
        return self.filter(closed_at__isnull=False).order_by("-closed_at", "-id")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong now, as a condition sees it; an Alert remembers it. `detail` is made into words and is JSON."""

    kind: str
    key: str
    platform: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Alert(models.Model):
    """Something that a person should know of, from when it was noticed until it was well again."""

    class Kind(models.TextChoices):
        DEAD_TOKEN = "dead_token", "A credential is no longer accepted"
        PAUSED = "paused", "A platform is paused for over an hour"
        COVERAGE = "coverage", "A night ended below 95 % coverage"
        BACKLOG = "backlog", "Accounts wait longer than a day, or more than fit into it"
        BUDGET = "budget", "A month's budget is used to 80 or 100 %"
        SCHEMA_DRIFT = "schema_drift", "A platform's answers can no longer be read"
        SILENT = "silent", "No worker or scheduler for 10 minutes"

    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=280, blank=True, help_text="Which of its kind: a platform, a day, a process.")
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    detail = models.JSONField(default=dict, help_text="The figures its words are made of.")

    objects = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], condition=Q(closed_at=None), name="alert_one_open")
        ]
        indexes = [models.Index(fields=["closed_at", "id"], name="ix_alert_closed")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}".strip()


class NoticeQuerySet(OutboxQuerySet["Notice"]):
    """Notices, by what is to be done with them."""

    def due(self) -> Self:
        """Those to be sent now; word of a recovery waits until its opening was sent or given up."""
        opening = Notice.objects.filter(
            alert=OuterRef("alert"), channel=OuterRef("channel"), address=OuterRef("address"), event=Notice.Event.OPENED
        )
        unsent = opening.filter(sent_at=None, given_up=False)
        return self.pending().exclude(Exists(unsent), event=Notice.Event.RECOVERED)


class Notice(Outgoing):
    """One message about an alert to one address."""

    class Event(models.TextChoices):
        OPENED = "opened", "Opened"
        RECOVERED = "recovered", "Recovered"

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        WEBHOOK = "webhook", "Webhook"

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="notices", db_index=False)
    event = models.CharField(max_length=10, choices=Event)
    channel = models.CharField(max_length=10, choices=Channel)
    address = models.CharField(max_length=254, blank=True, help_text="Whom mail goes to; empty for the webhook.")

    objects = NoticeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alert", "event", "channel", "address"], name="notice_one_per_address")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(sent_at=None, given_up=False), name="ix_notice_due")]

    def __str__(self) -> str:
        return f"{self.channel} of {self.alert_id}: {self.event}"


class AlertMute(models.Model):
    """That one person wants no mail about one kind of alert; the pages go on showing it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Alert.Kind)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="alertmute_uniq")]

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.kind}"
