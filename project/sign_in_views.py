"""Signing in: name and password, and then, for whoever set it up, a code.

Between the two steps nobody is signed in: a signed cookie says for five minutes whose password was right.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.models import User
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from perf import clock
from perf.access import anyone
from perf.events import happened
from perf.rates import STANDING, TooManyRequests
from project.access import client_address
from project.bodies import Places
from project.errors import RETRY_AFTER
from project.forms import CodeForm, SignInForm
from project.identities import digest
from project.second_step import accepts, device_of, recovery_codes_left

BACKEND = "django.contrib.auth.backends.ModelBackend"
COOKIE = f"{settings.COOKIE_PREFIX}halfway"
HALFWAY_SECONDS = 300
FEW_LEFT = 4  # recovery codes
NAME_MAX = 150  # characters, as of the model
ADDRESS_MAX = 1_000  # characters; a cookie that is too long is not kept by any browser
WRONG_CODE = "This code is not right, or was used before. Wait for the next one, or use a recovery code."
BUSY = "Too many are signing in at this moment. Nothing is locked; try again in a few seconds."
CHECKS = Places(3, 2)
"""Passwords that one process checks at once. Each takes 100 MiB and all cores, whether the name is anybody's or not."""

signer = Signer(salt="project.sign_in")


class Halfway(NamedTuple):
    """Who gave the right password just now, and where they wanted to go: an address of this site."""

    user: User
    there: str


class PasswordStep(auth.LoginView):
    """Name and password; whoever has the second step is asked for it next, and others are signed in."""

    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        where = client_address(request)
        if not CHECKS.take(where):
            return self._busy()
        try:
            return super().post(request, *args, **kwargs)
        finally:
            CHECKS.leave(where)

    def _busy(self) -> HttpResponse:
        """The page again with the name that was typed; no password was looked at."""
        messages.warning(self.request, BUSY)
        form = SignInForm(self.request, initial={"username": self.request.POST.get("username", "")[:NAME_MAX]})
        answer = self.render_to_response(self.get_context_data(form=form), status=429)
        answer["Retry-After"] = str(RETRY_AFTER)
        return answer

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if device_of(user) is None:
            return super().form_valid(form)
        happened(None, "auth.totp_asked", user.get_username())
        answer = redirect("login-code")
        _set_halfway(answer, user, self.get_success_url())
        return answer


sign_in = anyone(PasswordStep.as_view())


@anyone
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask whose password was right for a code, and sign them in."""
    halfway = _halfway(request)
    if halfway is None:
        return _start_again(request)
    form = CodeForm(request.POST if request.method == "POST" else None)
    try:
        if form.is_valid() and accepts(request, halfway.user, form.cleaned_data["code"]):
            return _enter(request, halfway)
    except TooManyRequests:
        return _locked(request)
    if form.is_bound and form.is_valid():
        form.add_error("code", WRONG_CODE)
    return render(request, "registration/code.html", {"form": form})


def _set_halfway(answer: HttpResponse, user: User, there: str) -> None:
    said = {
        "user": user.pk,
        "password": digest(user.get_session_auth_hash()),  # a new one ends this
        "at": int(clock.now().timestamp()),
        "there": there if len(there) <= ADDRESS_MAX else settings.LOGIN_REDIRECT_URL,
    }
    answer.set_cookie(
        COOKIE,
        signer.sign_object(said),
        max_age=HALFWAY_SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _halfway(request: HttpRequest) -> Halfway | None:
    """Who is between the two steps, as their cookie says; None when it says nothing, is forged or too old."""
    try:
        said = signer.unsign_object(request.COOKIES.get(COOKIE, ""))
    except BadSignature:
        return None
    user = User.objects.filter(pk=said["user"], is_active=True).first()
    is_recent = 0 <= clock.now().timestamp() - said["at"] <= HALFWAY_SECONDS
    if user is None or not is_recent or said["password"] != digest(user.get_session_auth_hash()):
        return None
    return Halfway(user, said["there"]) if device_of(user) else None


def _start_again(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("/")
    if COOKIE in request.COOKIES:
        messages.info(request, "That took more than five minutes, or something changed. Sign in again.")
    answer = redirect("login")
    answer.delete_cookie(COOKIE)
    return answer


def _enter(request: HttpRequest, halfway: Halfway) -> HttpResponse:
    left = recovery_codes_left(halfway.user)
    if left < FEW_LEFT:
        messages.warning(request, f"You have {left} recovery codes left. Make new ones under “Two-step sign-in”.")
    login(request, halfway.user, backend=BACKEND)
    answer = redirect(halfway.there)
    answer.delete_cookie(COOKIE)
    return answer


def _locked(request: HttpRequest) -> HttpResponse:
    """The page after too many wrong codes: it says when to try again."""
    seconds = request.META[STANDING].left
    context = {"again_at": clock.now() + timedelta(seconds=seconds), "minutes": -(-seconds // 60), "codes": True}
    return render(request, "registration/locked_out.html", context, status=429)
