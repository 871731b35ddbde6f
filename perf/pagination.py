"""Pages of long lists: a Paginator whose links seek instead of counting through what they skip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.db.models.query import ModelIterable, ValuesIterable, ValuesListIterable

from perf.keyset import AFTER, BEFORE, END, Cursor, Groups, Key, Order

COUNT_MAX = 10_000  # totals are exact up to here; beyond, counting costs more than it tells
PAGE_MAX = 1_000_000_000  # keeps OFFSET within a database's integers
ELLIPSIS = "…"

Query = dict[str, Any]


def page_number(raw: object) -> int:
    """The page asked for; 1 for anything that is not a positive number."""
    text = str(raw).strip() if raw is not None else ""
    if not (text.isascii() and text.isdecimal()):
        return 1
    return min(max(int(text[:12]), 1), PAGE_MAX)


def page_size(raw: object, default: int, maximum: int) -> int:
    """The page size asked for, at most `maximum`; `default` for anything that is not a positive number."""
    text = str(raw).strip() if raw is not None else ""
    if not (text.isascii() and text.isdecimal()) or int(text[:12]) < 1:
        return default
    return min(int(text[:12]), maximum)


class SeekPaginator(Paginator):
    """Django's Paginator with a total that is known already, maybe only as "more than"."""

    ELLIPSIS = ELLIPSIS  # type: ignore[assignment]  # Django's own is a lazy translation, which is no str

    def __init__(self, rows: list[Any], per_page: int, total: int, pages: int) -> None:
        super().__init__(rows, per_page)
        self._total, self._pages = total, pages

    @property
    def count(self) -> int:
        return self._total

    @property
    def num_pages(self) -> int:
        return self._pages


class SeekPage(Page):
    """One page with its neighbours' cursors. `object_list` is a list; `total` may be a lower bound."""

    paginator: SeekPaginator

    def __init__(
        self, rows: list[Any], number: int, paginator: SeekPaginator, source: _Source, *, is_more: bool
    ) -> None:
        super().__init__(rows, number, paginator)
        self.total = paginator.count
        self.per_page = paginator.per_page
        self.total_is_lower_bound = source.is_lower_bound
        self._source, self._is_more = source, is_more

    def has_next(self) -> bool:
        return self._is_more

    def start_index(self) -> int:
        return (self.number - 1) * self.per_page + 1 if self.object_list else 0

    def end_index(self) -> int:
        return self.start_index() + len(self.object_list) - 1 if self.object_list else 0

    @cached_property
    def next_after(self) -> str:
        """The cursor of the next page; empty on the last."""
        return self._source.cursor(AFTER, self._source.last_key) if self._is_more else ""

    @cached_property
    def previous_after(self) -> str:
        """The cursor of the previous page; empty where that is the first, which needs none."""
        return self._query(self.number - 1).get("after", "") if self.number > 1 else ""

    @cached_property
    def links(self) -> list[tuple[int | str, Query | None]]:
        """(label, query) for Previous, the numbers and Next; no query where there is nothing to follow.

        The labels are "Previous", page numbers, "…" and "Next"; the current page has no query. Empty for one page.
        """
        if self.paginator.num_pages <= 1 and self.number == 1:
            return []
        return [
            ("Previous", self._query(self.number - 1) if self.number > 1 else None),
            *((label, None if label in (ELLIPSIS, self.number) else self._query(label)) for label in self._labels()),
            ("Next", self._query(self.number + 1) if self._is_more else None),
        ]

    def envelope(self, data: Sequence[Any] | None = None) -> dict[str, Any]:
        """The page as the API answers it; `data` instead of the rows as they are."""
        answer = {
            "data": list(self.object_list) if data is None else data,
            "total": self.total,
            "page": self.number,
            "per_page": self.per_page,
            "pages": self.paginator.num_pages,
        }
        if self.total_is_lower_bound:
            answer["total_is_lower_bound"] = True
        if self.next_after:
            answer["next"] = self.next_after
        return answer

    def _labels(self) -> Iterator[Any]:
        number = min(self.number, self.paginator.num_pages)
        for label in self.paginator.get_elided_page_range(number, on_each_side=2, on_ends=1):
            # The last page of a list nobody counted to its end has no number.
            if isinstance(label, str) or not self.total_is_lower_bound or label <= number + 2:
                yield label

    def _query(self, number: int) -> Query:
        """How page `number` is asked for: with a cursor where one is cheap to know."""
        cursor = self._cursor(number) if number > 1 else ""
        return {"page": number, "after": cursor} if cursor else {"page": number}

    def _cursor(self, number: int) -> str:
        near = self._source.near(number - self.number) if self.object_list else ""
        if near or self.total_is_lower_bound or number != self.paginator.num_pages:
            return near
        return self._source.cursor(END)


