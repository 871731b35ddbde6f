"""Queries worth a look: their text without values, where they ran and at their worst, and how a database plans them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.urls import reverse

from perf import clock


class KnownQueryQuerySet(models.QuerySet["KnownQuery"]):
    """Queries, by when they last ran."""

    def last_before(self, instant: datetime) -> Self:
        """Those that have not run since `instant`."""
        return self.filter(last_at__lt=instant)

    def for_list(self, digests: list[str]) -> Self:
        """Those of `digests` with their places."""
        return self.filter(pk__in=digests).prefetch_related("places")


class KnownQuery(models.Model):
    """A query that was slow or ran again and again. Nothing of any value in it is here, nor was it ever."""

    digest = models.CharField(max_length=32, primary_key=True, help_text="Stands for the shape.")
    shape = models.TextField(help_text="With ? for each value.")
    template = models.TextField(
        blank=True, help_text="With %s for each value, as a database can plan it; empty where it cannot."
    )
    first_at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now, help_text="To some minutes.")

    objects = KnownQueryQuerySet.as_manager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.shape[:80]

    def get_absolute_url(self) -> str:
        """The page about it."""
        return reverse("perf:query", args=[self.pk])


class QueryPlaceQuerySet(models.QuerySet["QueryPlace"]):
    """Places, by when their query last ran there."""

    def last_before(self, instant: datetime) -> Self:
        """Those where it has not run since `instant`, as far as is known."""
        return self.filter(models.Q(last_at=None) | models.Q(last_at__lt=instant))


class QueryPlace(models.Model):
    """Where a query ran: for which route or task and from which line, with the worst run and how to mend it."""

    query = models.ForeignKey(KnownQuery, on_delete=models.CASCADE, related_name="places", db_index=False)
    route = models.CharField(max_length=200, help_text="A URL name or a task.")
    place = models.CharField(max_length=255, help_text="File and line.")
    function = models.CharField(max_length=200, blank=True)
    advice = models.TextField(blank=True, help_text="What to do where it ran again and again, as a guess.")
    slowest = models.FloatField(default=0, help_text="Seconds of the slowest run.")
    slowest_at = models.DateTimeField(null=True, blank=True)
    request = models.FloatField(default=0, help_text="Seconds of the whole request with the slowest run.")
    queries = models.PositiveIntegerField(default=0, help_text="How many queries that request ran.")
    times = models.PositiveIntegerField(default=0, help_text="The most runs in one request.")
    times_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last ran, to some minutes; unknown of those written before this was."
    )

    objects = QueryPlaceQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["query", "route", "place"], name="query_place_uniq")]

    def __str__(self) -> str:
        return f"{self.route} ({self.place})"


class QueryPlan(models.Model):
    """How the database would run a query, as it said when somebody asked."""

    query = models.ForeignKey(KnownQuery, on_delete=models.CASCADE, related_name="plans", db_index=False)
    at = models.DateTimeField(default=clock.now)
    server = models.CharField(max_length=100, help_text="Which database said so.")
    text = models.TextField()
    cost = models.FloatField(null=True, blank=True, help_text="In the planner's units; SQLite tells none.")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["query", "at"], name="ix_queryplan_query_at")]

    def __str__(self) -> str:
        return f"{self.query_id} at {self.at:%Y-%m-%d %H:%M}"
