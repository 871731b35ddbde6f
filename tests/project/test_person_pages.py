"""An administrator signs one person out, hands over what is kept about them, and erases them knowingly."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import Organization
from project.models import AuditEntry, SignIn
from tests import factories
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db
AGENT = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
def ann(person: Callable[..., User]) -> User:
    return person("ann", "editor", password=PASSWORD, first_name="Ann", last_name="Zumbrow")


@pytest.fixture
def admin(person: Callable[..., User]) -> Client:
    browser = Client()
    browser.force_login(person("root", "admin"))
    return browser


def at(user: User, page: str) -> str:
    return f"/admin/auth/user/{user.pk}/{page}/"


def test_page_of_a_person_shows_where_they_are_signed_in_and_ends_that(ann: User, admin: Client) -> None:
    theirs = Client(HTTP_USER_AGENT=AGENT, REMOTE_ADDR="192.0.2.7")
    theirs.post("/login/", {"username": "ann", "password": PASSWORD})
    said = admin.get(at(ann, "change")).content.decode()
    assert "Firefox on Windows" in said
    assert "192.0.2.7" in said
    assert str(theirs.session.session_key) not in said
    assert admin.get(at(ann, "sign-out")).status_code == 405
    assert admin.post(at(ann, "sign-out"))["Location"] == at(ann, "change")
    assert theirs.get("/tokens/").status_code == 302
    assert admin.get("/tokens/").status_code == 200
    entry = AuditEntry.objects.get(action="auth.sessions_ended")
    assert (entry.actor_name, entry.target, entry.detail) == ("root", "ann", {"sessions": 1})


def test_administrator_downloads_all_that_is_kept_about_a_person(ann: User, admin: Client) -> None:
    factories.item(ann)
    answer = admin.post(at(ann, "export"))
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    with zipfile.ZipFile(BytesIO(answer.getvalue())) as file:
        assert {"rows/auth.User.json", "rows/workitems.WorkItem.json"} <= set(file.namelist())
    assert AuditEntry.objects.get(action="person.exported").actor_name == "root"
    assert admin.get(at(ann, "export")).status_code == 405


def test_erasing_shows_what_would_change_and_waits_for_the_name(ann: User, admin: Client) -> None:
    factories.item(ann, detail="Annie and the quay")
    Organization.objects.create(name="Ann Zumbrow GmbH")
    page = admin.get(at(ann, "erase")).content.decode()
    assert "workitems.WorkItem" in page
    assert "accounts.Organization.name" in page
    for typed in ({"name": "Ann", "erase": ""}, {"name": "", "erase": ""}, {"name": "ann", "look": ""}, {}):
        assert admin.post(at(ann, "erase"), typed).status_code == 200
        assert User.objects.filter(username="ann", is_active=True).exists(), typed
    typed = {"name": "ann", "also": "Annie\n\n", "erase": ""}
    assert admin.post(at(ann, "erase"), typed)["Location"] == "/admin/auth/user/"
    ann.refresh_from_db()
    assert (ann.username, ann.is_active) == (f"erased-{ann.pk}", False)
    entry = AuditEntry.objects.get(action="person.erased")
    assert (entry.actor_name, entry.target) == ("root", ann.username)
    assert "is erased already" in admin.get(at(ann, "erase")).content.decode()


def test_nobody_erases_themselves_or_without_the_right(ann: User, admin: Client, person: Callable[..., User]) -> None:
    root = User.objects.get(username="root")
    person("other", "admin")
    assert "Another administrator" in admin.post(at(root, "erase"), {"name": "root", "erase": ""}).content.decode()
    assert User.objects.filter(username="root").exists()
    viewer = Client()
    viewer.force_login(ann)
    for page in ("sign-out", "export", "erase"):
        assert viewer.post(at(ann, page), {"name": "ann", "erase": ""}).status_code == 403, page
        assert admin.post(f"/admin/auth/user/9999999/{page}/").status_code == 404
    assert SignIn.objects.filter(user=ann).exists()
