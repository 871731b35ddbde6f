"""Budgets: found in every app, held in words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse, StreamingHttpResponse

from perf import budgets
from perf.budgets import Budget, Cost, cost_of
from perf.discovery import discovered


def test_the_cost_of_an_answer_is_counted(db):
    def ask() -> HttpResponse:
        return HttpResponse(b"x" * 100 * (1 + Group.objects.count()))

    cost = cost_of(ask)
    assert (cost.queries, cost.bytes) == (1, 100 * (1 + Group.objects.count()))
    assert cost.ms > 0
    assert cost_of(lambda: StreamingHttpResponse([b"ab", b"c"])).bytes == 3


def test_what_is_over_budget_is_named():
    budget = Budget("api:grid", queries=3, bytes=1000)
    assert budget.excess(Cost(3, 1000, 99)) == []
    assert budget.excess(Cost(4, 1001, 1)) == [
        "api:grid: 4 queries, the budget is 3",
        "api:grid: 1001 bytes, the budget is 1000",
    ]
    assert Budget("page", queries=3).excess(Cost(3, 10**9, 1)) == []


def found(monkeypatch, *modules: list[Budget]) -> None:
    pairs = [(f"app{number}", SimpleNamespace(BUDGETS=module)) for number, module in enumerate(modules)]
    monkeypatch.setattr(budgets, "discovered", lambda name: iter(pairs))


def test_the_budgets_of_all_apps_come_together(monkeypatch):
    found(monkeypatch, [Budget("a", 1)], [Budget("b", 2), Budget("c", 3)])
    assert {route: budget.queries for route, budget in budgets.budgets().items()} == {"a": 1, "b": 2, "c": 3}


def test_one_route_has_one_budget(monkeypatch):
    found(monkeypatch, [Budget("a", 1)], [Budget("a", 2)])
    with pytest.raises(ImproperlyConfigured, match=r"app1\.budgets: a has a budget already"):
        budgets.budgets()


def test_discovery_finds_modules_by_name():
    assert "perf" in dict(discovered("benchmarks"))
    assert list(discovered("no_such_module")) == []
