"""What the administration asks before Django's own pages see a request."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Organization
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Client:
    user: Any = factories.user("admin")
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_nul_in_what_an_action_is_told_is_refused(root: Client) -> None:
    office = factories.organization("Parks")
    told = {"action": "merge", "_selected_action": office.pk, "into": "a\0b"}
    assert root.post("/admin/accounts/organization/", told).status_code == 400
    assert Organization.objects.filter(pk=office.pk).exists()


def test_nul_in_a_search_or_filter_is_refused(root: Client) -> None:
    for model in admin.site._registry:
        path = reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist")
        assert root.get(path, {"q": "a\0b"}).status_code == 400, path


def test_nul_in_the_key_of_a_row_is_refused(root: Client) -> None:
    assert root.get("/admin/auth/user/a%00b/change/").status_code == 400


@pytest.mark.parametrize("row", ["x", "-99999999999999999999999", "1.5", ""])
def test_action_on_what_can_be_no_row_is_refused(row: str, root: Client) -> None:
    told: dict[str, Any] = {"action": "deactivate", "_selected_action": [factories.account("x").pk, row]}
    assert root.post("/admin/accounts/account/", told).status_code == 400


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "DELETE"])
def test_pages_answer_no_method_that_they_do_not_know(method: str, root: Client) -> None:
    answer: Any = root.generic(method, "/admin/auth/user/")
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "GET, HEAD, POST", b"")


def test_who_administers_needs_the_permission_to_clear_the_cache_too(client: Client) -> None:
    user: Any = factories.user()
    user.user_permissions.set(Permission.objects.filter(codename="administer"))
    client.force_login(user)
    assert client.get("/admin/").status_code == 200
    assert client.post("/admin/clear-cache/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="clear_cache"))
    assert client.post("/admin/clear-cache/").status_code == 302
