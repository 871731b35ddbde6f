"""Every route keeps its budget on the data that the apps bring, which is more than two pages of every list."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from perf.budgets import budgets
from perf.costing import NotAsked, asked, filled
from snapshots.models import Snapshot


@pytest.mark.req("A24", "B96")
def test_every_cold_answer_keeps_its_budget(db: None) -> None:
    with filled() as client:
        costs = list(asked(client, rounds=1))
    assert {each.budget for each in costs} == set(budgets().values())
    assert "\n".join(excess for each in costs for excess in each.excess) == ""
    assert not Snapshot.objects.exists()  # all of it is taken back


@pytest.mark.req("B96")
def test_what_is_over_a_budget_and_what_cannot_be_asked_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = budgets()["api:grid"]
    with filled() as client:
        (found,) = asked(client, [replace(grid, queries=2, bytes=100)], rounds=1)
        assert [re.sub(r": \d+ ", ": N ", line) for line in found.excess] == [
            "api:grid: N queries, the budget is 2",
            "api:grid: N bytes, the budget is 100",
        ]
        with pytest.raises(NotAsked, match="answers 401"):  # a refusal is no cheap answer
            list(asked(Client(), [grid], rounds=1))
        monkeypatch.setattr("perf.costing.addresses", dict)
        with pytest.raises(NotAsked, match="api:upload: name its arguments in addresses"):
            list(asked(client, [budgets()["api:upload"]], rounds=1))


def test_what_is_asked_oftener_than_a_person_may_is_answered(db: None, settings: Any) -> None:
    settings.RATE_LIMITS = {"exports": (1, 3600)}
    export = budgets()["snapshots:export-accounts"]
    with filled() as client:
        (found,) = asked(client, [export], rounds=2)
    assert found.budget == export
