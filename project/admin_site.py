"""The administration site: our sign-in, our log-out, and open to those who may administer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import update_wrapper
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from perf.cache import Unreachable
from project.clearing import clear_cache
from project.roles import ADMINISTER

METHODS = ("GET", "HEAD", "POST")


class Site(admin.AdminSite):
    """Django's admin behind the permission project.administer; is_staff decides nothing here."""

    site_header = site_title = "Tidemark administration"
    index_title = "Administration"
    site_url = "/"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm(ADMINISTER)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Any:
        """Wrap `view`: signed-in people without the permission get 403; signed-out ones were sent to sign in before."""
        guarded = super().admin_view(view, cacheable)

        def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                raise PermissionDenied
            if request.method not in METHODS:
                return HttpResponseNotAllowed(METHODS)  # Django would answer with the page
            if any("\x00" in text for text in _asked_for(request, kwargs)):
                raise BadRequest  # what is asked for goes into queries as it is, and PostgreSQL takes no NUL
            if not _could_be_rows(request.POST.getlist(ACTION_CHECKBOX_NAME), view):
                raise BadRequest  # Django would fail at the first
            answer: HttpResponse = guarded(request, *args, **kwargs)
            return answer

        return update_wrapper(guard, guarded)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send to the one sign-in page, and back."""
        there = request.GET.get("next") or reverse("admin:index")
        return redirect(f"{reverse('login')}?{urlencode({'next': there})}")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send to the one page where passwords are changed."""
        return redirect("password_change")

    def get_urls(self) -> list[Any]:
        clear = path("clear-cache/", self.admin_view(require_POST(self.clear_cache)), name="clear-cache")
        return [clear, *super().get_urls()]

    def clear_cache(self, request: HttpRequest) -> HttpResponse:
        """Empty the product's own cache and say how much it held."""
        if not request.user.has_perm("project.clear_cache"):
            raise PermissionDenied
        try:
            count = clear_cache(request.user)
        except Unreachable:
            messages.error(request, "Redis does not answer, so nothing was cleared. Pages read the database.")
        else:
            messages.success(request, f"{count} cached entries dropped. Sessions and the queue are as they were.")
        return redirect("admin:index")


def _asked_for(request: HttpRequest, kwargs: dict[str, Any]) -> Iterator[str]:
    """Every text in the address and in what was posted."""
    for name, values in (*request.GET.lists(), *request.POST.lists()):
        yield from (name, *values)
    yield from map(str, kwargs.values())


def _could_be_rows(keys: list[str], view: Callable[..., Any]) -> bool:
    """Whether each of the `keys` that an action was asked for could be that of a row which `view` lists."""
    model: Any = getattr(getattr(view, "__self__", None), "model", None)
    try:
        for key in keys if model else ():  # a page of no model runs no action
            model._meta.pk.clean(key, None)
    except ValidationError:
        return False
    return True
