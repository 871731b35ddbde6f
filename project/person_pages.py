"""What an administrator does about one person beside editing them: sign them out, hand over or erase what is kept."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods, require_POST

from perf.events import happened
from project import erasing, second_step
from project.disclosing import disclose
from project.models import SignIn
from project.sessions import end_all

CHANGE = "auth.change_user"
DELETE = "auth.delete_user"
ALSO_MAX = 1_000  # characters
YOURSELF = "Another administrator erases you: you would be signed out halfway."


class EraseForm(forms.Form):
    """The name typed once more, by whoever means it, and names that no row ties to the person."""

    also = forms.CharField(
        required=False,
        max_length=ALSO_MAX,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Other names they are known by",
        help_text="One a line. A first name alone is not looked for, for it may be anybody’s.",  # noqa: RUF001
    )
    name = forms.CharField(
        max_length=150, label="Type the user name to confirm", widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean_name(self) -> str:
        if self.cleaned_data["name"] != self.person.username:
            raise forms.ValidationError("This is another name. Nobody was erased.")
        return self.person.username

    @property
    def names(self) -> list[str]:
        """The other names, as given or, before that, as proposed."""
        said = self.cleaned_data.get("also", "") if self.is_bound else self.initial.get("also", "")
        return [name for line in said.splitlines() if (name := line.strip())]


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """The addresses of these pages, before those of Django's own for people."""
    pages = {"sign-out": sign_out, "export": export, "erase": erase}
    return [
        path(f"<int:pk>/{name}/", site.admin_view(page), name=f"auth_user_{name.replace('-', '_')}")
        for name, page in pages.items()
    ]


def standing(user: User) -> dict[str, Any]:
    """What the page of `user` shows beside the form: sessions, and whether they sign in in two steps."""
    return {"sessions": SignIn.objects.for_list(user), "device": second_step.device_of(user)}


@require_POST
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    """End every session of one person."""
    person = _person(request, pk, CHANGE)
    count = end_all(person)
    happened(request.user, "auth.sessions_ended", person.get_username(), {"sessions": count})
    messages.success(request, f"{person.get_username()} is signed out: sessions ended: {count}.")
    return redirect("admin:auth_user_change", person.pk)


@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Download all that is kept about one person, to hand over to them."""
    person = _person(request, pk, CHANGE)
    file = TemporaryFile()  # noqa: SIM115  # the answer closes it
    try:
        disclose(person, file, by=request.user)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"person-{person.pk}.zip", content_type="application/zip")


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what erasing one person would change, and do it once their name is typed."""
    person = _person(request, pk, DELETE)
    proposed = {"also": request.POST.get("also", "")[:ALSO_MAX]}
    form = EraseForm(person, request.POST if "erase" in request.POST else None, initial=proposed)
    plan, refused = None, YOURSELF if person == request.user else ""
    try:
        if form.is_valid() and not refused:
            return _erased(request, erasing.erase(person, by=request.user, also=form.names))
        plan = None if refused else erasing.plan(person, form.names)
    except erasing.NotErased as error:
        refused = str(error)
    context = {"form": form, "plan": plan, "refused": refused, "person": person, "title": f"Erase {person}"}
    return render(request, "admin/auth/user/erase.html", admin.site.each_context(request) | context)


def _erased(request: HttpRequest, done: erasing.Erasure) -> HttpResponse:
    for warning in done.warnings:
        messages.warning(request, warning)
    messages.success(request, f"The person is erased; their work is kept under {done.pseudonym}.")
    return redirect("admin:auth_user_changelist")


def _person(request: HttpRequest, pk: int, permission: str) -> User:
    if not request.user.has_perm(permission):
        raise PermissionDenied
    return get_object_or_404(User, pk=pk)
