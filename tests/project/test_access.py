from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from ninja import NinjaAPI, Schema

from perf import clock
from perf.access import requires, signed_in
from project import errors, urls
from project.access import SEEN, ClientMiddleware, SessionOrToken, policy_first
from project.models import AccessToken, TokenUser
from project.roles import SCOPES, Scope

pytestmark = pytest.mark.django_db

probe = NinjaAPI(urls_namespace="probe", auth=[SessionOrToken()])
errors.install(probe)
probe.add_decorator(policy_first, mode="view")


class Word(Schema):
    text: str
    times: int = 1


@probe.get("/accounts")
@requires("accounts.view_account")
def read(request: HttpRequest) -> dict[str, object]:
    user = request.user
    return {
        "user": user.get_username(),
        "superuser": user.is_superuser,
        "staff": user.is_staff,
        "permissions": sorted(user.get_all_permissions()),
    }


@probe.post("/accounts")
@requires("accounts.view_account")
def write(request: HttpRequest, word: Word) -> dict[str, str]:
    return {"user": request.user.get_username()}


@probe.post("/own")
@signed_in
def own(request: HttpRequest) -> dict[str, str]:
    return {"user": request.user.get_username()}


urlpatterns = [*urls.urlpatterns, path("api/probe/", probe.urls)]
handler403, handler404, handler500 = urls.handler403, urls.handler404, urls.handler500


@pytest.fixture(autouse=True)
def _probe_urls(settings: settings) -> None:
    settings.ROOT_URLCONF = __name__


def test_token_has_no_more_than_its_scope_even_of_an_administrator(client: Client, person: Callable[..., User]) -> None:
    root = User.objects.create_superuser("root")
    _, secret = AccessToken.objects.make(root, "BI", Scope.READ)
    answer = client.get("/api/probe/accounts", headers={"Authorization": f"Bearer {secret}"}).json()
    assert set(answer.pop("permissions")) <= SCOPES[Scope.READ]
    assert answer == {"user": "root", "superuser": False, "staff": False}


def test_token_has_no_more_than_its_user(client: Client, bearer: Callable[..., dict[str, str]]) -> None:
    response = client.get("/api/probe/accounts", headers=bearer("read", role="crew"))
    assert response.status_code == 403
    assert "error" in response.json()


def test_read_token_may_not_post_even_where_its_permissions_suffice(
    client: Client, bearer: Callable[..., dict[str, str]]
) -> None:
    sent = {"data": {"text": "x"}, "content_type": "application/json"}
    assert client.post("/api/probe/accounts", headers=bearer("read"), **sent).status_code == 403
    assert client.post("/api/probe/own", headers=bearer("metrics")).status_code == 403
    assert client.post("/api/probe/accounts", headers=bearer("write"), **sent).status_code == 200


