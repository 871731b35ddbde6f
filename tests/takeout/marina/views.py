"""Views with a fault each, on a line that says which."""

from time import sleep

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from marina.models import Boat

from perf.access import anyone
from perf.cache import Family, cached

TIDES = Family("tides", timeout=60)
CAPTAIN = "Nemo of the Nautilus"
COUNTING = {
    "sqlite": """
WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 20000)
SELECT COUNT(*) FROM steps, marina_boat WHERE marina_boat.captain = """,
    "postgresql": "SELECT COUNT(pg_sleep(0.01)) FROM marina_boat WHERE marina_boat.captain = ",
}[connection.vendor]


@anyone
def boats(request: HttpRequest) -> HttpResponse:
    """Every boat with its berth."""
    fleet = list(Boat.objects.all())  # here the boats are read
    berths = [boat.berth.name for boat in fleet]  # here is the N+1
    return HttpResponse("\n".join(berths))


def count_steps() -> int:
    """A slow query with a value in its text and another beside it."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTING + f"'{CAPTAIN}' AND 7 <> %s", [271828])  # here is the slow query
        return cursor.fetchone()[0]


@anyone
def ledger(request: HttpRequest) -> HttpResponse:
    """What takes long."""
    return HttpResponse(count_steps())


@anyone
def tides(request: HttpRequest) -> HttpResponse:
    """An answer of perf's cache."""
    found = cached(TIDES, "today", high_water)  # here is the stampede
    return HttpResponse(found.value)


def high_water() -> bytes:
    """Takes long enough for others to come."""
    sleep(0.3)
    return b"High water at noon"


@anyone
def wreck(request: HttpRequest) -> HttpResponse:
    """What fails."""
    return HttpResponse(depth_of("wreck"))


def depth_of(name: str) -> int:
    """The depth in metres of a place that the chart has."""
    return {"harbour": 7}[name]  # here it breaks


@anyone
def charts(request: HttpRequest) -> HttpResponse:
    """An answer of Django's own cache, which lets everybody compute it."""
    found = cache.get("charts")
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(COUNTING + "%s", [CAPTAIN])  # here is the other stampede
            found = cursor.fetchone()[0]
        cache.set("charts", found, 60)
    return HttpResponse(found)
