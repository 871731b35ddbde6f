"""People of the tests in this folder, and what their requests were asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.http import QueryDict

from project.models import AccessToken

PASSWORD = "a long enough phrase 42"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """Argon2 takes its time on purpose; test_settings.py shows that it is what the product uses."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    def make(name: str, *roles: str, password: str | None = None, **fields: object) -> User:
        user = User.objects.create_user(name, password=password, **fields)
        user.groups.set(Group.objects.filter(name__in=roles))
        assert user.groups.count() == len(roles), "an unknown role"
        return user

    return make


@pytest.fixture
def bearer(person: Callable[..., User]) -> Callable[..., dict[str, str]]:
    """Headers of a fresh token of `scope`, whose user has `role`."""

    def make(scope: str, role: str = "admin") -> dict[str, str]:
        user = User.objects.filter(username=f"{role}-{scope}").first() or person(f"{role}-{scope}", role)
        return {"Authorization": f"Bearer {AccessToken.objects.make(user, scope, scope)[1]}"}

    return make


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the parameters and fields that requests were asked for."""
    names: set[str] = set()
    for name in ("__getitem__", "get", "getlist", "__contains__"):
        real = getattr(QueryDict, name)

        def noting(self: QueryDict, key: str, *rest: Any, real: Any = real) -> Any:
            names.add(key)
            return real(self, key, *rest)

        monkeypatch.setattr(QueryDict, name, noting)
    return names
