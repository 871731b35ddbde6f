"""Organisations and accounts for administrators."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db import models, transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.models import Account, AccountQuerySet, FormerHandle, Organization
from perf.events import happened


class AuditedAdmin(admin.ModelAdmin):
    """Records every save and deletion in the audit log, with the change and in its transaction."""

    subject: str

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        detail = {"id": obj.pk, "fields": form.changed_data}
        happened(request.user, f"{self.subject}.{'edit' if change else 'add'}", str(obj), detail)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        happened(request.user, f"{self.subject}.delete", str(obj), {"id": obj.pk})
        super().delete_model(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Rows are deleted one by one: a figure's history goes with its account."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


class MergeForm(ActionForm):
    """Which organisation the chosen ones become."""

    into = forms.CharField(required=False, max_length=200, label="Merge into (exact name)")


@admin.register(Organization)
class OrganizationAdmin(AuditedAdmin):
    """Organisations with the number of their accounts."""

    subject = "organizations"
    list_display = ("name", "accounts_number", "created_at")
    search_fields = ("name",)
    ordering = ("name",)
    show_full_result_count = False
    readonly_fields = ("created_at",)
    action_form = MergeForm
    actions = ("merge",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        rows: QuerySet[Organization] = super().get_queryset(request)
        return rows.annotate(accounts_number=Count("accounts"))

    @admin.display(description="Accounts", ordering="accounts_number")
    def accounts_number(self, organization: Organization) -> int:
        """How many accounts it owns."""
        number: int = organization.accounts_number  # type: ignore[attr-defined]  # annotated above
        return number

    @admin.action(description="Merge into the organisation named", permissions=["change"])
    def merge(self, request: HttpRequest, chosen: QuerySet[Organization]) -> None:
        """Move the accounts of the chosen organisations to the one named and delete the emptied ones."""
        into = Organization.objects.filter(name=request.POST.get("into", "").strip()).first()
        if into is None:
            self.message_user(request, "Name the organisation to merge into, exactly as listed.", messages.ERROR)
            return
        with transaction.atomic():
            emptied = list(chosen.exclude(pk=into.pk).order_by("pk"))
            moved = sum(organization.merge_into(into, request.user) for organization in emptied)
        self.message_user(request, f"{len(emptied)} merged into {into.name}; {moved} accounts moved.")


class FormerHandleInline(admin.TabularInline):
    """Handles the account had, to read."""

    model = FormerHandle
    fields = readonly_fields = ("handle", "retired_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(AuditedAdmin):
    """Tracked profiles. Platform and handle say who it is; a new handle keeps the old one as former."""

    subject = "accounts"
    list_display = ("handle", "platform", "organization", "display_name", "is_core", "is_active", "verified")
    list_filter = (
        "platform",
        "is_core",
        "is_active",
        "held",
        "verified",
        ("organization", admin.RelatedOnlyFieldListFilter),
    )
    search_fields = ("handle", "display_name", "organization__name", "external_id")
    list_select_related = ("organization",)
    autocomplete_fields = ("organization",)
    ordering = ("platform", "handle_key")
    show_full_result_count = False
    readonly_fields = ("url", "held", "held_at", "created_at", "updated_at")
    inlines = (FormerHandleInline,)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    actions = ("activate", "deactivate", "accept_new_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """A profile does not move to another platform: that is another account."""
        return (*self.readonly_fields, "platform") if obj else self.readonly_fields

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Scrape and count the chosen accounts again."""
        self.message_user(request, f"{accounts.activate(request.user)} accounts activated.")

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Stop scraping and counting the chosen accounts; their figures stay."""
        self.message_user(request, f"{accounts.deactivate(request.user)} accounts deactivated.")

    @admin.action(description="Ours again: accept the new id", permissions=["change"])
    def accept_new_id(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Take the chosen accounts off their hold and learn the id that answers now; their figures go on."""
        released = accounts.release(request.user, accept_new_id=True)
        self.message_user(
            request, f"{released} accounts are scraped again; {accounts.count() - released} were not on hold."
        )
