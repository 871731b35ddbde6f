"""Organisations and accounts for administrators."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db import models, transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from accounts.forms import TagsField
from accounts.models import Account, AccountQuerySet, AccountTag, FormerHandle, Organization, Tag
from accounts.tags import NotATag, split_tags
from perf.administration import AuditedAdmin


class OneByOne(AuditedAdmin):
    """Rows are deleted one by one: a figure's history goes with its account."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions


class MergeForm(ActionForm):
    """Which organisation the chosen ones become."""

    into = forms.CharField(required=False, max_length=200, label="Merge into (exact name)")


@admin.register(Organization)
class OrganizationAdmin(OneByOne):
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


@admin.register(Tag)
class TagAdmin(OneByOne):
    """Tags with the number of the accounts that carry them."""

    subject = "tags"
    list_display = ("name", "accounts_number")
    search_fields = ("key",)
    ordering = ("key",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        return Tag.objects.with_counts()

    @admin.display(description="Accounts", ordering="number")
    def accounts_number(self, tag: Tag) -> int:
        """How many accounts carry it."""
        number: int = tag.number  # type: ignore[attr-defined]  # annotated above
        return number


class RetagForm(ActionForm):
    """Tags to put on the chosen accounts or to take off them."""

    tags = forms.CharField(required=False, label="Tags")  # not a TagsField: the action itself says what is wrong


class AccountAdminForm(forms.ModelForm):
    """An account with its tags in one line."""

    tags = TagsField()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if self.instance.pk:
            self.initial["tags"] = AccountTag.objects.names_of([self.instance.pk])[self.instance.pk]

    def _save_m2m(self) -> None:
        """Store the tags by name; Django would take the texts for their ids."""
        Account.objects.set_tags({self.instance.pk: self.cleaned_data["tags"]})


class FormerHandleInline(admin.TabularInline):
    """Handles the account had, to read."""

    model = FormerHandle
    fields = readonly_fields = ("handle", "retired_at")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(OneByOne):
    """Tracked profiles. Platform and handle say who it is; a new handle keeps the old one as former."""

    subject = "accounts"
    list_display = ("handle", "platform", "organization", "display_name", "is_core", "is_active", "verified")
    form = AccountAdminForm
    list_filter = (
        "platform",
        "tags",
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
    action_form = RetagForm
    actions = ("activate", "deactivate", "add_tags", "remove_tags", "accept_new_id")

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """A profile does not move to another platform: that is another account."""
        return (*self.readonly_fields, "platform") if obj else self.readonly_fields

    @admin.action(description="Add the tags named", permissions=["change"])
    def add_tags(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Put the tags in the field beside the actions on the chosen accounts."""
        if names := self._named(request):
            self._tell(request, "put on", accounts.retag(request.user, add=names).added)

    @admin.action(description="Remove the tags named", permissions=["change"])
    def remove_tags(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Take the tags in the field beside the actions off the chosen accounts."""
        if names := self._named(request):
            self._tell(request, "taken off", accounts.retag(request.user, remove=names).removed)

    def _named(self, request: HttpRequest) -> list[str]:
        """The tags in the field beside the actions; a message says why there are none."""
        try:
            names = split_tags(request.POST.get("tags", ""))
        except NotATag as refusal:
            self.message_user(request, f"{refusal} Nothing was changed.", messages.ERROR)
            return []
        if not names:
            self.message_user(
                request, "Name the tags in the field beside the actions. Nothing was changed.", messages.ERROR
            )
        return names

    def _tell(self, request: HttpRequest, what: str, numbers: dict[str, int]) -> None:
        told = (f"“{name}” was {what} {_counted(number)}" for name, number in numbers.items())
        self.message_user(request, f"{'; '.join(told)}.")

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Scrape and count the chosen accounts again."""
        self.message_user(request, f"{_counted(accounts.activate(request.user))} activated.")

    @admin.action(description="Deactivate", permissions=["change"])
    def deactivate(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Stop scraping and counting the chosen accounts; their figures stay."""
        self.message_user(request, f"{_counted(accounts.deactivate(request.user))} deactivated.")

    @admin.action(description="Ours again: accept the new id", permissions=["change"])
    def accept_new_id(self, request: HttpRequest, accounts: AccountQuerySet) -> None:
        """Take the chosen accounts off their hold and learn the id that answers now; their figures go on."""
        released = accounts.release(request.user, accept_new_id=True)
        self.message_user(
            request, f"{released} accounts are scraped again; {accounts.count() - released} were not on hold."
        )


def _counted(number: int) -> str:
    return f"{number:,} account{'' if number == 1 else 's'}"
