"""The ledger in the admin: all of it can be read, jobs tried again, pauses ended, nothing edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.models import Account
from accounts.platforms import PLATFORMS
from scraping import ledger, pauses
from scraping.connectors import warning_for
from scraping.models import OPEN_STATES, Attempt, PermitBlock, PlatformState, ScrapeJob, ScrapeRun
from scraping.outcomes import RULES, label
from scraping.tasks import wake


class ReadOnly(admin.ModelAdmin):
    """Rows that only the product writes."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class OutcomeFilter(admin.SimpleListFilter):
    """How it ended, from the rules: the field has no choices, and to list what is stored all of the table is read."""

    title = parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(outcome), rule.label) for outcome, rule in RULES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(outcome=self.value()) if self.value() else queryset


@admin.register(ScrapeRun)
class ScrapeRunAdmin(ReadOnly):
    """Runs with their progress."""

    list_display = (
        "id",
        "kind",
        "scope",
        "mode",
        "platform",
        "requested_by",
        "state",
        "done",
        "created_at",
        "finished_at",
    )
    list_filter = ("kind", "mode", "state", "platform")
    date_hierarchy = "created_at"
    exclude = ("jobs",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScrapeRun]:
        return ScrapeRun.objects.for_runs_page()

    @admin.display(description="done")
    def done(self, run: ScrapeRun) -> str:
        """Ended jobs of all jobs."""
        return f"{run.closed_jobs} of {run.total_jobs}"


@admin.register(ScrapeJob)
class ScrapeJobAdmin(ReadOnly):
    """Jobs with why they wait or how they ended; what ended can be tried again."""

    list_display = ("id", "account", "date", "reason", "rank", "state", "why_label", "due_at", "attempts")
    list_filter = ("state", "platform", "reason", OutcomeFilter)
    list_select_related = ("account",)
    search_fields = ("account__handle_key",)
    raw_id_fields = ("account",)
    actions = ("try_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScrapeJob]:
        return ScrapeJob.objects.with_reasons().order_by("-id")

    @admin.display(description="why")
    def why_label(self, job: ScrapeJob) -> str:
        """Why it waits or how it ended."""
        return label(job.why)

    def has_request_permission(self, request: HttpRequest) -> bool:
        """Whether this person may ask for scrapes."""
        return request.user.has_perm("scraping.request_scrape")

    @admin.action(description="Try again now", permissions=["request"])
    def try_again(self, request: HttpRequest, jobs: QuerySet[ScrapeJob]) -> None:
        """Ask for the accounts of these jobs again; those still open are left alone."""
        ended = jobs.exclude(state__in=OPEN_STATES).values("account_id")
        try:
            run = ledger.request_scrape(Account.objects.filter(pk__in=ended), request.user)
        except ledger.Refused as refused:
            self.message_user(request, str(refused), messages.WARNING)
            return
        wake()
        self.message_user(request, f"Run {run.pk} tries them again.", messages.SUCCESS)


@admin.register(Attempt)
class AttemptAdmin(ReadOnly):
    """Every call made for an account."""

    list_display = ("id", "account", "platform", "step", "started_at", "seconds", "outcome", "status", "worker")
    list_filter = ("platform", OutcomeFilter)
    list_select_related = ("account",)
    search_fields = ("account__handle_key",)
    raw_id_fields = ("account", "job")
    ordering = ("-id",)


@admin.register(PermitBlock)
class PermitBlockAdmin(ReadOnly):
    """What was taken of each platform's quota and of the budget."""

    list_display = ("id", "platform", "host", "calls", "returned", "dollars", "granted_at", "settled_at")
    list_filter = ("platform",)
    ordering = ("-id",)


@admin.register(PlatformState)
class PlatformStateAdmin(ReadOnly):
    """Which platforms are left alone at the moment, and why."""

    list_display = ("platform", "host", "why_label", "paused_until", "pauses", "circuit")
    ordering = ("platform", "host")
    actions = ("end_pause",)

    @admin.display(description="why")
    def why_label(self, state: PlatformState) -> str:
        """Why it is or was left alone."""
        return label(state.why)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under a warning for each platform whose public pages are read."""
        if request.method == "GET":
            for platform in PLATFORMS.values():
                if warning := warning_for(platform.name):
                    self.message_user(request, f"{platform.label}: {warning}", messages.WARNING)
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    def has_request_permission(self, request: HttpRequest) -> bool:
        """Whether this person may ask for scrapes."""
        return request.user.has_perm("scraping.request_scrape")

    @admin.action(description="End the pause now", permissions=["request"])
    def end_pause(self, request: HttpRequest, states: QuerySet[PlatformState]) -> None:
        """Say that the cause is gone: a new credential, a budget, a platform that is well again."""
        for platform in states.values_list("platform", flat=True).distinct():
            pauses.resume(platform, request.user)
        wake()
