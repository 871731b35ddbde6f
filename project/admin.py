"""People, tokens, invitations and the audit log for administrators."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from perf import clock
from perf.administration import AuditedAdmin
from perf.events import happened
from project import person_pages, second_step
from project.models import AccessToken, AuditEntry, Invitation
from project.roles import within
from project.sessions import end_all

logger = logging.getLogger(__name__)

SUBJECTS = {
    "people and sign-in": ("auth", "roles", "token", "invitation"),
    "accounts": ("accounts", "organizations", "tags"),
    "figures": ("snapshots", "notes"),
    "scraping": ("scraping", "alerts"),
    "work items": ("workitems", "presetnumbers", "cannedreasons", "contacts"),
}
"""What entries of the audit log are filtered by, with the first words of their actions."""

OTHER = "the installation"


def reset_link(user: Any) -> str:
    """An address at which `user` can set a new password, good once and for PASSWORD_RESET_TIMEOUT."""
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return f"{settings.BASE_URL}{reverse('password_reset_confirm', kwargs={'uidb64': uid, 'token': token})}"


def links_page(request: HttpRequest, title: str, links: list[tuple[str, str]]) -> HttpResponse:
    """Show links once: they are stored nowhere, and the page is not to be stored either."""
    context = {**admin.site.each_context(request), "title": title, "links": links}
    page = render(request, "project/links.html", context)
    page["Cache-Control"] = "no-store"
    return page


admin.site.unregister([User, Group])
admin.site.unregister([StaticDevice, TOTPDevice])  # each person enrols on their own page; a secret is shown once


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Django's own, with links for people who forgot their password."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    actions = ("make_reset_links", "sign_out", "take_second_step")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Store it, and record a new person; changes are recorded wherever they are made (audit.py)."""
        super().save_model(request, obj, form, change)
        if not change:
            happened(request.user, "auth.user_added", obj.get_username())

    def get_urls(self) -> list[Any]:
        return [*person_pages.urls(self.admin_site), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's own, with where they are signed in and what else can be done about them."""
        person = self.get_object(request, object_id)
        more = (extra_context or {}) | {"person_standing": person and person_pages.standing(person)}
        answer: HttpResponse = super().change_view(request, object_id, form_url, more)
        return answer

    @admin.action(description="Make links for a new password", permissions=["change"])
    def make_reset_links(self, request: HttpRequest, users: QuerySet[Any]) -> HttpResponse:
        """Show one reset link per chosen active user, to hand over."""
        links = []
        for user in users.filter(is_active=True).order_by("username"):
            happened(request.user, "auth.reset_link_made", user.get_username())
            links.append((user.get_username(), reset_link(user)))
        return links_page(request, "Links for a new password", links)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, users: QuerySet[Any]) -> None:
        """End every session of the chosen people at once; they may sign in again."""
        ended = 0
        for user in users.order_by("pk"):
            ended += (count := end_all(user))
            happened(request.user, "auth.sessions_ended", user.get_username(), {"sessions": count})
        self.message_user(request, f"{ended} sessions ended.")

    @admin.action(description="Turn their second step off", permissions=["change"])
    def take_second_step(self, request: HttpRequest, users: QuerySet[Any]) -> None:
        """Let the chosen people sign in with the password alone; one's own takes a password and a code."""
        others = users.exclude(pk=request.user.pk).order_by("pk")
        count = sum(second_step.remove(user, by=request.user) for user in others)
        self.message_user(request, f"{count} second steps turned off. Your own you turn off on its page.")


@admin.register(Group)
class RoleAdmin(AuditedAdmin, GroupAdmin):
    """Django's own, on the record; what permissions a role gets or loses, audit.py records."""

    subject = "roles"


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):
    """Everyone's tokens: to look at and to revoke. Making one is each user's own affair."""

    list_display = ("name", "user", "scope", "prefix", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    ordering = ("-created_at", "-pk")
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return False

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[AccessToken]) -> None:
        """Stop the chosen tokens for good."""
        revoked = [token for token in tokens.select_related("user") if token.revoke()]
        for token in revoked:
            happened(request.user, "token.revoked", str(token), {"user": token.user.get_username()})
        self.message_user(request, f"{len(revoked)} revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("project.delete_accesstoken")


@admin.register(Invitation)
class InvitationAdmin(AuditedAdmin):
    """Invitations: made here, mailed or shown once, taken back by deleting."""

    subject = "invitation"
    list_display = ("role", "email", "phone", "created_by", "created_at", "expires_at", "used_by", "used_at")
    list_select_related = ("created_by", "used_by")
    ordering = ("-created_at", "-pk")

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Django's own, with the roles that whoever asks can invite into."""
        roles = [(role, role.capitalize()) for role in within(request.user)]  # type: ignore[arg-type]  # administrators are signed in
        return super().formfield_for_choice_field(
            db_field, request, **kwargs | {"choices": [("", "---------"), *roles]}
        )

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Store it with a fresh code, kept on the request for the answer alone."""
        obj.created_by = request.user  # type: ignore[assignment]  # administrators are signed in
        request.made = obj, f"{settings.BASE_URL}{reverse('invitation', args=[obj.new_code()])}"  # type: ignore[attr-defined]  # ours
        obj.save()
        happened(request.user, "invitation.made", obj.email, {"role": obj.role})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Once it is stored for good, mail the link where there is mail and an address, else show it once."""
        response: HttpResponse = super().changeform_view(request, *args, **kwargs)
        invitation, link = getattr(request, "made", (None, ""))
        if invitation is None or (invitation.email and settings.MAIL and _mailed(request, invitation.email, link)):
            return response
        return links_page(request, "Invitation", [(invitation.get_role_display(), link)])


def _mailed(request: HttpRequest, address: str, link: str) -> bool:
    """Mail an invitation's link and say what came of it; False where it is to be handed over instead."""
    try:
        body = render_to_string("project/invitation_email.txt", {"link": link})
        send_mail("Your invitation to Tidemark", body, None, [address])
    except (SMTPException, OSError) as failure:
        logger.warning("An invitation was not mailed: %s", failure)
        kept = "The invitation is good all the same: hand its link over."
        messages.warning(request, f"The mail to {address} was not sent: the mail server did not take it. {kept}")
        return False
    messages.success(request, f"The invitation is on its way to {address}.")
    return True


class When(admin.SimpleListFilter):
    """Entries of the last days."""

    title, parameter_name = "when", "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "Last 24 hours"), ("7", "Last 7 days"), ("30", "Last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.value() or ""
        if days not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(created_at__gte=clock.now() - timedelta(days=int(days)))


class About(admin.SimpleListFilter):
    """Entries by what their action begins with: the many actions need not be counted up to be offered."""

    title, parameter_name = "about", "about"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in (*SUBJECTS, OTHER)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        about = self.value() or ""
        if about == OTHER:
            return queryset.exclude(_begins(sum(SUBJECTS.values(), ())))
        return queryset.filter(_begins(SUBJECTS[about])) if about in SUBJECTS else queryset


def _begins(prefixes: Iterable[str]) -> Q:
    return reduce(or_, (Q(action__startswith=f"{prefix}.") for prefix in prefixes))


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    """The audit log, to read."""

    list_display = ("created_at", "actor_name", "action", "target", "address")
    list_filter = (When, About)
    search_fields = ("actor_name", "action", "target", "address")
    search_help_text = "A name, an action such as auth.sign_in, what it was done to, or an address."
    ordering = ("-created_at", "-pk")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
