"""The queries that were slow or repeated and where they ran: known to this process, and kept in the database if it may.

How often and how long is recorded as series (`query.slow`, `query.repeated`); here is what a series cannot hold.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from django.db.models import Q

from perf import clock
from perf.models import KnownQuery, QueryPlace, QueryPlan
from perf.statements import Statement
from perf.storing import in_memory

PLACES_MAX = 1_000  # that one process knows; a place beyond them is shed until an old one is forgotten
ROWS_MAX = 2_000  # queries in the database; the longest unseen go first
PLANS_MAX = 10  # of one query
AGAIN = timedelta(minutes=10)  # so often it is written down that a known query still runs
FORGOTTEN_AFTER = timedelta(days=1)  # by a process that does not see it any more
KEPT_FOR = timedelta(days=30)  # in the database, since it last ran

Key = tuple[str, str, str]  # digest, route, place


@dataclass(frozen=True, slots=True)
class Run:
    """One request's or task's part in a query: its slowest run there in seconds, and how many `times` it ran."""

    route: str
    place: str
    function: str
    slowest: float
    times: int
    request: float
    queries: int


class Catalogue:
    """What one process knows. In memory mode it is all there is."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew: after a fork, what is known is the parent's to write, and its lock may be held for ever."""
        self._guard = Lock()
        self._queries: dict[str, KnownQuery] = {}
        self._places: dict[Key, QueryPlace] = {}
        self._due: set[Key] = set()
        self._plans: dict[str, list[QueryPlan]] = {}

    def is_advised(self, key: Key) -> bool:
        """Whether this process knows already what to do about the repeats at this place."""
        place = self._places.get(key)
        return place is not None and bool(place.advice)

    def note(self, statement: Statement, run: Run, advice: str = "") -> bool:
        """Take one run in; False where it is one place too many."""
        now, key = clock.now(), (statement.digest, run.route, run.place)
        with self._guard:
            place = self._places.get(key) or self._begin(statement, run, key)
            if place is None:
                return False
            query = self._queries[statement.digest]
            if place.last_at is None or now - place.last_at >= AGAIN:
                place.last_at = query.last_at = now
                self._due.add(key)
            if run.slowest > place.slowest:
                place.slowest, place.slowest_at = run.slowest, now
                place.request, place.queries = run.request, run.queries
                self._due.add(key)
            if run.times > max(place.times, 1):
                place.times, place.times_at = run.times, now
                place.advice = advice or place.advice
                self._due.add(key)
        return True

    def _begin(self, statement: Statement, run: Run, key: Key) -> QueryPlace | None:
        if len(self._places) >= PLACES_MAX:
            return None
        query = self._queries.get(statement.digest)
        if query is None:
            template = statement.template if statement.can_be_planned else ""
            query = KnownQuery(digest=statement.digest, shape=statement.shape, template=template)
            self._queries[statement.digest] = query
        place = QueryPlace(query=query, route=run.route[:200], place=run.place[:255], function=run.function[:200])
        self._places[key] = place
        self._due.add(key)
        return place

    def flush(self) -> None:
        """Write what is new or worse into the database; what could not be written stays due, until there are tables."""
        kept_here = in_memory()
        with self._guard:
            self._let_go()
            if kept_here:
                self._due &= self._places.keys()
                return
            due, self._due = sorted(self._due), set()
            places = [self._places[key] for key in due if key in self._places]
        if not places:
            return
        try:
            _write(places)
        except Exception:
            with self._guard:
                self._due.update(due)
            raise

    def _let_go(self) -> None:
        """Let go of what has not run for long; the guard is held."""
        old = clock.now() - FORGOTTEN_AFTER
        gone = {digest for digest, query in self._queries.items() if query.last_at < old}
        for digest in gone:
            del self._queries[digest]
            self._plans.pop(digest, None)
        if gone:
            self._places = {key: place for key, place in self._places.items() if key[0] not in gone}

    def found(self, digests: Iterable[str]) -> dict[str, tuple[KnownQuery, list[QueryPlace]]]:
        """Each of `digests` that is known, with its places."""
        wanted = set(digests)
        if not in_memory():
            rows = KnownQuery.objects.for_list(sorted(wanted))
            return {query.pk: (query, list(query.places.all())) for query in rows}
        with self._guard:
            places = [place for key, place in self._places.items() if key[0] in wanted]
            return {
                digest: (query, [place for place in places if place.query is query])
                for digest, query in self._queries.items()
                if digest in wanted
            }

    def plans(self, query: KnownQuery) -> list[QueryPlan]:
        """The plans of `query`, the newest first."""
        if in_memory():
            return list(self._plans.get(query.pk, ()))
        return list(QueryPlan.objects.filter(query=query).order_by("-at", "-pk")[:PLANS_MAX])

    def keep_plan(self, plan: QueryPlan) -> None:
        """Keep one more plan of a query, and no more than PLANS_MAX."""
        if in_memory():
            with self._guard:
                self._plans[plan.query_id] = [plan, *self._plans.get(plan.query_id, ())][:PLANS_MAX]
            return
        plan.save()
        kept = [one.pk for one in self.plans(plan.query)]
        QueryPlan.objects.filter(query=plan.query).exclude(pk__in=kept).delete()


def _write(places: list[QueryPlace]) -> None:
    """Insert what is missing, then raise what is worse: each row by a statement of its own, so that no two wait."""
    queries = {place.query_id: place.query for place in places}
    KnownQuery.objects.bulk_create(queries.values(), ignore_conflicts=True)
    QueryPlace.objects.bulk_create([_copy(place) for place in places], ignore_conflicts=True)
    for query in queries.values():
        KnownQuery.objects.filter(pk=query.pk).last_before(query.last_at).update(last_at=query.last_at)
    for place in places:
        own = QueryPlace.objects.filter(query_id=place.query_id, route=place.route, place=place.place)
        own.filter(slowest__lt=place.slowest).update(
            slowest=place.slowest, slowest_at=place.slowest_at, request=place.request, queries=place.queries
        )
        seen = place.last_at or place.query.last_at
        own.last_before(seen).update(last_at=seen)
        own.filter(times__lt=place.times).update(times=place.times, times_at=place.times_at, advice=place.advice)


def _copy(place: QueryPlace) -> QueryPlace:
    """The place as a row of its own: what is in memory never gets a primary key."""
    names = [one.attname for one in QueryPlace._meta.concrete_fields if not one.primary_key]
    return QueryPlace(**{name: getattr(place, name) for name in names})


def prune() -> None:
    """Delete what has not run for KEPT_FOR, and the longest unseen beyond ROWS_MAX."""
    if in_memory():
        return
    old = clock.now() - KEPT_FOR
    KnownQuery.objects.last_before(old).delete()
    beyond = KnownQuery.objects.order_by("-last_at", "pk").values_list("pk", flat=True)[ROWS_MAX:]
    KnownQuery.objects.filter(pk__in=list(beyond)).delete()
    QueryPlace.objects.last_before(old).filter(
        Q(slowest_at=None) | Q(slowest_at__lt=old), Q(times_at=None) | Q(times_at__lt=old)
    ).delete()


CATALOGUE = Catalogue()
os.register_at_fork(after_in_child=CATALOGUE.forget)
