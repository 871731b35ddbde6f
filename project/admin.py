"""People, tokens, invitations and the audit log for administrators."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from perf.events import happened
from project.models import AccessToken, AuditEntry, Invitation
from project.sessions import end_all


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


admin.site.unregister(User)
admin.site.unregister([StaticDevice, TOTPDevice])  # each person enrols on their own page; a secret is shown once


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Django's own, with links for people who forgot their password."""

    list_display = ("username", "first_name", "last_name", "email", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")
    actions = ("make_reset_links", "sign_out")

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
class InvitationAdmin(admin.ModelAdmin):
    """Invitations: made here, mailed or shown once, taken back by deleting."""

    list_display = ("role", "email", "phone", "created_by", "created_at", "expires_at", "used_by", "used_at")
    list_select_related = ("created_by", "used_by")
    ordering = ("-created_at", "-pk")

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Store it with a fresh code, kept on the object for the answer alone."""
        obj.created_by = request.user  # type: ignore[assignment]  # administrators are signed in
        obj.link = f"{settings.BASE_URL}{reverse('invitation', args=[obj.new_code()])}"  # type: ignore[attr-defined]  # for response_add
        super().save_model(request, obj, form, change)
        happened(request.user, "invitation.made", obj.email, {"role": obj.role})

    def response_add(self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None) -> HttpResponse:
        """Mail the link where there is mail and an address, else show it once."""
        link: str = obj.link  # type: ignore[attr-defined]  # set by save_model
        if not (obj.email and settings.MAIL):
            return links_page(request, "Invitation", [(obj.get_role_display(), link)])
        body = render_to_string("project/invitation_email.txt", {"link": link})
        send_mail("Your invitation to Tidemark", body, None, [obj.email])
        return super().response_add(request, obj, post_url_continue)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    """The audit log, to read."""

    list_display = ("created_at", "actor_name", "action", "target", "address")
    list_filter = ("action",)
    search_fields = ("actor_name", "target", "address")
    ordering = ("-created_at", "-pk")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
