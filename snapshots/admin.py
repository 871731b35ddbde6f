"""The figures in Django's admin: to read, and to judge the doubted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat

from perf.administration import AuditedAdmin
from snapshots.judging import judge
from snapshots.models import DailyTotal, ExportJob, Judgement, LatestSnapshot, Note, Snapshot

if TYPE_CHECKING:
    LatestBase = admin.ModelAdmin[LatestSnapshot]
    TotalBase = admin.ModelAdmin[DailyTotal]
    JudgementBase = admin.ModelAdmin[Judgement]
    ExportBase = admin.ModelAdmin[ExportJob]
else:  # Django's classes take no parameters at run time
    LatestBase = TotalBase = JudgementBase = ExportBase = admin.ModelAdmin


class ToJudge(admin.SimpleListFilter):
    """Only the days that wait for an editor."""

    title, parameter_name = "to judge", "to_judge"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Waiting for an editor")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.to_judge() if self.value() else queryset  # type: ignore[attr-defined]  # it is a SnapshotQuerySet


class Kept:
    """Rows that recording keeps: nobody adds or changes them by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Snapshot)
class SnapshotAdmin(Kept, AuditedAdmin):
    """Snapshots: read, deleted, and judged where they were doubted."""

    subject = "snapshots"
    list_display = ("account", "date", "followers", "engagements", "posts", "source", "quality", "set_aside")
    list_filter = (ToJudge, "quality", "source", "account__platform")
    list_select_related = ("account",)
    date_hierarchy = "date"
    search_fields = ("account__handle", "account__display_name", "account__organization__name")
    ordering = ("-date", "-account_id")
    show_full_result_count = False
    list_per_page = 50
    actions = ("accept", "reject")

    @admin.display(description="set aside")
    def set_aside(self, row: Snapshot) -> str:
        """The followers of a later reading that was doubted."""
        followers = row.aside["figures"].get("followers") if row.aside else None
        return "–" if followers is None else f"{followers:,}"

    def has_judge_permission(self, request: HttpRequest) -> bool:
        """Whether the user may accept and reject figures."""
        return request.user.has_perm("snapshots.judge_snapshots")

    @admin.action(description="Accept: let the doubted figures count", permissions=["judge"])
    def accept(self, request: HttpRequest, rows: QuerySet[Snapshot]) -> None:
        """Publish what waits in `rows`."""
        self._judge(request, rows, accept=True)

    @admin.action(description="Reject: hide these figures", permissions=["judge"])
    def reject(self, request: HttpRequest, rows: QuerySet[Snapshot]) -> None:
        """Hide `rows`, or drop what was set aside beside them."""
        self._judge(request, rows, accept=False)

    def _judge(self, request: HttpRequest, rows: QuerySet[Snapshot], *, accept: bool) -> None:
        changed = sum(judge(row, accept=accept, by=request.user) for row in rows.order_by("account_id", "date"))
        word = "accepted" if accept else "rejected"
        self.message_user(request, f"{changed} {word}; nothing to change in the others.", messages.SUCCESS)


@admin.register(LatestSnapshot)
class LatestSnapshotAdmin(Kept, LatestBase):
    """Each account's newest published figures, to read."""

    list_display = ("account", "date", "followers", "change_1", "change_7", "change_30", "change_90", "days", "source")
    list_filter = ("platform", "is_active", "source")
    list_select_related = ("account",)
    search_fields = ("account__handle",)
    ordering = ("account_id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never by itself: that of an account without figures goes when the account is deleted."""
        page = request.resolver_match.url_name if request.resolver_match else None
        return obj is not None and obj.date is None and str(page).startswith("accounts_account_")


@admin.register(DailyTotal)
class DailyTotalAdmin(Kept, TotalBase):
    """Sums per day, platform and organisation, to read."""

    list_display = ("date", "platform", "organization", "followers", "accounts", "gained")
    list_filter = ("platform",)
    list_select_related = ("organization",)
    date_hierarchy = "date"
    ordering = ("-date", "platform", "organization_id")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Judgement)
class JudgementAdmin(Kept, JudgementBase):
    """Editors' decisions on doubted figures, to read: taking one back is its own maker's, on the page of figures."""

    list_display = ("id", "decided", "figures_count", "by", "at", "undone_at")
    list_filter = ("accepted",)
    list_select_related = ("by",)
    date_hierarchy = "at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Judgement]:
        return Judgement.objects.for_list()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="decision", ordering="accepted")
    def decided(self, judgement: Judgement) -> str:
        """Accepted or rejected."""
        return judgement.word

    @admin.display(description="figures")
    def figures_count(self, judgement: Judgement) -> str:
        """How many figures it was about, and one account of them."""
        return f"{judgement.count:,} ({judgement.example})" if judgement.count else "0"


@admin.register(ExportJob)
class ExportJobAdmin(Kept, ExportBase):
    """Exports of everybody, to read; their files are their owners' alone."""

    list_display = ("id", "owner", "kind", "state", "rows_written", "bytes_written", "created_at", "error")
    list_filter = ("state", "kind")
    list_select_related = ("owner",)
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="rows", ordering="rows")
    def rows_written(self, job: ExportJob) -> str:
        """How many, with separators."""
        return f"{job.rows:,}"

    @admin.display(description="size", ordering="size")
    def bytes_written(self, job: ExportJob) -> str:
        """In the largest sensible unit."""
        return filesizeformat(job.size)


@admin.register(Note)
class NoteAdmin(AuditedAdmin):
    """Editors' notes, the deleted ones too: to read and to delete for good; writing is the pages'."""

    subject = "notes"
    list_display = ("day", "account", "text", "author_name", "edited_at", "deleted_at")
    list_filter = (("deleted_at", admin.EmptyFieldListFilter), "account__platform")
    list_select_related = ("account",)
    date_hierarchy = "day"
    search_fields = ("text", "author_name", "account__handle")
    ordering = ("-day", "-id")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
