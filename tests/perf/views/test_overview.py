"""The first performance page, and the same as JSON."""

from __future__ import annotations

import pytest

from perf.budgets import budgets
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(factories.user("admin"))
    return client


def test_every_budget_stands_on_the_page_and_in_its_json(admin):
    page = admin.get("/performance/").content.decode()
    rows = admin.get("/api/performance").json()["routes"]
    assert [row["route"] for row in rows] == sorted(budgets())
    assert [route for route in budgets() if route not in page] == []


def test_without_budgets_the_page_says_where_they_are_written(admin, monkeypatch):
    monkeypatch.setattr("perf.views.overview.budgets", dict)
    assert "Write a list BUDGETS into the budgets.py of an app" in admin.get("/performance/").content.decode()
