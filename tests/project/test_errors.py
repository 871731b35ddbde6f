from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from perf.access import anyone
from project import urls


@anyone
def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("the secret of the house")


@anyone
def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


urlpatterns = [
    *urls.urlpatterns,
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
def test_form_without_its_token_says_what_to_do() -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "ann", "password": "x"})
    assert response.status_code == 403
    assert "reload" in response.content.decode()
