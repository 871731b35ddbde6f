"""The pages of one's own second step: setting it up, recovery codes, turning it off."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp.util import random_hex

from perf import clock
from perf.access import signed_in
from perf.events import happened
from project import second_step
from project.forms import PasswordAndCodeForm, SetUpForm
from project.invitation_views import qr
from project.roles import ADMINISTER
from project.sign_in_views import WRONG_CODE
from project.throttles import OLD_PASSWORDS, refuse_beyond

NEW_SECRET = "second_step"  # in the session that sets it up
SECRET_SECONDS = 900  # to get an app ready in; then another secret is shown
WRONG_PASSWORD = "auth.old_password_wrong"  # an action of the audit log
NOT_THE_PASSWORD = "This is not your password."
NOT_THIS_CODE = (
    "The app shows another code now. Type the one it shows; if that does not help, look at the clock of the phone."
)


@signed_in
@never_cache
@require_http_methods(["GET", "HEAD"])
def two_steps(request: HttpRequest) -> HttpResponse:
    """Whether one signs in in two steps, and where that is changed."""
    user = _me(request)
    context = {"device": second_step.device_of(user), "left": second_step.recovery_codes_left(user)}
    return render(request, "project/two_steps.html", context | {"required": _is_required(user)})


@signed_in
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show a secret for one's app, and begin to ask for its codes once one of them is right."""
    user, form = _me(request), SetUpForm(request.POST if request.method == "POST" else None)
    if second_step.device_of(user):
        return redirect("two-steps")
    key = _secret(request)
    if form.is_valid() and _knows_password(request, form):
        keep = request.session.session_key
        if codes := second_step.add(user, key, form.cleaned_data["code"], keep=keep):
            del request.session[NEW_SECRET]
            return render(request, "project/recovery_codes.html", {"codes": codes, "is_new": True})
        form.add_error("code", NOT_THIS_CODE)
    device = second_step.new_device(user, key)
    context = {"form": form, "code": qr(device.config_url), "secret": second_step.readable(device)}
    return render(request, "project/two_steps_set_up.html", context | {"required": _is_required(user)})


@signed_in
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def renew(request: HttpRequest) -> HttpResponse:
    """Show fresh recovery codes, once; the old ones end."""
    form = PasswordAndCodeForm(request.POST if request.method == "POST" else None)
    if not second_step.device_of(_me(request)):
        return redirect("two-steps")
    if _knows_both(request, form):
        codes = second_step.renew_recovery_codes(_me(request))
        return render(request, "project/recovery_codes.html", {"codes": codes})
    return render(request, "project/two_steps_codes.html", {"form": form})


@signed_in
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def turn_off(request: HttpRequest) -> HttpResponse:
    """Sign in with the password alone from now on."""
    user, form = _me(request), PasswordAndCodeForm(request.POST if request.method == "POST" else None)
    if not second_step.device_of(user):
        return redirect("two-steps")
    if _knows_both(request, form):
        second_step.remove(user, by=user)
        messages.success(request, "Two-step sign-in is off. Your password alone signs you in from now on.")
        return redirect("two-steps")
    return render(request, "project/two_steps_off.html", {"form": form, "required": _is_required(user)})


def _me(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]  # signed_in: not anonymous


def _is_required(user: User) -> bool:
    return settings.REQUIRE_TOTP and user.has_perm(ADMINISTER)


def _secret(request: HttpRequest) -> str:
    """The secret that this session sets up, as hex: the one shown before, as long as that is not long ago."""
    now, shown = clock.now().timestamp(), request.session.get(NEW_SECRET, {})
    if not 0 <= now - shown.get("at", 0) <= SECRET_SECONDS:
        shown = request.session[NEW_SECRET] = {"key": random_hex(20), "at": now}
    return str(shown["key"])


def _knows_both(request: HttpRequest, form: Any) -> bool:
    """Whether `form` holds password and code; says on it what is wrong. Raises TooManyRequests after many guesses."""
    if not form.is_valid() or not _knows_password(request, form):
        return False
    if second_step.accepts(request, _me(request), form.cleaned_data["code"]):
        return True
    form.add_error("code", WRONG_CODE)
    return False


def _knows_password(request: HttpRequest, form: Any) -> bool:
    user = _me(request)
    refuse_beyond(request, OLD_PASSWORDS, WRONG_PASSWORD, actor=user.pk)
    if user.check_password(form.cleaned_data["password"]):
        return True
    happened(user, WRONG_PASSWORD, user.get_username())
    form.add_error("password", NOT_THE_PASSWORD)
    return False