@pytest.mark.parametrize("spoil", ["revoked", "expired", "inactive", "wrong"])
def test_unusable_token_answers_401_in_json(spoil: str, client: Client, person: Callable[..., User]) -> None:
    user = person("ann", "viewer")
    token, secret = AccessToken.objects.make(user, "BI", Scope.READ, clock.now() + timedelta(days=1))
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/api/probe/accounts", headers=headers).status_code == 200
    if spoil == "revoked":
        token.revoke()
    elif spoil == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif spoil == "wrong":
        headers = {"Authorization": f"Bearer {secret[:-1]}"}
    with clock.shifted(timedelta(days=2 if spoil == "expired" else 0)):
        response = client.get("/api/probe/accounts", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"].startswith("This token")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_token_stands_in_the_database_only_as_its_digest(person: Callable[..., User]) -> None:
    token, secret = AccessToken.objects.make(person("ann", "viewer"), "BI", Scope.READ)
    stored = AccessToken.objects.filter(pk=token.pk).values().get()
    assert secret not in str(stored)
    assert secret.startswith(stored["prefix"])


def test_token_opens_no_page(client: Client, bearer: Callable[..., dict[str, str]]) -> None:
    for page in ("/tokens/", "/admin/", "/password/"):
        response = client.get(page, headers=bearer("write"))
        assert response.status_code == 302
        assert response["Location"].startswith("/login/")


def test_broken_token_is_refused_even_beside_a_session(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", "viewer"))
    assert client.get("/api/probe/accounts").status_code == 200
    assert client.get("/api/probe/accounts", headers={"Authorization": "Bearer tm_x"}).status_code == 401


def test_session_writes_need_the_csrf_token_and_tokens_do_not(
    person: Callable[..., User], bearer: Callable[..., dict[str, str]]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("ann", "viewer"))
    assert client.get("/api/probe/accounts").status_code == 200
    refused = client.post("/api/probe/own")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]
    client.get("/tokens/")
    csrf = {"X-CSRFToken": client.cookies["csrf"].value}
    assert client.post("/api/probe/own", headers=csrf).status_code == 200
    assert Client(enforce_csrf_checks=True).post("/api/probe/own", headers=bearer("write")).status_code == 200


def test_use_of_a_token_is_noted_at_most_once_an_hour(client: Client, person: Callable[..., User]) -> None:
    token, secret = AccessToken.objects.make(person("ann", "viewer"), "BI", Scope.READ)

    def used_after(minutes: int) -> object:
        with clock.shifted(timedelta(minutes=minutes)):
            client.get("/api/probe/accounts", headers={"Authorization": f"Bearer {secret}"})
        token.refresh_from_db()
        return token.last_used_at

    first = used_after(0)
    assert first is not None
    assert used_after(50) == first
    assert used_after(70) > first


def test_narrowed_user_can_never_be_saved(person: Callable[..., User]) -> None:
    token, _ = AccessToken.objects.make(person("ann", "editor"), "sync", Scope.WRITE)
    narrowed = TokenUser.holding(token)
    with pytest.raises(TypeError):
        narrowed.save()
    with pytest.raises(TypeError):
        narrowed.delete()
    assert narrowed.has_module_perms("accounts")
    assert not narrowed.has_module_perms("workitems")


def test_active_session_is_pushed_out_hourly_and_an_idle_one_ends(client: Client, person: Callable[..., User]) -> None:
    client.force_login(person("ann", "viewer"))
    client.get("/tokens/")
    started = client.session[SEEN]
    with clock.shifted(timedelta(minutes=30)):
        client.get("/tokens/")
    assert client.session[SEEN] == started
    with clock.shifted(timedelta(minutes=90)):
        client.get("/tokens/")
    assert client.session[SEEN] > started
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE == 12 * 3600


@pytest.mark.parametrize(
    ("roles", "hours"), [(("crew",), 30 * 24), (("viewer",), 12), (("crew", "admin"), 12), ((), 12)]
)
def test_only_those_who_are_crew_alone_stay_for_thirty_days(
    roles: tuple[str, ...], hours: int, client: Client, person: Callable[..., User]
) -> None:
    person("ann", *roles, password="a long enough phrase 42")
    client.post("/login/", {"username": "ann", "password": "a long enough phrase 42"})
    assert client.session.get_expiry_age() == hours * 3600
    assert client.cookies["session"]["max-age"] == hours * 3600


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.1, 10.0.0.6", "198.51.100.1"),
        ("10.0.0.5", "nonsense", "10.0.0.5"),
        ("10.0.0.5", "", "10.0.0.5"),
    ],
)
def test_forwarded_address_counts_only_from_our_proxies(
    peer: str, forwarded: str, expected: str, settings: settings
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded, "HTTP_X_FORWARDED_PROTO": "https"}
    ClientMiddleware(lambda _: HttpResponse())(request)
    assert request.META["REMOTE_ADDR"] == expected
    assert ("HTTP_X_FORWARDED_PROTO" in request.META) is peer.startswith("10.")


def test_wrong_parameters_answer_400_naming_the_field(client: Client, bearer: Callable[..., dict[str, str]]) -> None:
    response = client.post(
        "/api/probe/accounts", {"times": "x"}, content_type="application/json", headers=bearer("write")
    )
    assert response.status_code == 400
    assert set(response.json()["fields"]) == {"text", "times"}
    assert "times" in response.json()["error"]


def test_who_may_not_write_learns_nothing_of_the_parameters(
    client: Client, bearer: Callable[..., dict[str, str]]
) -> None:
    response = client.post("/api/probe/accounts", "{", "application/json", headers=bearer("crew"))
    assert response.status_code == 403
    assert "fields" not in response.json()


def test_operation_without_a_policy_stops_the_start() -> None:
    careless = NinjaAPI(urls_namespace="careless")
    careless.add_decorator(policy_first, mode="view")
    careless.get("/open")(lambda request: {})
    with pytest.raises(AttributeError, match="policy"):
        _ = careless.urls


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("get", "/api/nothing", 404), ("delete", "/api/probe/accounts", 405), ("get", "/api/probe/accounts", 401)],
)
def test_every_refusal_of_the_api_has_one_shape(
    method: str, address: str, status: int, client: Client, bearer: Callable[..., dict[str, str]]
) -> None:
    headers = {} if status == 401 else bearer("write")
    response = getattr(client, method)(address, headers=headers)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)
    assert ("Allow" in response) is (status == 405)
