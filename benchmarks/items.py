"""The list of work items beside the predecessor's way: pages near and deep, filters, searches, counts, and the cards.

The naive way is frozen: all five columns by ILIKE, COUNT, OFFSET, and the photos and comments of each item one by one.
Both give the same numbers, captions and totals, which is checked before anything is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.http import QueryDict

from benchmarks.ground import Line
from benchmarks.plans import answered
from perf.cache import cached, key
from workitems import around, search_index
from workitems.cache import WORKITEMS
from workitems.cards import cards_of, photos_of
from workitems.list_views import list_html
from workitems.listing import Filters, page_of
from workitems.models import WorkItem
from workitems.seeding import seed_items

QUERIES_MAX, DATABASE_MS, CARDS, CARDS_COLD_MS, CARDS_KEPT_MS = 6, 10.0, 100, 25.0, 2.0
RUNS = 7
PER_PAGE = 25
DEEP = 100  # pages on, by following links
Listed = list[tuple[str, list[str], int]]


@dataclass(frozen=True, slots=True)
class Question:
    """A list that is asked for: as our address has it, and as conditions of the naive way."""

    title: str
    query: str
    conditions: dict[str, Any]
    search: str = ""
    order: tuple[str, ...] = ("-submitted_at", "-pk")


QUESTIONS = (
    Question("All, newest first", "", {}),
    Question("By submitter", "sort=submitter", {}, order=("submitter_name", "pk")),
    Question("Submitted ones", "status=submitted", {"status": "submitted"}),
    Question("A location", "location=Roof", {"location": "Roof"}),
    Question("Without photos", "photos=without", {"photo_count": 0}),
    Question(
        "A location, sent back, by number",
        "location=Roof&status=needs_revision&sort=item_number",
        {"location": "Roof", "status": "needs_revision"},
        order=("number",),
    ),
    Question("Search: a common word", "search=valve", {}, search="valve"),
    Question("Search: a common part of a word", "search=witchbo", {}, search="witchbo"),
    Question("Search: one number", "search=SEED1_0000123", {}, search="SEED1_0000123"),
    Question(
        "Search in a state, by submitter",
        "search=corroded&status=in_review&sort=submitter",
        {"status": "in_review"},
        search="corroded",
        order=("submitter_name", "pk"),
    ),
)


def measure(items: int = 100_000) -> Iterator[Line]:
    """Fill the database with `items` items and three times as many photos, then ask each question both ways."""
    seconds = _fill(items)
    yield Line("Filling", f"{items:,} items", items / seconds, "items/s")
    for question in QUESTIONS:
        for number in (1, DEEP):
            yield from _page(question, number)
    yield from _counts()
    yield from _cards()


def _fill(items: int) -> float:

    search_index.drop(connection)  # indexes of words are built quicker at once than kept up
    started = perf_counter()
    list(seed_items(1, items, rows=100_000))
    seconds = perf_counter() - started
    search_index.build(connection)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return seconds


def _page(question: Question, number: int) -> Iterator[Line]:
    """One page of a question both ways; nothing where there is no such page."""
    query = _followed(question.query, number)
    if query is None:
        return
    (ours, total, is_bound), (naive, counted) = _ours(query), _naive(question, number)
    if ours != naive or (total > counted if is_bound else total != counted):
        raise SystemExit(
            f"{question.title}, page {number}: the two ways differ: {ours[:2]} {total}, {naive[:2]} {counted}"
        )
    case = f"{question.title}, page {number}"
    before, after = _ms(lambda: _naive(question, number), runs=3), _ms(lambda: _ours(query))
    asked = answered(lambda: _ours(query))
    yield Line(case, "naive", before, "ms")
    yield Line(case, "ours", after, "ms", before / after)
    met = asked.ms <= DATABASE_MS
    yield Line(case, "ours, in the database", asked.ms, "ms", goal=f"≤ {DATABASE_MS:g}", met=met)
    met = asked.statements <= QUERIES_MAX
    yield Line(case, "ours, queries", asked.statements, "", goal=f"≤ {QUERIES_MAX}", met=met)


def _followed(query: str, number: int) -> str | None:
    """The address of page `number`, come to by its links; None where the list ends before."""

    here = query
    for _ in range(1, number):
        link = page_of(Filters.of(QueryDict(here)), _reader()).links
        following = link[-1][1] if link else None
        if following is None:
            return None
        here = f"{query}&{urlencode(following)}"
    return here


def _ours(query: str) -> tuple[Listed, int, bool]:

    page = page_of(Filters.of(QueryDict(query)), _reader())
    _ = page.links
    items = list(page.object_list)
    photos = photos_of(items)
    listed = [(item.number, [photo.caption for photo in photos[item.pk]], item.comment_count) for item in items]
    return listed, page.total, page.total_is_lower_bound


def _naive(question: Question, number: int) -> tuple[Listed, int]:

    rows = WorkItem.objects.filter(deleted_at=None, **question.conditions)
    if question.search:
        columns = ("number", "location", "description", "submitter_name", "detail")
        anywhere = Q()
        for column in columns:
            anywhere |= Q(**{f"{column}__icontains": question.search})
        rows = rows.filter(anywhere)
    total = rows.count()
    start = (number - 1) * PER_PAGE
    listed = [
        (
            item.number,
            [photo.caption for photo in item.photos.filter(deleted_at=None).order_by("position", "pk")],
            item.comments.count(),
        )
        for item in rows.order_by(*question.order)[start : start + PER_PAGE]
    ]
    return listed, total


def _counts() -> Iterator[Line]:
    """The numbers above the list, nothing of them kept."""

    states = ({}, {"status": "submitted"}, {"status": "in_review"}, {"status": "completed_review"})
    naive = _ms(lambda: [WorkItem.objects.filter(deleted_at=None, **state).count() for state in states], runs=3)
    ours = _ms(around.read)
    yield Line("Numbers by state", "naive", naive, "ms")
    yield Line("Numbers by state and the choices", "ours", ours, "ms", naive / ours)


def _cards() -> Iterator[Line]:
    """A hundred cards as HTML: rendered, and from the cache."""

    filters = Filters.of(QueryDict(f"per_page={CARDS}"))
    page = page_of(filters, _reader())
    cards = cards_of(list(page.object_list))
    cold = _ms(lambda: list_html(filters, page, cards))
    name = key("benchmark:cards")
    kept = _ms(lambda: cached(WORKITEMS, name, lambda: list_html(filters, page, cards)))
    met = cold <= CARDS_COLD_MS
    yield Line(f"{CARDS} cards", "rendered", cold, "ms", goal=f"≤ {CARDS_COLD_MS:g}", met=met)
    met = kept <= CARDS_KEPT_MS
    yield Line(f"{CARDS} cards", "kept", kept, "ms", cold / kept, f"≤ {CARDS_KEPT_MS:g}", met)


def _reader() -> Any:
    """Somebody who may see all items, and of whom the database need not be asked."""

    return User(pk=1, is_active=True, is_superuser=True)


def _ms(act: Callable[[], object], *, runs: int = RUNS) -> float:
    """The median milliseconds that `act` takes, after one time that nobody counts."""
    taken: list[float] = []
    for _ in range(runs + 1):
        started = perf_counter()
        act()
        taken.append(1_000 * (perf_counter() - started))
    return median(taken[1:])
