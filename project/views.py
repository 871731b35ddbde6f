"""Pages about oneself: sign-out, password, tokens, and accepting an invitation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from perf import clock
from perf.access import anyone, signed_in
from perf.events import happened
from perf.rates import rates
from project.access import client_address
from project.forms import InvitedUserForm, ResetForm, TokenForm
from project.models import AccessToken, Invitation
from project.roles import Scope
from project.throttles import OLD_PASSWORDS, RESETS_ASKED, refuse_beyond

TRY_WITH = dict.fromkeys((Scope.READ, Scope.WRITE), "/api/grid?day=latest")
"""What a token of the scope can be tried with."""


class ResetByLink(auth.PasswordResetConfirmView):
    """Sets a new password for whoever holds a link that was mailed or handed over, and lifts their lock-out."""

    template_name = "registration/password_reset_confirm.html"
    success_url = reverse_lazy("login")

    @transaction.atomic  # the new password and that everyone is asked anew go together
    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        AxesProxyHandler.reset_attempts(username=form.user.get_username())
        messages.success(self.request, "Your new password is set. Sign in with it.")
        return response


class ResetByMail(auth.PasswordResetView):
    """Mails a reset link, and says the same whether the address is known or not, and mailed lately or not."""

    form_class = ResetForm

    template_name = "registration/password_reset_form.html"
    email_template_name = "registration/password_reset_email.txt"
    subject_template_name = "registration/password_reset_subject.txt"
    success_url = reverse_lazy("password_reset_done")
    extra_email_context = {"base_url": settings.BASE_URL}
    extra_context = {"mail": settings.MAIL}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        where = client_address(request)
        refuse_beyond(request, RESETS_ASKED, "auth.reset_asked", detail__where=where)
        happened(None, "auth.reset_asked", "", {"where": where})
        return super().post(request, *args, **kwargs)


class ChangePassword(auth.PasswordChangeView):
    """Sets a new password for the signed-in person; other devices are signed out."""

    template_name = "registration/password_change_form.html"
    success_url = reverse_lazy("tokens")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refuse_beyond(request, OLD_PASSWORDS, "auth.old_password_wrong", actor=request.user.pk)
        return super().post(request, *args, **kwargs)

    def form_invalid(self, form: Any) -> HttpResponse:
        if "old_password" in form.errors and form.data.get("old_password"):
            happened(self.request.user, "auth.old_password_wrong", self.request.user.get_username())
        return super().form_invalid(form)

    @transaction.atomic  # the same
    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other devices are signed out.")
        return super().form_valid(form)


sign_out = signed_in(auth.LogoutView.as_view())
change_password = signed_in(ChangePassword.as_view())
reset_by_mail = anyone(ResetByMail.as_view())
reset_sent = anyone(auth.PasswordResetDoneView.as_view(template_name="registration/password_reset_done.html"))
reset_by_link = anyone(ResetByLink.as_view())


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The page for a name and address with too many failed sign-ins: it says when to try again."""
    tried = AccessAttempt.objects.filter(
        username=(credentials or {}).get("username"), ip_address=client_address(request)
    ).order_by("-attempt_time", "-pk")
    last = tried.values_list("attempt_time", flat=True).first() or clock.now()
    again_at = last + timedelta(hours=settings.AXES_COOLOFF_TIME)
    seconds = max(1, int((again_at - clock.now()).total_seconds()))
    context = {"again_at": again_at, "minutes": -(-seconds // 60), "mail": settings.MAIL}
    page = render(request, "registration/locked_out.html", context, status=429)
    page["Retry-After"] = str(seconds)
    return page


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a new one is shown on the answer to the form that made it, and never again."""
    user: User = request.user  # type: ignore[assignment]  # signed_in: not anonymous
    form, made = TokenForm(user, request.POST or None), {}
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ("name", "scope", "expires_at")}
        made = {"secret": make_token(user, **fields), "try_path": TRY_WITH.get(fields["scope"], ""), **fields}
        form = TokenForm(user)
    context = {"form": form, "made": made, "tokens": AccessToken.objects.for_list(user)}
    return render(request, "project/tokens.html", context | {"rates": rates(), "base_url": settings.BASE_URL})


@transaction.atomic
def make_token(user: User, *, name: str, scope: str, expires_at: Any = None) -> str:
    """Make a token for `user`, record that, and return the token itself."""
    token, secret = AccessToken.objects.make(user, name, scope, expires_at)
    happened(user, "token.created", str(token), {"scope": scope})
    return secret


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether to stop one of one's own tokens for good, and do it."""
    token = get_object_or_404(AccessToken, pk=pk, user=request.user)
    if request.method != "POST":
        return render(request, "project/token_revoke.html", {"token": token})
    if token.revoke():
        happened(request.user, "token.revoked", str(token))
    messages.success(request, f"The token “{token.name}” is revoked. Whatever used it is refused from now on.")
    return redirect("tokens")


@anyone
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Make one's own account from an invitation link, and be signed in."""
    invitation = Invitation.objects.find(code)
    if invitation is None:
        return render(request, "project/invitation_over.html", status=410)
    form = InvitedUserForm(request.POST or None)
    user = join(form, invitation) if form.is_valid() else None
    if user is None and (form.errors or request.method != "POST"):
        return render(request, "project/invitation.html", {"form": form, "invitation": invitation})
    if user is None:
        return render(request, "project/invitation_over.html", status=410)
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("/")


def join(form: InvitedUserForm, invitation: Invitation) -> User | None:
    """The new user in the invitation's role; None, with nothing stored, when the invitation was used meanwhile.

    None with an error on the form when somebody else took the name meanwhile: the invitation is still good.
    """
    user: User = form.save(commit=False)
    user.email = invitation.email
    try:
        with transaction.atomic():
            user.save()
            user.groups.add(Group.objects.get(name=invitation.role))
            if not invitation.use(user):
                transaction.set_rollback(True)
                return None
            happened(user, "invitation.accepted", user.get_username(), {"role": invitation.role})
    except IntegrityError:
        form.add_error("username", User._meta.get_field("username").error_messages["unique"])
        return None
    return user
