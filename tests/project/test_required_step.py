"""Where administrators must sign in in two steps, none reaches anything without, though memory knew them before."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from perf import clock
from perf.cache.ready import PRESS, READY
from project import erasing, second_step
from project.disclosing import disclose
from project.models import AccessToken, AuditEntry
from tests.project.codes import code, give_password, set_up
from tests.project.conftest import PASSWORD
from tests.project.test_warm import Site

pytestmark = pytest.mark.django_db
SET_UP = "/two-steps/set-up/"


@pytest.fixture
def root(person: Callable[..., User], settings: Any) -> User:
    settings.REQUIRE_TOTP = True
    return person("root", "admin", password=PASSWORD)


def test_administrators_without_a_second_step_reach_setting_it_up_and_nothing_else(root: User) -> None:
    browser = give_password(root)
    for path in (
        "/",
        "/admin/",
        "/admin/auth/user/",
        "/accounts/organizations/",
        "/tokens/",
        "/password/",
    ):
        for answer in (browser.get(path), browser.post(path)):
            assert (answer.status_code, answer["Location"]) == (302, SET_UP), path
    for path in ("/api/grid", "/metrics", "/api/accounts", "/api/docs"):
        assert browser.get(path).status_code == 403
        assert SET_UP[:10] in browser.get(path).json()["error"]
    assert "Administrators sign in in two steps" in browser.get(SET_UP).content.decode()
    assert browser.get("/healthz").status_code == 200
    key = browser.session["second_step"]["key"]
    assert browser.post(SET_UP, {"password": PASSWORD, "code": code(key)}).status_code == 200
    assert browser.get("/admin/").status_code == 200
    with clock.shifted(timedelta(minutes=2)):
        assert browser.post("/two-steps/off/", {"password": PASSWORD, "code": code(key)}).status_code == 302
    assert browser.get("/admin/")["Location"] == SET_UP
    assert browser.post("/logout/")["Location"] == "/login/"


def test_others_and_tokens_are_asked_for_nothing(root: User, person: Callable[..., User]) -> None:
    viewer = person("v", "viewer", password=PASSWORD)
    assert give_password(viewer).get("/tokens/").status_code == 200
    _, secret = AccessToken.objects.make(root, "script", "read")
    assert Client().get("/api/grid", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_superusers_and_whoever_becomes_an_administrator_are_meant_too(root: User, person: Callable[..., User]) -> None:
    owner, viewer = person("owner", password=PASSWORD, is_superuser=True), person("v", "viewer", password=PASSWORD)
    assert give_password(owner).get("/tokens/")["Location"] == SET_UP
    browser = give_password(viewer)
    viewer.groups.add(Group.objects.get(name="admin"))
    assert browser.get("/tokens/")["Location"] == SET_UP


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["second step is taken", "promoted"])
def test_whom_memory_lets_in_is_asked_anew_with_the_next_request(
    person: Callable[..., User], settings: Any, how: str
) -> None:
    settings.REQUIRE_TOTP = True
    user, site, browser = person("ann", "viewer" if how == "promoted" else "admin"), Site(), Client()
    if how != "promoted":
        set_up(user)
    browser.force_login(user)
    cookie = f"{configured.SESSION_COOKIE_NAME}={browser.cookies[configured.SESSION_COOKIE_NAME].value}"
    READY.clear()
    answers = []
    for _ in range(4):
        answers.append(site.get("/api/grid", HTTP_COOKIE=cookie))
        PRESS.wait()
    assert (answers[-1].status, answers[-1].by_django) == (200, False)
    if how == "promoted":
        user.groups.add(Group.objects.get(name="admin"))
    else:
        second_step.remove(user, by=None)
    assert site.get("/api/grid", HTTP_COOKIE=cookie).status == 403


@pytest.mark.both_dbs
def test_export_tells_that_there_is_a_second_step_and_no_secret(person: Callable[..., User]) -> None:
    ann, written = person("ann"), io.BytesIO()
    key, _ = set_up(ann)
    stored = [*StaticToken.objects.values_list("token", flat=True), key]
    disclose(ann, written, by=None)
    with zipfile.ZipFile(written) as file:
        said = "".join(file.read(name).decode() for name in file.namelist())
        (device,) = json.loads(file.read("rows/otp_totp.TOTPDevice.json"))
    assert device["confirmed"] is True
    assert not [secret for secret in stored if secret in said]


@pytest.mark.both_dbs
def test_erasing_takes_the_second_step_and_where_wrong_codes_came_from(
    person: Callable[..., User], django_capture_on_commit_callbacks: Any
) -> None:
    person("root", "admin")
    ann = person("ann", password=PASSWORD)
    set_up(ann)
    give_password(ann, REMOTE_ADDR="198.51.100.77").post("/login/code/", {"code": "000000"})
    assert "198.51.100.77" in str(list(AuditEntry.objects.values_list("address", "detail")))
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase(ann, by=None)
    assert "198.51.100.77" not in str(list(AuditEntry.objects.values_list("address", "detail")))
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
