"""The page of one's own sessions: where one is signed in, and ending that."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from perf.access import signed_in
from perf.events import happened
from project.models import SignIn, SignInQuerySet

OTHERS = "others"


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """List one's sessions; a post ends one of them, or all but this one."""
    user: User = request.user  # type: ignore[assignment]  # signed_in: not anonymous
    mine, this = SignIn.objects.for_list(user), request.session.session_key
    if request.method != "POST":
        return render(request, "project/sessions.html", {"sessions": mine, "this": this})
    ended = end(user, chosen(mine.exclude(session=this), request.POST.get("end", "")))
    said = "1 session is" if ended == 1 else f"{ended} sessions are"
    messages.success(request, f"{said} ended." if ended else "That session was over already.")
    return redirect("sessions")


def chosen(rows: SignInQuerySet, which: str) -> SignInQuerySet:
    """The one of `rows` with the id `which`, or all of them; none for anything else."""
    if which == OTHERS:
        return rows
    return rows.filter(pk=int(which)) if which.isascii() and which.isdecimal() and len(which) < 19 else rows.none()


@transaction.atomic
def end(user: User, rows: SignInQuerySet) -> int:
    """Sign `rows`, sessions of `user`, out. Audited. How many there were."""
    ended = rows.end()
    if ended:
        happened(user, "auth.sessions_ended", user.get_username(), {"sessions": ended})
    return ended
