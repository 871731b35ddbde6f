"""Looks at each ended request and task: which of its queries were slow, which ran again and again."""

from __future__ import annotations

import linecache
from collections import defaultdict
from collections.abc import Iterator, Sequence
from time import perf_counter

from perf import clock, flushing, recording, traces
from perf.conf import setting
from perf.crowds import Span
from perf.findings.catalogue import CATALOGUE, Run, prune
from perf.findings.relations import Before, advice
from perf.places import Place
from perf.queries import REPEATED
from perf.statements import Statement, statement
from perf.traces import QueryCall, Trace

BEFORE_MAX = 50  # queries that are looked at for the one whose rows are looped over
SHED = "findings.shed"
PRUNED_EVERY = 86_400.0  # seconds

_VERBS = ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")


def observe(trace: Trace, seconds: float) -> None:
    """Receive every ended request or task; what is neither slow nor repeated costs a comparison per query."""
    queries = trace.queries
    slow = setting("SLOW_QUERY_THRESHOLD")
    for call in queries:
        if call.seconds > slow:
            _note_slow(trace, call, seconds)
    if len(queries) >= REPEATED and _may_repeat(queries):
        for first, calls in _repeated(queries):
            _note_repeated(trace, first, calls, seconds)


def _may_repeat(queries: Sequence[QueryCall]) -> bool:
    """Whether so many line numbers coincide that one line may have asked REPEATED times: most requests end here."""
    return len(queries) - len({call.place.line for call in queries}) >= REPEATED - 1


def _note_slow(trace: Trace, call: QueryCall, seconds: float) -> None:
    found, place = statement(str(call.sql)), str(call.place)
    run = Run(trace.what, place, call.place.function, call.seconds, 1, seconds, trace.count)
    if not CATALOGUE.note(found, run):
        recording.count(SHED)
        return
    labels = {"query": found.digest, "route": trace.what, "place": place}
    recording.record("query.slow", call.seconds, **labels)
    if call.is_kept:
        return
    began = clock.now().timestamp() - perf_counter() + trace.began + call.started
    recording.ran("query.crowd", Span(0, began, began + call.seconds), **labels)


def _repeated(queries: Sequence[QueryCall]) -> Iterator[tuple[int, list[QueryCall]]]:
    """Runs of one query from one line, REPEATED at least, each with the index of the first."""
    lines: defaultdict[Place, list[int]] = defaultdict(list)
    for number, call in enumerate(queries):
        lines[call.place].append(number)
    for numbers in lines.values():
        if len(numbers) < REPEATED:
            continue
        shapes: defaultdict[str, list[int]] = defaultdict(list)
        for number in numbers:
            shapes[statement(str(queries[number].sql)).digest].append(number)
        for same in shapes.values():
            if len(same) >= REPEATED and str(queries[same[0]].sql).lstrip()[:6].upper().startswith(_VERBS):
                yield same[0], [queries[number] for number in same]


def _note_repeated(trace: Trace, first: int, calls: list[QueryCall], seconds: float) -> None:
    call = calls[0]
    found, place, times = statement(str(call.sql)), str(call.place), len(calls)
    run = Run(trace.what, place, call.place.function, max(c.seconds for c in calls), times, seconds, trace.count)
    advised = CATALOGUE.is_advised((found.digest, trace.what, place))
    mend = "" if advised else _advice(found, call.place, trace.queries[:first])
    if not CATALOGUE.note(found, run, mend):
        recording.count(SHED)
        return
    labels = {"query": found.digest, "route": trace.what, "place": place}
    recording.record("query.repeated", times, **labels)
    recording.record("query.repeated.seconds", sum(c.seconds for c in calls), **labels)


def _advice(found: Statement, place: Place, earlier: Sequence[QueryCall]) -> str:
    before = [Before(statement(str(call.sql)).shape, str(call.place)) for call in earlier[-BEFORE_MAX:]]
    return advice(found.shape, before, linecache.getline(place.file, place.line))


traces.ended.append(observe)
flushing.every(CATALOGUE.flush)
flushing.periodically("perf.queries", PRUNED_EVERY, prune)
