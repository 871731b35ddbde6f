"""What the cache and the paging save; manage.py benchmark perf."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from secrets import token_hex

from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db import transaction

from perf import clock, storing
from perf.benchmark import Case
from perf.cache import Family, cached, key
from perf.costing import Address
from perf.crowds import Crowd, Span
from perf.histograms import Histogram
from perf.jobs import ENDS
from perf.models import MINUTES, KnownQuery, QueryPlace
from perf.models.page_views import TIMED
from perf.pagination import SeekPage, paginate
from perf.series import COUNT, CROWD, HISTOGRAM, Count, Labels, Series
from perf.statements import statement

ROWS = int(os.environ.get("N", "20000"))
PER_PAGE = 50
ROUTES, HOURS, EARLIER = 60, 24, 2
ROUTE = "perf:performance"  # one that every project with perf has
QUERIES = [
    statement(f"SELECT {column} FROM django_content_type WHERE {compared} %s")  # noqa: S608  # no value of anybody's
    for column in ("id", "app_label", "model", "id, model", "id, app_label")
    for compared in ("id =", "app_label =", "model =", "id <", "app_label <", "model <")
]
PLACES = [("perf:beacon", "views.py:7"), (ROUTE, "views.py:9")]
TASKS, REQUESTS = 20, 3


@contextmanager
def _groups() -> Iterator[None]:
    """ROWS more groups that nobody else sees and that are gone afterwards."""
    prefix = token_hex(4)
    with transaction.atomic():
        Group.objects.bulk_create((Group(name=f"{prefix} {number:07}") for number in range(ROWS)), batch_size=2000)
        yield
        transaction.set_rollback(True)


def benchmarks() -> Iterator[Case]:
    """The cases of perf."""
    family = Family("benchmark", timeout=60)
    name = key("benchmark", token_hex(4))

    def names() -> bytes:
        return json.dumps(list(Group.objects.order_by("name").values_list("name", flat=True)[:500])).encode()

    yield Case(
        "500 rows as JSON",
        {"computed": names, "from the cache": lambda: cached(family, name, names).value},
        world=_groups,
    )
    yield from (_page_case(part) for part in (0.02, 0.5, 0.98))


def _page_case(part: float) -> Case:
    """The page at `part` of the list: counted to by Django's Paginator, by our bare number, and sought."""
    number = max(2, int(ROWS * part) // PER_PAGE)
    after: list[str] = []

    def counted() -> list[str]:
        return [group.name for group in Paginator(Group.objects.order_by("name"), PER_PAGE).page(number)]

    def bare() -> list[str]:
        return _names(paginate(Group.objects.all(), order=["name"], page=number, per_page=PER_PAGE))

    def sought() -> list[str]:
        if not after:
            before = paginate(Group.objects.all(), order=["name"], page=number - 1, per_page=PER_PAGE)
            after.append(before.next_after)
        page = paginate(Group.objects.all(), order=["name"], page=number, per_page=PER_PAGE, after=after[0], total=ROWS)
        return _names(page)

    return Case(
        f"page {number} of {ROWS // PER_PAGE}",
        {"Paginator": counted, "bare number": bare, "sought, total known": sought},
        world=_groups,
    )


def _names(page: SeekPage) -> list[str]:
    return [group.name for group in page.object_list]


def fill(_: object) -> None:
    """Of this hour everything that a page lists, of those before a point of each chart; and QUERIES in two places."""
    for back in range(HOURS, -1, -1):
        at = MINUTES.period(clock.now()) - timedelta(hours=back)
        storing.store().append({at: _hour(at.timestamp(), everything=not back)})
    storing.roll_up()
    queries = [KnownQuery(digest=one.digest, shape=one.shape, template=one.template) for one in QUERIES]
    KnownQuery.objects.bulk_create(queries)
    worst = {"slowest": 0.5, "slowest_at": clock.now(), "request": 0.7, "queries": 30}
    often = {"times": 30, "times_at": clock.now(), "advice": "read all rows at once, before the loop"}
    QueryPlace.objects.bulk_create(
        QueryPlace(query=query, route=route, place=place, function="page", **worst, **often)
        for query in queries
        for route, place in PLACES
    )


def _hour(at: float, *, everything: bool) -> Series:
    """What one hour cost, not through perf.recording: its thread would pass the made-up values on for good."""
    found: Series = defaultdict(dict)

    def put(name: str, value: float, times: int = 1, /, **labels: str) -> None:
        found[HISTOGRAM, name][Labels.of(labels)] = one = Histogram()
        one.add(value, times)

    def add(name: str, many: int, /, **labels: str) -> None:
        found[COUNT, name][Labels.of(labels)] = Count(many)

    for number in range(ROUTES if everything else EARLIER):
        _requests(number, "200", put)
        add("cache", 9, family=f"made-up-{number}", outcome="hits")
    if not everything:
        return found
    for number in range(ROUTES):
        _requests(number, "500", put)
        _troubles(number, put, add)
        add("cache", 90, family=f"made-up-{number}", outcome="misses")
        put("cache.computed", 0.2, 90, family=f"made-up-{number}", place=f"views.py:{number}", reason="")
    for number in range(TASKS):
        _doings(number, put, add)
    for query in QUERIES:
        for route, place in PLACES:
            labels = {"query": query.digest, "route": route, "place": place}
            put("query.slow", 0.3, **labels)
            put("query.repeated", 30, **labels)
            put("query.repeated.seconds", 0.4, **labels)
            runs = [Span(0, at, at + 1)] * 3
            found[CROWD, "query.crowd"][Labels.of(labels)] = Crowd.of(runs)
    return found


def _requests(number: int, status: str, put: Callable[..., None]) -> None:
    """To one route, answered alike."""
    labels = {"route": _route(number), "method": "GET", "status": status}
    put("request", 0.001 * number + 0.01, REQUESTS, **labels)
    put("request.database", 0.005, REQUESTS, **labels)
    put("request.queries", number % 9, REQUESTS, **labels)
    put("request.bytes", 900 * number, REQUESTS, **labels)


def _route(number: int) -> str:
    return f"made-up:{number}" if number else ROUTE


def _troubles(number: int, put: Callable[..., None], add: Callable[..., None]) -> None:
    """What one route failed with, and how its page took in browsers."""
    route = _route(number)
    add("request.errors", REQUESTS, route=route, error="KeyError", place=f"views.py:{number}")
    add("request.reads", 9, route=route, outcome="hits")
    for what in TIMED:
        put(f"page.{what}", 0.3, 9, route=route)


def _doings(number: int, put: Callable[..., None], add: Callable[..., None]) -> None:
    """Of one task, and of one platform."""
    task = {"task": f"made-up-{number}", "queue": "control"}
    put("task.wait", 0.1, 9, **task)
    for outcome in ENDS:
        put("task.run", 0.4, 9, **task, outcome=outcome)
    add("task.retries", 9, **task)
    add("task.errors", 9, **task, error="KeyError", place=f"tasks.py:{number}")
    for outcome in ("ok", "timeout", "blocked"):
        put("outgoing", 0.4, 9, platform=f"made-up-{number}", outcome=outcome)
    put("outgoing.waited", 2, 9, platform=f"made-up-{number}")


def addresses() -> dict[str, Address]:
    """What browsers tell is posted; one of the routes that `fill` knows stands for all, and its slow query."""
    route = Address(kwargs={"route": ROUTE})
    return {
        "perf:beacon": Address(sent={"route": "perf:beacon", "painted_ms": 300}),
        "perf:route": route,
        "perf:query": Address({"digest": QUERIES[0].digest}),
        "api:performance_route": route,
    }
