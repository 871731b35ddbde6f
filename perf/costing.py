"""Asks every route that has a budget on made-up data, in a database that is gone afterwards: what each answer costs.

An app's own benchmarks.py may hold more than its cases: fill(person) brings the rows on which budgets are asked, the
last app of INSTALLED_APPS first; addresses() has an Address for each budgeted route with arguments. The person is a
superuser while apps fill, and then keeps the groups and permissions that they gave; without any, a superuser asks.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any, cast
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import override_settings
from django.urls import NoReverseMatch, reverse

from perf import cache
from perf.benchmark import percentile
from perf.budgets import Budget, Cost, budgets, cost_of
from perf.discovery import discovered

ROUNDS = 10
ANSWERED = {200, 204}


class NotAsked(Exception):
    """A budget could not be asked; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a route is asked: its arguments, a query such as "?day=latest", and what is posted (None: a GET)."""

    kwargs: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    sent: Mapping[str, Any] | None = None

    def of(self, route: str) -> str:
        """The path of `route`. Raises NotAsked where arguments are missing."""
        try:
            return reverse(route, kwargs=dict(self.kwargs) or None) + self.query
        except NoReverseMatch as error:
            raise NotAsked(f"{route}: name its arguments in addresses() of its app's benchmarks.py") from error


@dataclass(frozen=True, slots=True)
class Asked:
    """What the answers of one budgeted route cost: the dearest of them, and milliseconds over all rounds."""

    budget: Budget
    cost: Cost
    median: float
    p95: float

    @property
    def excess(self) -> list[str]:
        """What is over the budget, in words; times aside, which depend on the machine."""
        return self.budget.excess(self.cost)

    @property
    def is_slow(self) -> bool:
        """Whether the budget's p95 was missed on this machine."""
        return self.budget.p95 is not None and self.p95 > self.budget.p95

    def as_json(self) -> dict[str, Any]:
        """One row in the shape of all benchmarks' rows, with what the budget allows beside it."""
        found: dict[str, Any] = {"bench": "budgets", "case": self.budget.route, "variant": "cold", "unit": "ms"}
        found |= {"value": round(self.median, 4), "p95": round(self.p95, 4), "p95_budget": self.budget.p95}
        found |= {"queries": self.cost.queries, "queries_budget": self.budget.queries}
        return found | {"bytes": self.cost.bytes, "bytes_budget": self.budget.bytes, "excess": self.excess}


@contextmanager
def empty_database() -> Iterator[None]:
    """A migrated database of this process alone, dropped at the end. Raises NotAsked where none can be made."""
    name, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    chosen = test["NAME"]
    if connection.vendor != "sqlite":  # there it is in memory
        test["NAME"] = f"budgets_{os.getpid()}"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    except SystemExit as error:  # Django has said why on standard error
        raise NotAsked(
            "no database could be made to ask budgets in; give its user CREATEDB, or --no-budgets"
        ) from error
    finally:
        test["NAME"] = chosen
    try:
        yield
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


@contextmanager
def filled() -> Iterator[Client]:
    """The browser of a person who may see what the apps have filled in; all of it is taken back at the end.

    Nothing is kept in the cache that others read, no file stays, and no task is sent: the transaction never commits.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="budgets-"))
        memory = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": uuid4().hex}
        more = {"MEDIA_ROOT": folder, "RATE_LIMITS": {}}  # asked far more often than a person may
        stack.enter_context(override_settings(CACHES={"default": memory}, **more))
        stack.enter_context(transaction.atomic())
        stack.callback(transaction.set_rollback, True)
        yield _browser(_person())


def _person() -> Any:
    users: Any = get_user_model()._default_manager
    person = users.create(**{users.model.USERNAME_FIELD: "budgets"}, is_superuser=True)
    fillers = [module.fill for _, module in discovered("benchmarks") if hasattr(module, "fill")]
    for fill in reversed(fillers):
        fill(person)
    person.is_superuser = not (person.groups.exists() or person.user_permissions.exists())
    person.save()
    return users.get(pk=person.pk)  # without the rights that were looked up meanwhile


def _browser(person: Any) -> Client:
    host = next((name for name in settings.ALLOWED_HOSTS if not name.startswith((".", "*"))), "localhost")
    client = Client(raise_request_exception=False)
    client.defaults |= {"SERVER_NAME": host, "wsgi.url_scheme": "https" if settings.SECURE_SSL_REDIRECT else "http"}
    client.force_login(person)
    return client


def addresses() -> dict[str, Address]:
    """Every app's addresses by route."""
    found: dict[str, Address] = {}
    for _, module in discovered("benchmarks"):
        if hasattr(module, "addresses"):
            found |= module.addresses()
    return found


def asking(client: Client, budget: Budget, address: Address) -> Callable[[], HttpResponseBase]:
    """A function that asks once, cold. It raises NotAsked unless it is answered."""
    path, headers = address.of(budget.route), {"accept-encoding": "gzip"}

    def ask() -> HttpResponseBase:
        if address.sent is None:
            response: Any = client.get(path, headers=headers)
        else:
            response = client.post(path, address.sent, headers=headers)
        if response.status_code not in ANSWERED:
            raise NotAsked(f"{budget.route}: {path} answers {response.status_code}")
        return cast(HttpResponseBase, response)

    return ask


def asked(client: Client, wanted: Sequence[Budget] | None = None, rounds: int = ROUNDS) -> Iterator[Asked]:
    """What each budgeted route costs, the first answer aside, which renews sessions and fills Django's own caches."""
    known = addresses()
    for budget in budgets().values() if wanted is None else wanted:
        ask = asking(client, budget, known.get(budget.route, Address()))
        ask()
        costs = [_cold(ask) for _ in range(rounds)]
        times = [cost.ms for cost in costs]
        dearest = Cost(max(cost.queries for cost in costs), max(cost.bytes for cost in costs), max(times))
        yield Asked(budget, dearest, statistics.median(times), percentile(times, 0.95))


def _cold(ask: Callable[[], HttpResponseBase]) -> Cost:
    cache.clear()
    return cost_of(ask)


def markdown(rows: Sequence[Asked]) -> str:
    """The answers beside their budgets as a Markdown table."""
    lines = [
        "| Route | Queries | of | Bytes | of | Median ms | p95 | of | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        verdict = "**over**" if row.excess else ("slow here" if row.is_slow else "")
        numbers = [row.cost.queries, row.budget.queries, row.cost.bytes, row.budget.bytes]
        cells = [row.budget.route, *(("–" if number is None else f"{number:,}") for number in numbers)]
        limit = "–" if row.budget.p95 is None else f"{row.budget.p95:,.0f}"
        lines.append(f"| {' | '.join([*cells, f'{row.median:.1f}', f'{row.p95:.1f}', limit, verdict])} |")
    return "\n".join(lines)
