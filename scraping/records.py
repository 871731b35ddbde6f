"""What watching over the gathering keeps: samples of unread answers, hours of figures, alerts and their notices.

Loaded by scraping.models, where Django looks for them; imports nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from accounts.platforms import PLATFORM_CHOICES
from perf import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_ERROR = 300  # characters kept of why a notice was not delivered


class SampleQuerySet(models.QuerySet["Sample"]):
    """Samples, by who may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_sample, else none."""
        return self if user.has_perm("scraping.view_sample") else self.none()  # type: ignore[union-attr]  # custom user has it

    def for_list(self) -> Self:
        """Newest first, without the bodies."""
        return self.select_related("account").defer("body").order_by("-taken_at", "-id")


class Sample(models.Model):
    """One answer that could not be read, for whoever mends the connector. Bounded; see scraping.samples."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    kind = models.CharField(max_length=4, help_text="The connector's: api or page.")
    step = models.CharField(max_length=20, help_text="Which of the platform's endpoints.")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scrape_samples", db_index=False)
    accounts = models.PositiveIntegerField(help_text="For how many accounts of this call it could not be read.")
    outcome = models.CharField(max_length=30)
    status = models.SmallIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.TextField(help_text="Its beginning, credentials removed.")
    size = models.PositiveIntegerField(help_text="Bytes of the whole answer.")
    taken_at = models.DateTimeField(help_text="When its call started, as in its attempts.")

    objects = SampleQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["platform", "outcome", "taken_at"], name="ix_sample_platform"),
            models.Index(fields=["account"], name="ix_sample_account"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} sample {self.pk}"


class Bucketed(models.Model):
    """Things of one hour that took about as long: counts and seconds add up, buckets give percentiles."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    hour = models.DateTimeField()
    bucket = models.SmallIntegerField(help_text="Of the fixed scale in scraping.hours.")
    count = models.PositiveIntegerField()
    seconds = models.FloatField(help_text="All of them together.")
    slowest = models.FloatField(help_text="Seconds.")

    class Meta:
        abstract = True


class OutcomeHour(Bucketed):
    """Tries of one hour at one endpoint that ended alike; outlives the attempts it was counted from."""

    step = models.CharField(max_length=20)
    outcome = models.CharField(max_length=30)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hour", "platform", "step", "outcome", "bucket"], name="outcomehour_uniq")
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.outcome} of {self.platform}"


class JobHour(Bucketed):
    """Jobs that ended within one hour: how long they waited and how long they ran."""

    class Measure(models.TextChoices):
        WAIT = "wait", "From being due to the first claim"
        RUN = "run", "From the first claim to the end"

    measure = models.CharField(max_length=4, choices=Measure)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "platform", "measure", "bucket"], name="jobhour_uniq")]

    def __str__(self) -> str:
        return f"{self.count} jobs of {self.platform}"


class RunTotal(models.Model):
    """What one ended run came to on one platform."""

    run = models.ForeignKey("scraping.ScrapeRun", on_delete=models.CASCADE, related_name="totals", db_index=False)
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    jobs = models.PositiveIntegerField()
    figures = models.PositiveIntegerField(help_text="Ended with a figure stored.")
    failed = models.PositiveIntegerField(help_text="Failed or given up.")
    cancelled = models.PositiveIntegerField()
    waited = models.FloatField(null=True, help_text="Mean seconds from being due to the first claim.")
    ran = models.FloatField(null=True, help_text="Mean seconds from the first claim to the end.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "platform"], name="runtotal_uniq")]

    def __str__(self) -> str:
        return f"{self.platform} in run {self.run_id}"


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


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices, by what is to be done with them."""

    def due(self) -> Self:
        """Those to be sent now; word of a recovery waits until its opening was sent or given up."""
        opening = Notice.objects.filter(
            alert=OuterRef("alert"), channel=OuterRef("channel"), address=OuterRef("address"), event=Notice.Event.OPENED
        )
        unsent = opening.filter(sent_at=None, given_up=False)
        pending = self.filter(sent_at=None, given_up=False, due_at__lte=clock.db_now())
        return pending.exclude(Exists(unsent), event=Notice.Event.RECOVERED).order_by("due_at", "id")


class Notice(models.Model):
    """One message about an alert to one address: the outbox. The row is the promise and, sent, the record."""

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
    due_at = models.DateTimeField(help_text="Not sent before.")
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up = models.BooleanField(default=False)
    error = models.CharField(max_length=MAX_ERROR, blank=True, help_text="Why the last try failed.")

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
