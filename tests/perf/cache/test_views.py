"""Per-view caching: what is shared, with whom, and what the browser is told."""

from __future__ import annotations

import json

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import get_token
from ninja import Schema

from perf.cache import cached_fragment, cached_view, everyone, forget, key, permissions_of, stored, user_of


class Filters(Schema):
    """A typed query."""

    page: int = 1
    platform: str | None = None


class Shape(forms.Form):
    """The same as a Django form."""

    page = forms.IntegerField(required=False)


def request_of(user: User | AnonymousUser | None = None, etag: str = "", **query: str) -> HttpRequest:
    request = HttpRequest()
    request.method = "GET"
    request.user = user or AnonymousUser()
    request.GET = request.GET.copy()
    request.GET.update(query)
    if etag:
        request.META["HTTP_IF_NONE_MATCH"] = etag
    return request


@pytest.fixture
def grid(family):
    """A cached view that says which page it was asked for and how often it ran."""
    runs: list[int] = []

    @cached_view(family, root=f"{family.name}:all", vary=everyone)
    def grid(request: HttpRequest, filters: Filters) -> bytes:
        runs.append(filters.page)
        return json.dumps({"page": filters.page, "run": len(runs)}).encode()

    return grid


def body(response: HttpResponseBase) -> dict[str, int]:
    return json.loads(response.content)


def test_the_second_call_is_a_hit_with_the_same_body(grid):
    first, second = grid(request_of(), filters=Filters()), grid(request_of(), filters=Filters())
    assert (first["X-Cache"], second["X-Cache"]) == ("MISS", "HIT")
    assert body(second) == {"page": 1, "run": 1}
    assert second["Content-Type"] == "application/json"
    assert second["Cache-Control"] == "private, no-cache"


def test_pages_have_entries_of_their_own(grid):
    assert body(grid(request_of(), filters=Filters()))["page"] == 1
    assert body(grid(request_of(), filters=Filters(page=2)))["page"] == 2


def test_a_default_that_is_spelled_out_is_the_same_answer(grid, family):
    grid(request_of(), filters=Filters())
    assert grid(request_of(), filters=Filters(page=1, platform=None))["X-Cache"] == "HIT"
    assert list(stored(family.name)) == [f"{family.name}:all"]


@pytest.mark.req("A13", "A14", "A15", "A16")
@pytest.mark.parametrize("root", ["summary:latest", "grid:all", key("history", "x", "cdcgov"), key("account", 7)])
def test_the_answer_is_kept_under_its_root(family, root):
    @cached_view(family, root=lambda request, filters: root)
    def view(request: HttpRequest, filters: Filters) -> bytes:
        return b"{}"

    user = User(is_superuser=True)
    view(request_of(user), filters=Filters())
    assert root in stored()
    assert view(request_of(user), filters=Filters())["X-Cache"] == "HIT"


def test_root_and_family_may_come_from_the_path(family):
    @cached_view(
        lambda request, platform, handle: family.of(f"{platform}:{handle}"),
        root=lambda request, platform, handle: key(family.name, platform, handle),
        vary=everyone,
    )
    def history(request: HttpRequest, platform: str, handle: str) -> bytes:
        return json.dumps([platform, handle]).encode()

    one = history(request_of(), platform="x", handle="a")
    other = history(request_of(), platform="x", handle="b")
    assert (one.content, other.content) == (b'["x", "a"]', b'["x", "b"]')
    forget(family.of("x:a"))
    assert history(request_of(), platform="x", handle="a")["X-Cache"] == "MISS"
    assert history(request_of(), platform="x", handle="b")["X-Cache"] == "HIT"


def test_an_unchanged_answer_is_304_without_a_body(grid):
    first = grid(request_of(), filters=Filters())
    again = grid(request_of(etag=first["ETag"]), filters=Filters())
    assert (again.status_code, again.content, again["X-Cache"]) == (304, b"", "HIT")
    assert again["ETag"] == first["ETag"]
    assert not first["ETag"].startswith("W/")


def test_a_changed_answer_is_sent_whole(grid, family):
    first = grid(request_of(), filters=Filters())
    forget(family)
    again = grid(request_of(etag=first["ETag"]), filters=Filters())
    assert (again.status_code, body(again)["run"]) == (200, 2)


def test_cookies_set_while_computing_are_not_stored(family):
    @cached_view(family, root=family.name, vary=everyone)
    def view(request: HttpRequest) -> bytes:
        get_token(request)
        request.session = SessionStore()
        return b"{}"

    view(request_of())
    second = view(request_of())
    assert second["X-Cache"] == "HIT"
    assert not second.cookies


def test_a_django_form_cleans_the_parameters(family):
    @cached_view(family, root=family.name, form=Shape, vary=everyone)
    def view(request: HttpRequest, filters: dict[str, int]) -> bytes:
        return json.dumps(filters).encode()

    assert body(view(request_of(page="2"))) == {"page": 2}
    assert view(request_of(page="02", other="x"))["X-Cache"] == "HIT"
    refused = view(request_of(page="x"))
    assert refused.status_code == 400
    assert body(refused)["errors"]["page"][0]["message"] == "Enter a whole number."


@pytest.mark.django_db
def test_users_with_the_same_permissions_share_and_others_do_not():
    users = [User.objects.create_user(name) for name in ("ann", "bob", "cy")]
    users[2].user_permissions.add(Permission.objects.get(codename="view_user"))
    root = User(is_superuser=True)
    masks = [permissions_of(request_of(user)) for user in [*users, root]]
    assert masks[0] == masks[1]
    assert len(set(masks)) == 3
    assert len({user_of(request_of(user)) for user in users}) == 3


def test_a_view_is_kept_apart_by_permissions_unless_it_says_otherwise(family):
    @cached_view(family, root=family.name)
    def view(request: HttpRequest) -> bytes:
        return json.dumps(request.user.is_superuser).encode()

    assert view(request_of(User(is_superuser=True))).content == b"true"
    assert view(request_of()).content == b"false"
    assert view(request_of())["X-Cache"] == "HIT"


def test_a_fragment_is_rendered_once_and_stays_markup(family):
    parts = iter(["<b>ü</b>"])
    first = cached_fragment(family, "row", lambda: next(parts))
    assert first == cached_fragment(family, "row", lambda: next(parts)) == "<b>ü</b>"
    assert first.__html__() == "<b>ü</b>"
