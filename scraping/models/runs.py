"""Runs: jobs that were asked for together, and how far they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, JSONObject

from accounts.platforms import PLATFORM_CHOICES
from perf import clock
from scraping.models.states import OPEN_STATES, JobState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from scraping.models.jobs import ScrapeJob


class ScrapeRunQuerySet(models.QuerySet["ScrapeRun"]):
    """Runs, by the page that reads them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def open(self) -> Self:
        """Runs that still have something to do: running or paused."""
        return self.filter(state__in=ScrapeRun.OPEN)

    def progress(self) -> Self:
        """Each run with its jobs counted per state in the same query; ScrapeRun's figures need this.

        Only runs that are returned are counted, and of those only open ones: a closed run kept its figures.
        """
        return self.annotate(figures=Coalesce(F("counted"), figures_of("pk"), output_field=models.JSONField()))

    def for_runs_page(self) -> Self:
        """Runs newest first with who asked and how far they are."""
        return self.select_related("requested_by").progress().order_by("-created_at", "-id")

    def close(self, state: str) -> int:
        """End these runs with the figures they have now; returns how many."""
        return self.update(state=state, finished_at=clock.db_now(), counted=figures_of("pk"))


def figures_of(run: str) -> Subquery:
    """The jobs of the outer query's `run` per state and when the first was fetched, as JSON; null without jobs."""
    states = {state: Count("job", filter=Q(job__state=state)) for state in JobState.values}
    jobs = RunJob.objects.filter(run=OuterRef(run)).order_by().values("run")
    return Subquery(jobs.annotate(found=JSONObject(began=Min("job__started_at"), **states)).values("found"))


class Counted:
    """How many jobs of a run from `progress()` are in `states`."""

    def __init__(self, *states: str) -> None:
        self.states = states

    def __get__(self, run: ScrapeRun | None, owner: type) -> int:
        figures = run.figures if run else None  # None for a run without jobs
        return sum(figures[state] for state in self.states) if figures else 0


class ScrapeRun(models.Model):
    """Jobs that were asked for together. Its figures are counted from its jobs, and kept once it is closed."""

    class Kind(models.TextChoices):
        PLANNED = "planned", "Nightly plan"
        REQUESTED = "requested", "Requested"
        DEMO = "demo", "Demo"

    class Scope(models.TextChoices):
        ALL = "all", "All accounts"
        PLATFORM = "platform", "One platform"
        ACCOUNTS = "accounts", "Chosen accounts"

    class Mode(models.TextChoices):
        FULL = "full", "Full: waits as long as it takes"
        FAST = "fast", "Fast: skips what would wait longer than a minute"
        DEMO = "demo", "Demo: five accounts, skips what would wait longer than half a minute"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.RUNNING, State.PAUSED)
    # What would have to wait longer than this is skipped; modes without a figure wait as long as it takes.
    PATIENCE = {Mode.FAST: timedelta(seconds=60), Mode.DEMO: timedelta(seconds=30)}
    DEMO_ACCOUNTS = 5

    kind = models.CharField(max_length=10, choices=Kind)
    scope = models.CharField(max_length=10, choices=Scope)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.FULL, db_default="full")
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES, blank=True)
    date = models.DateField(null=True, blank=True, help_text="The day a nightly plan is for.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    left_out = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Accounts on hold, which it did not ask for."
    )
    moved = models.PositiveIntegerField(default=0, db_default=0, help_text="Jobs that went on in another run.")
    counted = models.JSONField(null=True, blank=True, editable=False, help_text="Its jobs per state when it closed.")
    jobs: models.ManyToManyField[ScrapeJob, RunJob] = models.ManyToManyField(
        "ScrapeJob", through="RunJob", related_name="runs"
    )

    objects = ScrapeRunQuerySet.as_manager()

    figures: dict[str, Any] | None  # what `progress()` annotates

    class Meta:
        permissions = [("request_scrape", "Can start, pause and cancel scrapes")]
        constraints = [
            models.UniqueConstraint(fields=["date"], condition=Q(kind="planned"), name="scraperun_one_plan_per_day"),
            models.CheckConstraint(condition=~Q(kind="planned") | Q(date__isnull=False), name="scraperun_plan_has_day"),
            models.CheckConstraint(
                condition=Q(state__in=["running", "paused"], finished_at=None)
                | Q(state__in=["done", "cancelled"], finished_at__isnull=False),
                name="scraperun_finished_once_closed",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="ix_scraperun_created"),
            models.Index(fields=["state"], condition=Q(state__in=["running", "paused"]), name="ix_scraperun_open"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} run {self.pk}"

    # Figures of runs from `progress()`.
    total_jobs = Counted(*JobState.values)
    closed_jobs = Counted(*(state for state in JobState.values if state not in OPEN_STATES))
    due_jobs = Counted(JobState.DUE)
    leased_jobs = Counted(JobState.LEASED)
    done_jobs = Counted(JobState.DONE)
    failed_jobs = Counted(JobState.FAILED)
    dead_jobs = Counted(JobState.DEAD)
    cancelled_jobs = Counted(JobState.CANCELLED)

    @property
    def began_at(self) -> datetime | None:
        """When the first of its jobs was fetched; None until then."""
        if not self.figures or not self.figures["began"]:
            return None
        began = datetime.fromisoformat(self.figures["began"])
        return began if began.tzinfo else began.replace(tzinfo=UTC)  # SQLite keeps UTC without saying so

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to do."""
        return self.state in self.OPEN

    @property
    def percent(self) -> int:
        """How much is over, 0 to 100, rounded down so that 100 means all."""
        return 100 * self.closed_jobs // self.total_jobs if self.total_jobs else 100

    @property
    def elapsed(self) -> timedelta:
        """From its creation to its end, or to now."""
        return (self.finished_at or clock.now()) - self.created_at

    @property
    def per_minute(self) -> float | None:
        """Ended jobs per minute since the first was fetched (a plan is made hours before); None until one has ended."""
        waited = max(self.began_at - self.created_at, timedelta(0)) if self.began_at else timedelta(0)
        seconds = (self.elapsed - waited).total_seconds()
        return 60 * self.closed_jobs / seconds if self.closed_jobs and seconds > 0 else None

    @property
    def eta(self) -> timedelta | None:
        """How long the rest takes at the present speed; None while that is unknown, paused or over."""
        if self.state != self.State.RUNNING or not self.per_minute:
            return None
        return timedelta(minutes=(self.total_jobs - self.closed_jobs) / self.per_minute)


class RunJob(models.Model):
    """That a job belongs to a run; a job requested twice belongs to both."""

    run = models.ForeignKey(ScrapeRun, on_delete=models.CASCADE, db_index=False)
    job = models.ForeignKey("ScrapeJob", on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "job"], name="runjob_uniq")]

    def __str__(self) -> str:
        return f"job {self.job_id} in run {self.run_id}"
