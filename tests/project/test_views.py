from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from perf import clock
from project.models import AccessToken, AuditEntry, Invitation
from tests import factories
from tests.project.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long phrase 43"


def sign_in(client: Client, name: str = "ann", password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/login/", {"username": name, "password": password, "next": "/tokens/"}, **extra)


def test_sign_in_leads_to_the_page_that_was_asked_for(client: Client, person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    asked = client.get("/tokens/")
    assert asked["Location"] == "/login/?next=/tokens/"
    assert sign_in(client)["Location"] == "/tokens/"
    assert client.get("/tokens/").status_code == 200


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_sign_in_never_leads_off_the_site(there: str, client: Client, person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    response = client.post("/login/", {"username": "ann", "password": PASSWORD, "next": there})
    assert response["Location"] == "/"


def test_sign_in_page_tells_no_names(client: Client, person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    assert b"ann" not in client.get("/login/").content.lower().replace(b"cannot", b"")
    wrong, unknown = sign_in(client, password="x").content, sign_in(client, "nobody", "x").content
    errors = [re.search(rb'<ul class="errorlist[^"]*"[^>]*>.*?</ul>', page, re.DOTALL) for page in (wrong, unknown)]
    assert errors[0] is not None
    assert errors[0].group() == errors[1].group()


def test_admin_sign_in_is_ours(client: Client) -> None:
    assert client.get("/admin/login/?next=/admin/auth/user/")["Location"] == "/login/?next=%2Fadmin%2Fauth%2Fuser%2F"
    assert client.get("/admin/")["Location"] == "/login/?next=/admin/"


def test_ten_failures_lock_that_name_at_that_address_for_fifteen_minutes(
    client: Client, person: Callable[..., User]
) -> None:
    person("ann", password=PASSWORD)
    person("bob", password=PASSWORD)
    for attempt in range(10):
        refused = sign_in(client, password="wrong")
        assert refused.status_code == (429 if attempt == 9 else 200)
    locked = sign_in(client)
    assert locked.status_code == 429
    assert 880 <= int(locked["Retry-After"]) <= 900
    until = clock.now() + timedelta(minutes=15)
    assert re.search(rf"locked until {until:%H}:\d\d", locked.content.decode())
    assert "15 minutes" in locked.content.decode()
    assert sign_in(Client(), REMOTE_ADDR="198.51.100.7").status_code == 302
    assert sign_in(Client(), "bob").status_code == 302


def test_lock_ends_when_its_page_said_even_if_tried_meanwhile(
    client: Client, person: Callable[..., User], time_machine: Any
) -> None:
    person("ann", password=PASSWORD)
    start = clock.now()
    time_machine.move_to(start, tick=False)
    for _ in range(10):
        sign_in(client, password="wrong")
    time_machine.move_to(start + timedelta(minutes=14), tick=False)
    assert sign_in(client).status_code == 429
    time_machine.move_to(start + timedelta(minutes=15, seconds=1), tick=False)
    assert sign_in(client).status_code == 302


def test_forwarding_headers_do_not_dodge_the_lock(client: Client, person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    for attempt in range(10):
        sign_in(client, password="wrong", headers={"X-Forwarded-For": f"198.51.100.{attempt}"})
    assert sign_in(client, headers={"X-Forwarded-For": "198.51.100.77"}).status_code == 429


@pytest.mark.parametrize("role", ["viewer", "crew", "admin"])
def test_help_names_the_keys_of_the_pages_that_a_person_has(role: str, client: Client) -> None:
    client.force_login(factories.user(role))
    page = client.get("/tokens/").content.decode()
    assert re.findall(r"<kbd>(\d)</kbd>", page) == re.findall(r'data-key="(\d)"', page) != []


def test_sign_out_needs_a_post(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann"))
    assert client.get("/logout/").status_code == 405
    client.post("/logout/")
    assert client.get("/tokens/").status_code == 302


def test_new_password_signs_other_devices_out(client: Client, person: Callable[..., User]) -> None:
    person("ann", password=PASSWORD)
    other = Client()
    sign_in(client)
    sign_in(other)
    fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert client.post("/password/", fields)["Location"] == "/tokens/"
    assert client.get("/tokens/").status_code == 200
    assert other.get("/tokens/").status_code == 302


def test_reset_by_mail_sets_a_password_once(client: Client, person: Callable[..., User], settings: Any) -> None:
    person("ann", password=PASSWORD, email="ann@example.org")
    settings.MAIL = True
    unknown = client.post("/password/reset/", {"email": "nobody@example.org"})
    assert not mail.outbox
    known = client.post("/password/reset/", {"email": "ann@example.org"}, headers={"Host": "localhost"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    link = re.search(r"http\S+", mail.outbox[0].body.split("Set it here")[1])
    assert link is not None
    assert link.group().startswith(settings.BASE_URL + "/password/reset/")
    address = link.group().removeprefix(settings.BASE_URL)
    form = client.get(address)["Location"]
    assert client.post(form, {"new_password1": NEW, "new_password2": NEW})["Location"] == "/login/"
    assert sign_in(client, password=NEW).status_code == 302
    assert b"used up" in Client().get(address).content


def test_reset_page_without_mail_says_whom_to_ask(client: Client) -> None:
    page = client.get("/password/reset/").content
    assert b"Ask an administrator" in page
    assert b"<form" not in page


def test_link_made_by_an_administrator_lifts_the_lock(
    client: Client, person: Callable[..., User], settings: Any
) -> None:
    ann = person("ann", password=PASSWORD)
    for _ in range(10):
        sign_in(client, password="wrong")
    root = Client()
    root.force_login(person("root", "admin"))
    made = root.post("/admin/auth/user/", {"action": "make_reset_links", "_selected_action": [ann.pk]})
    assert "no-store" in made["Cache-Control"]
    link = re.search(rf"{settings.BASE_URL}(/password/reset/\S+?)<", made.content.decode())
    assert link is not None
    form = client.get(link.group(1))["Location"]
    client.post(form, {"new_password1": NEW, "new_password2": NEW})
    assert sign_in(client, password=NEW).status_code == 302
    assert AuditEntry.objects.filter(action="auth.reset_link_made", actor_name="root", target="ann").exists()


@pytest.mark.req("A38")
def test_token_is_shown_once_and_works_until_revoked(client: Client, person: Callable[..., User]) -> None:
    ann = person("ann", "viewer")
    client.force_login(ann)
    made = client.post("/tokens/", {"name": "Power BI", "scope": "read", "days": "90"})
    secret = re.search(r"tm_[\w-]{43}", made.content.decode())
    assert secret is not None
    assert "no-store" in made["Cache-Control"]
    assert secret.group() not in client.get("/tokens/").content.decode()
    token = AccessToken.objects.find(secret.group())
    assert token is not None
    assert token.expires_at is not None
    client.post(f"/tokens/{token.pk}/revoke/")
    assert AccessToken.objects.find(secret.group()) is None
    assert [entry.action for entry in AuditEntry.objects.filter(action__startswith="token.").order_by("pk")] == [
        "token.created",
        "token.revoked",
    ]


def test_nobody_revokes_anothers_token(client: Client, person: Callable[..., User]) -> None:
    token, _ = AccessToken.objects.make(person("ann"), "BI", "read")
    client.force_login(person("bob"))
    assert client.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    assert AccessToken.objects.usable().filter(pk=token.pk).exists()


def test_faulty_token_form_makes_nothing(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann"))
    assert client.post("/tokens/", {"name": "", "scope": "everything", "days": "-1"}).status_code == 200
    assert not AccessToken.objects.exists()


def invite(client: Client, **fields: str) -> str:
    """The path of a new invitation's link, made through the admin."""
    page = client.post("/admin/project/invitation/add/", {"role": "crew", "email": "", **fields}).content.decode()
    text = mail.outbox[-1].body if mail.outbox else page
    link = re.search(r"/invitation/[\w-]{43}/", text)
    assert link is not None, text
    return link.group()


@pytest.fixture
def root(person: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(person("root", "admin"))
    return client


JOIN = {"username": "zach", "password1": NEW, "password2": NEW}


def test_invitation_makes_one_account_in_its_role(client: Client, root: Client) -> None:
    link = invite(root)
    assert client.get(link).status_code == 200
    assert client.post(link, JOIN).status_code == 302
    zach = User.objects.get(username="zach")
    assert [group.name for group in zach.groups.all()] == ["crew"]
    assert client.session["_auth_user_id"] == str(zach.pk)
    again = Client().post(link, {**JOIN, "username": "second"})
    assert again.status_code == 410
    assert not User.objects.filter(username="second").exists()


def test_invitation_ends_after_seventy_two_hours(client: Client, root: Client) -> None:
    link = invite(root)
    with clock.shifted(timedelta(hours=71)):
        assert client.get(link).status_code == 200
    with clock.shifted(timedelta(hours=73)):
        assert client.get(link).status_code == 410
        assert client.post(link, JOIN).status_code == 410


@pytest.mark.both_dbs
def test_invitation_used_meanwhile_stores_no_user(client: Client, root: Client, person: Callable[..., User]) -> None:
    from project.forms import InvitedUserForm
    from project.views import join

    invite(root)
    invitation = Invitation.objects.get()
    assert invitation.use(person("faster"))
    form = InvitedUserForm(JOIN)
    assert form.is_valid()
    assert join(form, invitation) is None
    assert not User.objects.filter(username="zach").exists()


def test_invitation_with_an_address_is_mailed(root: Client, client: Client, settings: Any) -> None:
    settings.MAIL = True
    link = invite(root, email="zach@example.org")
    assert mail.outbox[0].to == ["zach@example.org"]
    client.post(link, JOIN)
    assert User.objects.get(username="zach").email == "zach@example.org"


def test_invitation_code_stands_in_the_database_only_as_its_digest(root: Client) -> None:
    code = invite(root).split("/")[2]
    assert code not in str(Invitation.objects.values().get())


def test_weak_password_is_refused_at_the_invitation(client: Client, root: Client) -> None:
    link = invite(root)
    assert (
        client.post(link, {"username": "zach", "password1": "1234567890", "password2": "1234567890"}).status_code == 200
    )
    assert not User.objects.filter(username="zach").exists()


@pytest.mark.both_dbs
def test_a_name_longer_than_any_is_refused_before_the_try_is_recorded(client):
    response = client.post("/login/", {"username": "a" * 300, "password": "b"})
    assert response.status_code == 200
    assert "at most 150 characters" in response.content.decode()
