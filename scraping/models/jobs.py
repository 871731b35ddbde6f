"""Jobs: one promise each to fetch one account's figures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, NullIf

from accounts.models import Account
from accounts.platforms import PLATFORM_CHOICES
from perf import clock
from scraping.models.platforms import PlatformState
from scraping.models.runs import RunJob, ScrapeRun
from scraping.models.states import OPEN_STATES, JobState, Rank

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class ScrapeJobQuerySet(models.QuerySet["ScrapeJob"]):
    """Jobs, by what callers need of them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_scraperun, else none."""
        return self if user.has_perm("scraping.view_scraperun") else self.none()  # type: ignore[union-attr]  # custom user has it

    def open(self) -> Self:
        """Jobs that still have to end: due or leased."""
        return self.filter(state__in=OPEN_STATES)

    def due(self, platform: str) -> Self:
        """Jobs of `platform` whose time has come, save those that only paused runs want."""
        return self.filter(platform=platform, state=JobState.DUE, due_at__lte=clock.db_now()).not_paused()

    def not_paused(self) -> Self:
        """Without the jobs that a paused run wants and no running one."""
        running = RunJob.objects.filter(job=OuterRef("job"), run__state=ScrapeRun.State.RUNNING)
        paused = RunJob.objects.filter(~Exists(running), job=OuterRef("pk"), run__state=ScrapeRun.State.PAUSED)
        # Asked once; nearly always nothing is paused and no job needs to be looked at.
        nothing = ~Exists(ScrapeRun.objects.filter(state=ScrapeRun.State.PAUSED))
        return self.alias(held_back=_first(paused)).filter(nothing | Q(held_back=None))

    def wanted_only_by(self, run: ScrapeRun) -> Self:
        """The jobs that no open run but `run` waits for."""
        return self.alias(other=_first(_links_of_others(run))).filter(other=None)

    def wanted_besides(self, run: ScrapeRun) -> Self:
        """The jobs that another open run than `run` waits for too."""
        return self.alias(other=_first(_links_of_others(run))).exclude(other=None)

    def claimable(self, platform: str) -> Self:
        """Jobs of `platform` that may be fetched now: due, and the platform is not at rest."""
        resting = PlatformState.objects.filter(platform=platform, host="").paused()
        return self.due(platform).filter(~Exists(resting))

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

    def waiting_beyond(self, instant: Combinable) -> Self:
        """The jobs that wait for their time or their platform until after `instant`, which is not in the past."""
        resting = PlatformState.objects.filter(host="", paused_until__gt=instant).values("platform")
        return self.filter(Q(due_at__gt=instant) | Q(platform__in=resting), state=JobState.DUE)

    def waiting(self) -> QuerySet[Any, dict[str, Any]]:
        """How many jobs wait per platform and reason, and until when the first: `platform, why, until, jobs`."""
        held = self.waiting_beyond(clock.db_now()).with_reasons()
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


def _first(links: QuerySet[RunJob]) -> Subquery:
    """The first of `links` of each job, or null.

    An EXISTS would be planned as a join, which on tables that were filled a moment ago, before anyone counted them,
    compares every job with every other.
    """
    return Subquery(links.values("pk")[:1])


def _links_of_others(run: ScrapeRun) -> QuerySet[RunJob]:
    """What ties the outer query's job to open runs other than `run`."""
    return RunJob.objects.filter(job=OuterRef("pk"), run__state__in=ScrapeRun.OPEN).exclude(run=run)


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
    waits_until: datetime | None

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
            models.Index(fields=["date", "id"], condition=Q(state="due"), name="ix_scrapejob_left_over"),
            models.Index(fields=["platform", "date"], condition=Q(state="failed"), name="ix_scrapejob_failed"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="ix_scrapejob_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} job {self.pk}"

    @property
    def rank_reason(self) -> str:
        """Why it has its place in the queue, in a sentence for people."""
        if self.reason == self.Reason.CONFIRM and self.rank == Rank.RETRY:
            return "A second look at an unlikely figure goes before accounts that only wait for the plan."
        return RANK_REASONS[Rank(self.rank)]


RANK_REASONS = {
    Rank.REQUESTED: "Somebody asked for it, so it goes before the nightly plan.",
    Rank.CORE: "A core account goes first in the nightly plan.",
    Rank.RETRY: "It failed and is due again: it goes before accounts that only wait for the plan.",
    Rank.ACTIVE: "Its followers or posts changed within a week, so it goes before quieter accounts.",
    Rank.REST: "Nothing of it changed within a week; waiting moves it forward every hour.",
}
