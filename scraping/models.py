"""The ledger: runs, jobs, attempts, permit blocks and the state of each platform."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, NullIf

from accounts.models import Account
from accounts.platforms import PLATFORM_CHOICES
from perf import clock
from scraping import records  # noqa: F401 - models of this app that stand apart

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_DETAIL = 500  # characters kept of what a platform said


class JobState(models.TextChoices):
    """Where a job stands. Due and leased are open; each account has at most one open job."""

    DUE = "due", "Waiting"
    LEASED = "leased", "Being fetched"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    DEAD = "dead", "Given up"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (JobState.DUE, JobState.LEASED)


class Rank(models.IntegerChoices):
    """Who goes first; waiting moves every job forward, so nothing starves (see AHEAD in scraping.ledger)."""

    REQUESTED = 0, "Requested by a user"
    CORE = 1, "Core account"
    RETRY = 2, "Failed and due again"
    ACTIVE = 3, "Recently active"
    REST = 4, "All others"


class ScrapeRunQuerySet(models.QuerySet["ScrapeRun"]):
    """Runs, by the page that reads them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def open(self) -> Self:
        """Runs that still have something to do: running or paused."""
        return self.filter(state__in=ScrapeRun.OPEN)

    def progress(self) -> Self:
        """Each run with its jobs counted per state in the same query; ScrapeRun's figures need this."""
        states = {f"{state}_jobs": Count("runjob", filter=Q(runjob__job__state=state)) for state in JobState.values}
        return self.annotate(total_jobs=Count("runjob"), began_at=Min("runjob__job__started_at"), **states)

    def for_runs_page(self) -> Self:
        """Runs newest first with who asked and how far they are."""
        return self.select_related("requested_by").progress().order_by("-created_at", "-id")


class ScrapeRun(models.Model):
    """Jobs that were asked for together. Its figures are counted from its jobs, never stored."""

    class Kind(models.TextChoices):
        PLANNED = "planned", "Nightly plan"
        REQUESTED = "requested", "Requested"
        DEMO = "demo", "Demo"

    class Scope(models.TextChoices):
        ALL = "all", "All accounts"
        PLATFORM = "platform", "One platform"
        ACCOUNTS = "accounts", "Chosen accounts"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.RUNNING, State.PAUSED)

    kind = models.CharField(max_length=10, choices=Kind)
    scope = models.CharField(max_length=10, choices=Scope)
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES, blank=True)
    date = models.DateField(null=True, blank=True, help_text="The day a nightly plan is for.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    jobs: models.ManyToManyField[ScrapeJob, RunJob] = models.ManyToManyField(
        "ScrapeJob", through="RunJob", related_name="runs"
    )

    objects = ScrapeRunQuerySet.as_manager()

    # What `progress()` annotates.
    total_jobs: int
    began_at: datetime | None
    due_jobs: int
    leased_jobs: int
    done_jobs: int
    failed_jobs: int
    dead_jobs: int
    cancelled_jobs: int

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

    @property
    def is_open(self) -> bool:
        """Whether something of it is still to do."""
        return self.state in self.OPEN

    @property
    def closed_jobs(self) -> int:
        """How many jobs have ended, well or not."""
        return self.total_jobs - self.due_jobs - self.leased_jobs

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


