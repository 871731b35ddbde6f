"""Where people are signed in is listed, and ends at once when it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from project.models import AuditEntry, SignIn
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1"
NEW_PASSWORD = "another long phrase 43"


def browser(user: User, agent: str = PHONE) -> Client:
    """A browser that has signed in with the password."""
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR="192.0.2.7")
    answer = client.post("/login/", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/tokens/").status_code == 200


def test_sessions_are_listed_with_device_and_address_and_never_their_key(person: Callable[..., User]) -> None:
    ann, bo = person("ann", password=PASSWORD), person("bo", password=PASSWORD)
    here, other = browser(ann), browser(ann, "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/130.0")
    browser(bo)
    page = here.get("/sessions/")
    said = page.content.decode()
    assert (said.count("Safari on iPhone (this one)"), said.count("192.0.2.7")) == (1, 2)
    assert "Firefox on Windows" in said
    assert page["Cache-Control"].count("no-store") == 1
    for client in (here, other):
        assert str(client.session.session_key) not in said


def test_ending_sessions_ends_the_chosen_ones_of_ones_own_and_is_recorded(person: Callable[..., User]) -> None:
    ann, bo = person("ann", password=PASSWORD), person("bo", password=PASSWORD)
    here, second, third, theirs = browser(ann), browser(ann), browser(ann), browser(bo)
    row = SignIn.objects.get(session=second.session.session_key)
    foreign = SignIn.objects.get(user=bo)
    for junk in (str(foreign.pk), "x", "9" * 30, "²", ""):
        here.post("/sessions/", {"end": junk})
    assert Session.objects.count() == 4
    here.post("/sessions/", {"end": str(row.pk)})
    assert [is_in(client) for client in (here, second, third, theirs)] == [True, False, True, True]
    here.post("/sessions/", {"end": "others"})
    assert [is_in(client) for client in (here, third, theirs)] == [True, False, True]
    ended = AuditEntry.objects.filter(action="auth.sessions_ended", actor=ann).values_list("detail", flat=True)
    assert list(ended) == [{"sessions": 1}, {"sessions": 1}]


def test_new_password_keeps_this_session_listed_and_signing_out_takes_it_off(person: Callable[..., User]) -> None:
    ann = person("ann", password=PASSWORD)
    here = browser(ann)
    here.post("/password/", {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD})
    assert SignIn.objects.get().session_id == here.session.session_key
    here.post("/logout/")
    assert not SignIn.objects.exists()


def test_deactivated_people_are_signed_out_for_good(person: Callable[..., User]) -> None:
    ann = person("ann", password=PASSWORD)
    here = browser(ann)
    for is_active in (False, True):
        ann.is_active = is_active
        ann.save()
    assert not is_in(here)


@pytest.mark.parametrize("by", ["person", "role"])
def test_promoted_crew_lose_their_thirty_days_and_others_stay_signed_in(person: Callable[..., User], by: str) -> None:
    crew, viewer = person("c", "crew", password=PASSWORD), person("v", "viewer", password=PASSWORD)
    group = Group.objects.get(name="reviewer")
    long_one, short = browser(crew), browser(viewer)
    assert SignIn.objects.get(user=crew).lasts == timedelta(days=30)
    for user in (crew, viewer):
        if by == "person":
            user.groups.add(group)
        else:
            group.user_set.add(user)
    assert (is_in(long_one), is_in(short)) == (False, True)


@pytest.mark.parametrize("by", ["superuser", "one field", "permission", "permission's side"])
def test_crew_with_rights_of_their_own_lose_their_thirty_days(person: Callable[..., User], by: str) -> None:
    crew = person("c", "crew", password=PASSWORD)
    phone, permission = browser(crew), Permission.objects.get(codename="add_invitation")
    if by == "permission":
        crew.user_permissions.add(permission)
    elif by == "permission's side":
        permission.user_set.add(crew)
    else:
        crew.is_superuser = True
        crew.save(update_fields=["is_superuser"] if by == "one field" else None)
    assert not is_in(phone)
    assert browser(crew).session.get_expiry_age() == 12 * 3600


def test_administrators_sign_others_out(person: Callable[..., User]) -> None:
    root, ann = person("root", "admin"), person("ann", password=PASSWORD)
    here, admin = browser(ann), Client()
    admin.force_login(root)
    admin.post("/admin/auth/user/", {"action": "sign_out", "_selected_action": [ann.pk]})
    assert (is_in(here), is_in(admin)) == (False, True)
    assert AuditEntry.objects.get(action="auth.sessions_ended").target == "ann"


def test_list_of_sessions_costs_the_same_however_many(
    person: Callable[..., User], django_assert_num_queries: Any
) -> None:
    ann = person("ann", password=PASSWORD)
    here = browser(ann)
    is_in(here)
    for _ in range(5):
        Client().force_login(ann)
    with django_assert_num_queries(5):
        assert here.get("/sessions/").content.count(b'name="end"') == 6
