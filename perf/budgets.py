"""What a route may cost: one definition for the tests, the benchmark and the performance page.

An app writes its budgets into its own budgets.py as BUDGETS, a list of Budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponseBase

from perf.discovery import discovered
from perf.queries import metered


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that `route` (a URL name such as "api:grid") may cost, cold; None leaves a figure open.

    `bytes` as sent to a client that accepts what the route offers, `p95` in milliseconds, `hit_rate` from 0 to 1 is
    the least over a day. Tests hold queries and bytes; times are for the benchmark, the machines of tests are shared.
    """

    route: str
    queries: int
    bytes: int | None = None
    p95: float | None = None
    hit_rate: float | None = None

    def excess(self, cost: Cost) -> list[str]:
        """What of `cost` is over this budget, in words; times aside."""
        found = []
        if cost.queries > self.queries:
            found.append(f"{self.route}: {cost.queries} queries, the budget is {self.queries}")
        if self.bytes is not None and cost.bytes > self.bytes:
            found.append(f"{self.route}: {cost.bytes} bytes, the budget is {self.bytes}")
        return found


@dataclass(frozen=True, slots=True)
class Cost:
    """What one answer cost: queries, bytes of its body and milliseconds."""

    queries: int
    bytes: int
    ms: float


BUDGETS = [
    Budget("perf:beacon", queries=4, bytes=0, p95=50),
    Budget("perf:performance", queries=38, bytes=10_000, p95=1_000),
    Budget("perf:route", queries=14, bytes=8_000, p95=500),
    Budget("perf:cache", queries=13, bytes=8_000, p95=500),
    Budget("api:performance", queries=8, bytes=6_000, p95=1_000),
    Budget("api:performance_route", queries=14, bytes=6_000, p95=500),
    Budget("api:performance_cache", queries=12, bytes=6_000, p95=500),
    Budget("perf:tasks", queries=11, bytes=5_000, p95=500),
    Budget("perf:outgoing", queries=9, bytes=5_000, p95=500),
    Budget("perf:frontend", queries=12, bytes=5_000, p95=500),
    Budget("api:performance_tasks", queries=11, bytes=5_000, p95=500),
    Budget("api:performance_outgoing", queries=9, bytes=5_000, p95=500),
    Budget("api:performance_frontend", queries=12, bytes=5_000, p95=500),
    Budget("perf:storage", queries=32, bytes=8_000, p95=500),
    Budget("api:performance_storage", queries=32, bytes=8_000, p95=500),
    Budget("perf:processes", queries=8, bytes=4_000, p95=500),
    Budget("api:performance_processes", queries=8, bytes=4_000, p95=500),
    Budget("perf:findings", queries=13, bytes=9_000, p95=500),
    Budget("perf:queries", queries=10, bytes=7_000, p95=500),
    Budget("perf:query", queries=11, bytes=4_000, p95=500),
    Budget("perf:indexes", queries=16, bytes=4_000, p95=500),
    Budget("api:performance_queries", queries=10, bytes=4_000, p95=500),
    Budget("api:performance_findings", queries=13, bytes=6_000, p95=500),
    Budget("api:performance_indexes", queries=16, bytes=4_000, p95=500),
]
"""perf's own; this module is found like every app's."""


def cost_of(ask: Callable[[], HttpResponseBase]) -> Cost:
    """The cost of the answer that `ask` gets, e.g. cost_of(lambda: client.get("/api/grid"))."""
    started = perf_counter()
    with metered() as meter:
        response = ask()
        body = b"".join(response) if response.streaming else response.content  # type: ignore[attr-defined]  # one of the two
    return Cost(meter.count, len(body), (perf_counter() - started) * 1000)


def budgets() -> dict[str, Budget]:
    """Every app's budgets by route. ImproperlyConfigured where two apps claim one route."""
    found: dict[str, Budget] = {}
    for label, module in discovered("budgets"):
        for budget in module.BUDGETS:
            if budget.route in found:
                raise ImproperlyConfigured(f"{label}.budgets: {budget.route} has a budget already")
            found[budget.route] = budget
    return found
