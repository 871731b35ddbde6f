"""What each phase of making work items fast brought: the same question before and after, in one run, on one database.

Phases are those of the plan for the second predecessor: 1 indexes and eager loading, 2 paging, 3 caching, 4 images,
5 monitoring (what it costs is `make bench-perf`), 6 search and connections, 7 assets. “Before” is the product without
that phase alone: its indexes dropped in a transaction that is rolled back, items read one by one, nothing kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.http import QueryDict

from benchmarks import ground, images
from benchmarks.ground import Line
from benchmarks.plans import READER, answered
from perf.benchmark import Case
from perf.benchmark import measure as timed
from perf.cache import cached, key
from project import statics
from workitems import benchmarks as lists
from workitems import search_index
from workitems.cache import WORKITEMS
from workitems.cards import cards_of
from workitems.list_views import list_html
from workitems.listing import Filters, page_of
from workitems.models import WorkItem
from workitems.seeding import seed_items

ITEMS = 20_000
ROUNDS = 3
CARDS = 50
WORD = "valve"
COLUMNS = ("number", "location", "description", "submitter_name", "detail")

Ways = tuple[str, Callable[[], Any], Callable[[], Any]]


def measure(items: int = ITEMS) -> Iterator[Line]:
    """All phases, on `items` made-up items with three times as many photos."""
    list(seed_items(1, items, rows=100_000))
    search_index.build(connection)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    yield from _indexes()
    yield from _eager_and_paged()
    yield from _kept()
    yield from _photographs()
    yield from _searched()
    yield from _connected()
    yield from _assets()


# --- 1: indexes and eager loading; 2: paging --------------------------------------------------------


def _indexes() -> Iterator[Line]:
    """Lists in the database, without and with the indexes that these migrations brought."""
    person = WorkItem.objects.exclude(assigned_to=None).values_list("assigned_to", flat=True).first()
    questions = {
        "newest first": WorkItem.objects.present().order_by("-submitted_at", "-pk")[:25],
        "in review, newest first": WorkItem.objects.present()
        .filter(status="in_review")
        .order_by("-submitted_at", "-pk")[:25],
        "assigned to one person": WorkItem.objects.present().filter(assigned_to=person)[:25],
        "of one submitter": WorkItem.objects.present().order_by("submitter_name", "pk")[:25],
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            for index in WorkItem._meta.indexes:
                cursor.execute(f'DROP INDEX IF EXISTS "{index.name}"')
        before = {title: answered(rows.all) for title, rows in questions.items()}
        transaction.set_rollback(True)
    for title, rows in questions.items():
        yield from _pair(1, f"indexes: {title}", before[title].ms, answered(rows.all).ms, "ms in the database")


def _eager_and_paged() -> Iterator[Line]:
    """The predecessor's three cases, with their results read: one by one, eager, the page of 25."""
    (case,) = lists.benchmarks()
    slow, eager, page = timed(case, iterations=ROUNDS)
    yield from _pair(1, f"{lists.ITEMS} items with photos and comments", slow.median, eager.median, "ms")
    yield from _pair(1, "the same", slow.queries, eager.queries, "queries")
    yield from _pair(2, "all items eagerly, or the page of 25", eager.median, page.median, "ms")


# --- 3: caching -------------------------------------------------------------------------------------


def _kept() -> Iterator[Line]:
    """The list as HTML: read and rendered, or from the cache."""
    name = key("benchmark:phases")

    def rendered() -> bytes:
        filters = Filters.of(QueryDict(f"per_page={CARDS}"))
        page = page_of(filters, READER)
        return list_html(filters, page, cards_of(list(page.object_list)))

    rows = _timed("list", rendered, lambda: cached(WORKITEMS, name, rendered).value)
    yield from _pair(3, f"the list of {CARDS} items as HTML", rows[0].median, rows[1].median, "ms")
    yield from _pair(3, "the same", rows[0].queries, rows[1].queries, "queries")


# --- 4: images --------------------------------------------------------------------------------------


def _photographs() -> Iterator[Line]:
    """Both renditions of a photo of 12 megapixels, the predecessor's way and ours, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "photo.jpg"
        kind = images.PHOTOS[0]
        images.draw(kind).save(photo, kind.kind, **(kind.options or {}))
        took = {way: _made(way, photo) for way in ("predecessor", "ours")}
    before, after = took["predecessor"], took["ours"]
    yield from _pair(4, "a photo of 12 megapixels", median(before["ms"]), median(after["ms"]), "ms")
    yield from _pair(4, "the same, memory", before["memory"] / 1e6, after["memory"] / 1e6, "MB")


def _made(way: str, photo: Path) -> dict[str, Any]:
    return ground.run("benchmarks.peers.photo_ways", way, photo, ROUNDS)


# --- 6: search and connections ----------------------------------------------------------------------


def _searched() -> Iterator[Line]:
    """Items with a word: ILIKE over all columns, or by the index of words."""
    anywhere = Q()
    for column in COLUMNS:
        anywhere |= Q(**{f"{column}__icontains": WORD})
    newest = WorkItem.objects.filter(anywhere, deleted_at=None).order_by("-submitted_at", "-pk")
    filters = Filters.of(QueryDict(f"search={WORD}"))
    before = answered(lambda: [newest.count(), list(newest[:25])])
    after = answered(lambda: list(page_of(filters, READER).object_list))
    yield from _pair(6, f"search: {WORD}, page 1 with its count", before.ms, after.ms, "ms in the database")


def _connected() -> Iterator[Line]:
    """The least question to the database, on a connection of its own and on one that is kept."""

    def fresh() -> int:
        connection.close()
        return kept()

    def kept() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return int(cursor.fetchone()[0])

    rows = _timed("connection", fresh, kept)
    yield from _pair(6, "a query, its connection opened for it or kept", rows[0].median, rows[1].median, "ms")


# --- 7: assets --------------------------------------------------------------------------------------


def _assets() -> Iterator[Line]:
    """Our scripts and styles as they are written, minified, and as they are sent."""
    statics.collect_when_changed()
    found = statics.sizes()
    yield from _pair(7, "scripts and styles", found.written / 1e3, found.minified / 1e3, "kB")
    yield from _pair(7, "scripts and styles, as they are sent", found.written / 1e3, found.compressed / 1e3, "kB")


# --- What is told -----------------------------------------------------------------------------------


def _timed(name: str, before: Callable[[], Any], after: Callable[[], Any]) -> Sequence[Any]:
    return timed(Case(name, {"before": before, "after": after}), iterations=30, seconds=10)


def _pair(phase: int, title: str, before: float, after: float, unit: str) -> Iterator[Line]:
    yield Line(f"phase {phase}: {title}", "before", before, unit)
    yield Line(f"phase {phase}: {title}", "after", after, unit, before / after if after else None)
