"""The pages of storage and processes, and the same as JSON."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from perf import clock, flushing
from perf.sizes import sampling
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.user("admin"))
    return client


def sampled() -> None:
    """Everything is looked at once, as each hour."""
    sampling.sample_database()
    sampling.sample_redis()
    sampling.sample_host()
    sampling.sample_counts()
    flushing.flush()


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_pages(admin: Client) -> None:
    with clock.shifted(timedelta(hours=-2)):
        sampled()
    print(text(admin, "/performance/storage/")[:300])
    print(admin.get("/api/performance/storage").json()["advice"])
    print(text(admin, "/performance/processes/")[:300])
    sampling._Reported.at = 0
    sampling.report_process()
    flushing.flush()
    print(admin.get("/api/performance/processes").json())