class ScrapeJobQuerySet(models.QuerySet["ScrapeJob"]):
    """Jobs, by what callers need of them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def open(self) -> Self:
        """Jobs that still have to end: due or leased."""
        return self.filter(state__in=OPEN_STATES)

    def claimable(self, platform: str) -> Self:
        """Jobs of `platform` that may be fetched now: due, on no pause of the platform, wanted by a run not paused."""
        runs = RunJob.objects.filter(job=OuterRef("pk"))
        return self.filter(
            Exists(runs.filter(run__state=ScrapeRun.State.RUNNING))
            | ~Exists(runs.filter(run__state=ScrapeRun.State.PAUSED)),
            ~Exists(PlatformState.objects.filter(platform=platform, host="").paused()),
            platform=platform,
            state=JobState.DUE,
            due_at__lte=clock.db_now(),
        )

    def with_reasons(self) -> Self:
        """Each job with `why` it waits or how it ended, and `waits_until` (None unless it waits).

        A job waits for its own due time or for its platform, whichever is later.
        """
        platform = PlatformState.objects.filter(platform=OuterRef("platform"), host="").paused()
        paused_until = Subquery(platform.values("paused_until")[:1])
        waits = models.When(state=JobState.DUE, then=Greatest("due_at", Coalesce(paused_until, "due_at")))
        return self.annotate(
            pause=Subquery(platform.values("why")[:1]),
            waits_until=models.Case(waits, output_field=models.DateTimeField()),
            why=models.Case(
                models.When(state=JobState.DUE, then=Coalesce(NullIf("pause", Value("")), "outcome")),
                default="outcome",
            ),
        )

    def waiting(self) -> QuerySet[Any, dict[str, Any]]:
        """How many jobs wait per platform and reason, and until when the first: `platform, why, until, jobs`."""
        held = self.filter(state=JobState.DUE).with_reasons().filter(waits_until__gt=clock.db_now())
        return held.values("platform", "why").annotate(until=Min("waits_until"), jobs=Count("id")).order_by("until")

    def without_figure(self) -> QuerySet[Any, dict[str, Any]]:
        """How many jobs ended without a published figure, per platform and reason: `platform, outcome, jobs`."""
        ended = self.exclude(state__in=OPEN_STATES).exclude(outcome="ok")
        return ended.values("platform", "outcome").annotate(jobs=Count("id")).order_by("-jobs", "platform", "outcome")

    def for_run_page(self, run: ScrapeRun) -> Self:
        """The jobs of `run`, what still waits first, each with its account and reason."""
        return (
            self.filter(runjob__run=run).select_related("account", "account__organization").with_reasons()
        ).order_by(F("finished_at").asc(nulls_first=True), "order_at", "id")


class ScrapeJob(models.Model):
    """One promise to fetch one account's figures. The row is the promise; a queue message is only a hint."""

    class Reason(models.TextChoices):
        PLANNED = "planned", "Planned"
        REQUESTED = "requested", "Requested"
        CONFIRM = "confirm", "Second look at a suspect figure"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scrape_jobs", db_index=False)
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    date = models.DateField(help_text="The day its figures are for, fixed at planning.")
    reason = models.CharField(max_length=10, choices=Reason)
    rank = models.SmallIntegerField(choices=Rank)
    order_at = models.DateTimeField(help_text="Claims go by this: when the job was due to be done, moved by its rank.")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.DUE)
    due_at = models.DateTimeField(help_text="Not fetched before.")
    lease_until = models.DateTimeField(null=True, blank=True)
    token = models.BigIntegerField(default=0, help_text="Grows with every claim; only its newest holder may settle.")
    attempts = models.SmallIntegerField(default=0)
    worker_deaths = models.SmallIntegerField(default=0)
    outcome = models.CharField(max_length=30, blank=True, help_text="Why it waits, or how it ended.")
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    waited = models.DurationField(null=True, blank=True, help_text="From being due to the first claim.")

    objects = ScrapeJobQuerySet.as_manager()

    # What `with_reasons()` annotates.
    why: str
    waits_until: object

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(state__in=["due", "leased"]), name="scrapejob_one_open_per_account"
            ),
            models.UniqueConstraint(
                fields=["account", "date"], condition=Q(reason="planned"), name="scrapejob_one_planned_per_day"
            ),
            models.CheckConstraint(
                condition=~Q(state="leased") | Q(lease_until__isnull=False), name="scrapejob_lease_has_an_end"
            ),
        ]
        indexes = [
            models.Index(
                fields=["platform", "order_at", "due_at", "id"], condition=Q(state="due"), name="ix_scrapejob_claim"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="leased"), name="ix_scrapejob_lease"),
            models.Index(fields=["account", "date"], name="ix_scrapejob_account"),
            models.Index(fields=["finished_at"], name="ix_scrapejob_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} job {self.pk}"


class RunJob(models.Model):
    """That a job belongs to a run; a job requested twice belongs to both."""

    run = models.ForeignKey(ScrapeRun, on_delete=models.CASCADE, db_index=False)
    job = models.ForeignKey(ScrapeJob, on_delete=models.CASCADE)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "job"], name="runjob_uniq")]

    def __str__(self) -> str:
        return f"job {self.job_id} in run {self.run_id}"


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Attempts, by what callers need of them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it


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


class PlatformStateQuerySet(models.QuerySet["PlatformState"]):
    """States of platforms."""

    def paused(self) -> Self:
        """Platforms and hosts that nothing is fetched from at the moment."""
        return self.filter(paused_until__gt=clock.db_now())


class PlatformState(models.Model):
    """Whether a platform, or one host of it, may be fetched from now, and if not, why and until when."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    host = models.CharField(max_length=255, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=30, blank=True)
    pauses = models.PositiveIntegerField(default=0, help_text="How many bursts of refusals it has answered with.")
    circuit = models.PositiveSmallIntegerField(default=0, help_text="Failed calls in a row.")

    objects = PlatformStateQuerySet.as_manager()

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
