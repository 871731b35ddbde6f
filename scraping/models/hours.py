"""Hours of figures about gathering, and what each run came to."""

from __future__ import annotations

from django.db import models

from accounts.platforms import PLATFORM_CHOICES


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

    @property
    def without(self) -> int:
        """Accounts that ended without a figure, cancelled ones apart."""
        return self.jobs - self.figures - self.cancelled
