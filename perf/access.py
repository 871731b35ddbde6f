"""Declaring who may call a view: one decorator for pages and API operations, read back by the matrix test."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., Any])

ANYONE = "anyone"
SIGNED_IN = "signed-in"


def _declare(view: View, policy: object) -> View:
    """Keep `policy` on the view, and its signature with names resolved where the view was written.

    django-ninja resolves a string annotation in the module of the outermost wrapper, which knows none
    of the names; a page view may name types that are imported for the type checker alone.
    """
    view.policy = policy  # type: ignore[attr-defined]  # functions carry attributes
    try:
        view.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]  # the same
    except NameError:
        return view
    return view


def requires(*permissions: str) -> Callable[[View], View]:
    """Let only users with all of `permissions` in; others get 403.

    A signed-out visitor never arrives here: LoginRequiredMiddleware sends pages to the sign-in page,
    the API's authentication answers 401. The declaration is kept on the view as `policy`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not request.user.has_perms(permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return _declare(guarded, permissions)  # type: ignore[return-value]  # wraps keeps the signature

    return decorate


def requires_any(*permissions: str) -> Callable[[View], View]:
    """Let users with at least one of `permissions` in; others get 403. The declaration is a frozenset."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not any(request.user.has_perm(name) for name in permissions):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return _declare(guarded, frozenset(permissions))  # type: ignore[return-value]  # wraps keeps the signature

    return decorate


def signed_in(view: View) -> View:
    """Declare that every signed-in user may call `view`."""
    return _declare(view, SIGNED_IN)


def anyone(view: View) -> View:
    """Declare that `view` answers everybody, signed in or not."""
    return login_not_required(_declare(view, ANYONE))
