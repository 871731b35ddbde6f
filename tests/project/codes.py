"""Codes as an app makes them, by the clock that the product keeps."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import TOTP
from django_otp.util import random_hex

from perf import clock
from project import second_step
from tests.project.conftest import PASSWORD


def code(key: str, steps: int = 0) -> str:
    """The code of the secret `key` (hex) now, or `steps` of 30 seconds later."""
    app = TOTP(bytes.fromhex(key))
    app.time = clock.now().timestamp() + 30 * steps
    return f"{app.token():06}"


def set_up(user: User) -> tuple[str, list[str]]:
    """Give `user` the second step: its secret, and the recovery codes. The code before this step's is used."""
    key = random_hex(20)
    recovery = second_step.add(user, key, code(key, -1), keep=None)
    assert recovery
    return key, recovery


def give_password(user: User, there: str = "", **extra: Any) -> Client:
    """A browser that has given the right password of `user`."""
    browser = Client(**extra)
    answer = browser.post("/login/", {"username": user.username, "password": PASSWORD, "next": there})
    assert answer.status_code == 302
    return browser
