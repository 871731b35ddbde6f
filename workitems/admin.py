"""Work items for administrators, to read, their own pages change them; numbers and reasons on offer are kept here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from perf.administration import AuditedAdmin
from workitems.models import (
    CannedReason,
    Comment,
    Contact,
    Document,
    Notice,
    Photo,
    PresetNumber,
    StatusChange,
    WorkItem,
    WorkItemQuerySet,
)


class ReadOnly(admin.options.BaseModelAdmin):
    """Nobody adds, changes or deletes here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PhotoInline(ReadOnly, admin.TabularInline):
    """The photos of an item."""

    model = Photo
    fields = ("position", "caption", "state", "fault", "original_name", "size", "width", "height", "uploaded_by_name")
    ordering = ("position", "pk")


class CommentInline(ReadOnly, admin.TabularInline):
    """The comments on an item, oldest first."""

    model = Comment
    fields = readonly_fields = ("created_at", "author_name", "by_reviewer", "text")
    ordering = ("created_at", "pk")


class StatusChangeInline(ReadOnly, admin.TabularInline):
    """The history of an item, newest first."""

    model = StatusChange
    fields = readonly_fields = ("changed_at", "old_status", "new_status", "changed_by_name", "reviewer_name", "reason")
    ordering = ("-changed_at", "-pk")


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnly, admin.ModelAdmin):
    """All items, those in the bin included, which are restored here."""

    list_display = ("number", "status_label", "location", "description", "submitter_name", "submitted_at", "deleted_at")
    list_filter = ("status", ("deleted_at", admin.EmptyFieldListFilter), "submitted_at")
    search_fields = ("number", "location", "description", "submitter_name")
    ordering = ("-submitted_at", "-pk")
    show_full_result_count = False
    inlines = (PhotoInline, CommentInline, StatusChangeInline)
    actions = ("move_to_bin", "restore")

    def has_bin_permission(self, request: HttpRequest) -> bool:
        """Who may delete and restore."""
        return request.user.has_perm("workitems.delete_workitem")

    @admin.action(description="Move to the bin", permissions=["bin"])
    def move_to_bin(self, request: HttpRequest, items: WorkItemQuerySet) -> None:
        """Delete the chosen items softly."""
        self.message_user(request, f"{_items(items.move_to_bin(request.user))} moved to the bin; “Restore” undoes it.")

    @admin.action(description="Restore from the bin", permissions=["bin"])
    def restore(self, request: HttpRequest, items: WorkItemQuerySet) -> None:
        """Take the chosen items out of the bin."""
        self.message_user(request, f"{_items(items.restore(request.user))} restored.")


def _items(number: int) -> str:
    return "1 item" if number == 1 else f"{number:,} items"


@admin.register(PresetNumber)
class PresetNumberAdmin(AuditedAdmin):
    """The numbers that the crew is offered."""

    subject = "presetnumbers"
    list_display = ("code", "title", "position", "is_offered")
    list_editable = ("position", "is_offered")
    search_fields = ("code", "title")
    ordering = ("position", "code")

    def named(self, obj: PresetNumber) -> str:
        return obj.code


@admin.register(CannedReason)
class CannedReasonAdmin(AuditedAdmin):
    """The reasons to send an item back that reviewers are offered."""

    subject = "cannedreasons"
    list_display = ("text", "status", "position", "is_offered")
    list_editable = ("position", "is_offered")
    list_filter = ("status",)
    search_fields = ("text",)
    ordering = ("status", "position", "pk")

    def named(self, obj: CannedReason) -> str:
        return obj.text[:100]


@admin.register(Contact)
class ContactAdmin(AuditedAdmin):
    """How people are told of their items; each sets it at their own page too."""

    subject = "contacts"
    list_display = ("user", "phone", "wants_mail", "wants_sms")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name", "phone")
    ordering = ("user__username",)
    autocomplete_fields = ("user",)

    def named(self, obj: Contact) -> str:
        return obj.user.get_username()


@admin.register(Notice)
class NoticeAdmin(ReadOnly, admin.ModelAdmin):
    """What people were told, what they will be, and why something did not arrive."""

    list_display = ("created_at", "work_item", "event", "channel", "address", "state", "tries", "due_at", "error")
    list_filter = ("channel", "event", "given_up", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("work_item",)
    search_fields = ("work_item__number", "address")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Document)
class DocumentAdmin(ReadOnly, admin.ModelAdmin):
    """The Word files that were kept when reviews were completed, and those that are still owed."""

    list_display = ("work_item", "version", "name", "promised_at", "made_at", "tries")
    list_filter = (("made_at", admin.EmptyFieldListFilter),)
    list_select_related = ("work_item",)
    search_fields = ("work_item__number", "name")
    ordering = ("-id",)
    exclude = ("file",)
    show_full_result_count = False