class _Source:
    """Where a page's rows come from, and the keys around it."""

    def __init__(
        self,
        rows: QuerySet[Any, Any],
        order: Sequence[str],
        columns: Sequence[str],
        per_page: int,
        *,
        total: int | None,
        more_than: int | None,
    ) -> None:
        self.order = Order(rows, order)
        self.plain = rows
        self.rows, self._key_of, self._strip = _keyed(rows.values_list(*columns) if columns else rows, self.order.names)
        self.per_page = per_page
        known = total if more_than is None else more_than
        counted = _count(rows) if known is None else known
        self.is_lower_bound = more_than is not None or (total is None and counted > COUNT_MAX)
        self.total = counted if known is not None else min(counted, COUNT_MAX)
        self.pages = max(1, -(-self.total // per_page))
        self.groups: Callable[[], Groups] = tuple
        self.first_key: Key = ()
        self.last_key: Key = ()

    def cursor(self, kind: str, key: Key = ()) -> str:
        """Signed text for a place in this order."""
        return self.order.encode(Cursor(kind, key))

    def near(self, step: int) -> str:
        """The cursor of the page `step` pages on, for one or two pages forwards or back; else empty."""
        if abs(step) == 1:
            return self.cursor(AFTER, self.last_key) if step > 0 else self.cursor(BEFORE, self.first_key)
        if abs(step) != 2:
            return ""
        keys = self._behind if step < 0 else self._ahead
        if len(keys) < self.per_page:
            return ""
        return self.cursor(AFTER, keys[-1]) if step > 0 else self.cursor(BEFORE, keys[0])

    @cached_property
    def _ahead(self) -> list[Key]:
        return self._keys(self.last_key, backwards=False)

    @cached_property
    def _behind(self) -> list[Key]:
        return self._keys(self.first_key, backwards=True)

    def _keys(self, key: Key, *, backwards: bool) -> list[Key]:
        """The keys of the page beside this one."""
        rows = self.plain.values_list(*self.order.names)
        return self.order.take(rows, self.per_page, key=key, backwards=backwards)

    def read(self, number: int, cursor: Cursor | None) -> SeekPage:
        """The page that `cursor` points at, or page `number` counted from the start."""
        if cursor is None:
            return self._counted(number) if number > 1 else self._forward(1, ())
        if cursor.kind == AFTER:
            return self._forward(number, cursor.key)
        return self._from_end(number) if cursor.kind == END else self._backward(number, cursor.key)

    def _forward(self, number: int, key: Key) -> SeekPage:
        return self._page(number, self.order.take(self.rows, self.per_page + 1, key=key))

    def _backward(self, number: int, key: Key) -> SeekPage:
        found = self.order.take(self.rows, self.per_page, key=key, backwards=True)
        if len(found) < self.per_page:  # rows before it have gone: this is the first page now
            return self._forward(1, ())
        return self._page(number, found, is_more=True)

    def _from_end(self, number: int) -> SeekPage:
        if self.is_lower_bound:
            return self._page(number, self.order.take(self.rows, self.per_page, backwards=True))
        left_over = self.total - (self.pages - 1) * self.per_page
        return self._page(self.pages, self.order.take(self.rows, left_over, backwards=True))

    def _counted(self, number: int) -> SeekPage:
        """A bare page number: keys are skipped, not whole rows."""
        if number > self.pages and not self.is_lower_bound:
            return self._page(number, [])
        before = self.order.key_at(self.plain, (number - 1) * self.per_page - 1, self.groups())
        return self._forward(number, before) if before else self._page(number, [])

    def _page(self, number: int, found: list[Any], *, is_more: bool = False) -> SeekPage:
        """The page of `found`, of which one row too many tells that there is a next page."""
        rows = found[: self.per_page]
        is_more = is_more or len(found) > self.per_page
        if rows:
            self.first_key, self.last_key = self._key_of(rows[0]), self._key_of(rows[-1])
        pages = max(self.pages, number + is_more) if rows else self.pages
        paginator = SeekPaginator(rows, self.per_page, self.total, pages)
        return SeekPage([self._strip(row) for row in rows], number, paginator, self, is_more=is_more)


def paginate(
    rows: QuerySet[Any, Any],
    *,
    order: Sequence[str],
    columns: Sequence[str] = (),
    page: int = 1,
    per_page: int = 50,
    after: str = "",
    total: int | None = None,
    more_than: int | None = None,
    groups: Callable[[], Groups] = tuple,
    clamp: bool = False,
) -> SeekPage:
    """Page `page` of `rows` (of models, values() or values_list()) sorted by `order` (see perf.keyset.Order).

    With `columns` each row of the page is a tuple of these; what only they need is joined neither to count nor to
    skip, as it would be if `rows` named them. `after` is the cursor a link carried; one that is forged or from
    another order is ignored. `total` spares the count where a counter knows it, `more_than` where it is known that
    there are more, and so many are all that is told; `groups`, asked for a page by its bare number, spares nearly all
    that would be skipped. Past the end the page is empty, or the last one with `clamp`.
    """
    source = _Source(rows, order, columns, per_page, total=total, more_than=more_than)
    source.groups = groups
    cursor = source.order.decode(after) if after and page > 1 else None
    found = source.read(page, cursor)
    if clamp and not found.object_list and found.number > 1:
        return source.read(source.pages, Cursor(END))
    return found


def _count(rows: QuerySet[Any, Any]) -> int:
    """How many rows there are, counted to one more than COUNT_MAX."""
    return rows.order_by()[: COUNT_MAX + 1].count()


def _keyed(
    rows: QuerySet[Any, Any], names: list[str]
) -> tuple[QuerySet[Any, Any], Callable[[Any], Key], Callable[[Any], Any]]:
    """`rows` with the columns of their order, a function that gives a row's key, and one that takes the extra out."""
    shape, fields = rows._iterable_class, tuple(rows._fields or ())  # type: ignore[attr-defined]  # not in the stubs
    if issubclass(shape, ModelIterable):
        return rows, lambda row: tuple(_value(row, name) for name in names), lambda row: row
    missing = [name for name in names if name not in fields]
    if shape is ValuesIterable and fields:
        return (
            rows.values(*fields, *missing),
            lambda row: tuple(row[name] for name in names),
            lambda row: {name: row[name] for name in fields},
        )
    if shape is ValuesListIterable and fields:
        places = [(*fields, *missing).index(name) for name in names]
        return (
            rows.values_list(*fields, *missing),
            lambda row: tuple(row[place] for place in places),
            itemgetter(slice(len(fields))),
        )
    raise ValueError("paginate() takes rows of models, or values() or values_list() that name their columns")


def _value(row: Any, name: str) -> Any:
    for step in name.split("__"):
        row = getattr(row, step)
    return row
