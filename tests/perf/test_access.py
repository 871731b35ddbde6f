"""Declared access."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from perf.access import ANYONE, SIGNED_IN, anyone, requires, requires_any, signed_in


@requires("auth.view_user", "auth.add_user")
def guarded(request: HttpRequest, number: int) -> HttpResponse:
    """Answers with its number."""
    return HttpResponse(str(number))


def request_of(user: User) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


def test_only_all_permissions_let_in(db):
    user = User.objects.create(username="ann")
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    with pytest.raises(PermissionDenied):
        guarded(request_of(User.objects.get()), number=1)
    user.user_permissions.add(Permission.objects.get(codename="add_user"))
    assert guarded(request_of(User.objects.get()), number=7).content == b"7"


def test_one_of_several_permissions_is_enough_where_any_is(db):
    @requires_any("auth.view_user", "auth.add_user")
    def either(request):
        return HttpResponse("in")

    user = User.objects.create(username="ann")
    with pytest.raises(PermissionDenied):
        either(request_of(user))
    user.user_permissions.add(Permission.objects.get(codename="add_user"))
    assert either(request_of(User.objects.get())).content == b"in"
    assert either.policy == frozenset({"auth.view_user", "auth.add_user"})


def test_the_declaration_can_be_read_back():
    assert guarded.policy == ("auth.view_user", "auth.add_user")
    assert (guarded.__name__, guarded.__doc__) == ("guarded", "Answers with its number.")
    assert signed_in(lambda request: None).policy == SIGNED_IN
    opened = anyone(lambda request: None)
    assert (opened.policy, opened.login_required) == (ANYONE, False)


def test_the_performance_page_has_a_permission(db):
    assert Permission.objects.filter(content_type__app_label="perf").values_list("codename", flat=True).get() == (
        "view_performance"
    )
