from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from ninja import NinjaAPI

from perf.access import anyone
from project import errors, urls
from project.embedded import free_port
from project.models import Invitation
from tests import factories


@anyone
def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("the secret of the house")


@anyone
def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


operations = NinjaAPI(urls_namespace="operations of this test")
errors.install(operations)


@operations.get("/counted")
def counted(request: HttpRequest) -> int:
    """Asks the database in an operation."""
    return Invitation.objects.count()


urlpatterns = [
    *urls.urlpatterns,
    path("api/operations/", operations.urls),
    path("broken/", broken),
    path("api/broken", broken),
    path("forbidden/", forbidden),
    path("api/forbidden", forbidden),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
CASES = [("/broken/", 500), ("/forbidden/", 403), ("/nothing/", 404)]


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "status"), CASES)
def test_failures_of_pages_are_pages(address: str, status: int, client: Client) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert "<h1>" in response.content.decode()
    assert "secret of the house" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "status"), [("/api/broken", 500), ("/api/forbidden", 403), ("/api/nothing", 404)])
def test_failures_of_the_api_are_json_without_insides(address: str, status: int, client: Client) -> None:
    response = client.get(address)
    assert response.status_code == status
    assert set(response.json()) == {"error"}
    assert "secret of the house" not in response.content.decode()


@pytest.mark.urls(__name__)
def test_page_for_a_failure_asks_the_database_nothing(client: Client) -> None:
    """No `db` mark: any query fails the test."""
    response = client.get("/broken/")
    assert response.status_code == 500
    assert "our side" in response.content.decode()


@pytest.mark.parametrize("address", ["/login/", "/api/docs"])
def test_unknown_host_answers_400_in_the_shape_of_the_address(address: str, client: Client) -> None:
    response = client.get(address, headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert ("error" in response.json()) if address.startswith("/api/") else (b"<h1>" in response.content)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/login/", "/api/accounts", "/api/scrapes"])
def test_body_that_is_too_large_answers_413_in_the_shape_of_the_address(
    address: str, client: Client, settings: Any
) -> None:
    client.force_login(factories.user("editor"))
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    body = f'{{"scope": "{"x" * 1_000}"}}' if address.startswith("/api/") else "username=" + "x" * 1_000
    kind = "application/json" if address.startswith("/api/") else "application/x-www-form-urlencoded"
    response = client.post(address, body, kind)
    assert response.status_code == 413
    told = response.json()["error"] if address.startswith("/api/") else response.content.decode()
    assert "smaller parts" in told


@pytest.mark.django_db
def test_form_without_its_token_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "ann", "password": "x"})
    assert response.status_code == 403
    assert "reload" in response.content.decode()


@pytest.fixture
def database_away(django_db_setup: None, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The product with its database at an address where nothing answers."""
    away = {"sqlite": ("NAME", "/nowhere/tidemark.sqlite3"), "postgresql": ("PORT", free_port())}
    with django_db_blocker.unblock():
        connection.close()
        kept = connection.connection
        connection.connection = None
        monkeypatch.setitem(connection.settings_dict, *away[connection.vendor])
        yield
        connection.connection = kept


@pytest.mark.both_dbs
@pytest.mark.urls(__name__)
@pytest.mark.parametrize("address", ["/accounts/", "/api/summary", "/api/operations/counted"])
def test_database_that_is_away_is_503_with_the_time_to_come_back(
    address: str, client: Client, database_away: None, settings: Any
) -> None:
    client.cookies["session"] = "nobodys0nobodys0nobodys0nobodys0"  # so that a middleware asks first
    if address.endswith("counted"):
        settings.MIDDLEWARE = []  # so that the operation does
    response = client.get(address)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    told = response.json()["error"] if address.startswith("/api/") else response.content.decode()
    assert "not answering" in told
    assert "127.0.0.1" not in told


@pytest.mark.django_db
@pytest.mark.both_dbs
def test_question_that_the_database_refuses_is_our_fault_and_not_its_absence() -> None:
    with (
        pytest.raises((OperationalError, ProgrammingError)) as raised,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT * FROM no_such_table")
    assert not errors.database_is_away(raised.value)
