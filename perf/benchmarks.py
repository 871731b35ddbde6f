"""What the cache and the paging save; manage.py benchmark perf."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
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
from perf.histograms import Histogram
from perf.models import MINUTES, KnownQuery, QueryPlace
from perf.pagination import SeekPage, paginate
from perf.series import COUNT, HISTOGRAM, Count, Labels, Series
from perf.statements import statement

ROWS = int(os.environ.get("N", "20000"))
PER_PAGE = 50
ROUTES, HOURS = 60, 26
ROUTE = "perf:performance"  # one that every project with perf has
SLOW = statement("SELECT id FROM django_content_type WHERE model = %s")


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
    """What requests to ROUTES routes cost in each of the last hours, and a slow query in two places."""
    for back in range(HOURS, -1, -1):
        storing.store().append({MINUTES.period(clock.now()) - timedelta(hours=back): _hour()})
    storing.roll_up()
    query = KnownQuery.objects.create(digest=SLOW.digest, shape=SLOW.shape, template=SLOW.template)
    for line in (7, 9):
        QueryPlace.objects.create(query=query, route="perf:beacon", place=f"views.py:{line}", slowest=0.5)


def _hour() -> Series:
    """What one hour cost, not through perf.recording: its thread would pass the made-up values on for good."""
    found: Series = defaultdict(dict)
    for number in range(ROUTES):
        route = Labels.of({"route": ROUTE if not number else f"made-up:{number}", "method": "GET", "status": "200"})
        costs = {
            "request": 0.001 * number + 0.01,
            "request.database": 0.005,
            "request.queries": number % 9,
            "request.bytes": 900 * number,
        }
        for name, cost in costs.items():
            found[HISTOGRAM, name][route] = Histogram()
            found[HISTOGRAM, name][route].add(cost)
        found[COUNT, "cache"][Labels.of({"family": f"made-up-{number}", "outcome": "hits"})] = Count(9)
    return found


def addresses() -> dict[str, Address]:
    """What browsers tell is posted; one of the routes that `fill` knows stands for all, and its slow query."""
    route = Address(kwargs={"route": ROUTE})
    return {
        "perf:beacon": Address(sent={"route": "perf:beacon", "painted_ms": 300}),
        "perf:route": route,
        "perf:query": Address({"digest": SLOW.digest}),
        "api:performance_route": route,
    }
