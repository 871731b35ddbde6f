from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.http import HttpResponse, StreamingHttpResponse

from perf.cache.keys import Family
from perf.cache.reading import cached
from perf.cache.writing import forget
from project import seats
from project.bodies import UNREAD
from project.seats import Seated

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    """The process id of the server's side of this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if connection.vendor == "postgresql" else "SELECT 1")
        return int(cursor.fetchone()[0])


def in_a_thread(application: Any) -> Any:
    """The answer to one request by a thread that never came before, read to its end."""
    found: list[Any] = []

    def run() -> None:
        response = application({}, None)
        try:
            found.extend(response)
        finally:
            getattr(response, "close", bool)()
            left.append(len(connections.all(initialized_only=True)))

    left: list[int] = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert left == [0], "the thread kept a connection"
    return b"".join(found).decode()


def test_threads_share_the_connections_of_the_seats() -> None:
    seated = Seated(lambda environ, start: HttpResponse(f"{backend()} {id(connections['default'])}"), count=1)
    assert len({in_a_thread(seated) for _ in range(5)}) == 1
    shut(seated)


def test_no_more_are_answered_at_once_than_there_are_seats() -> None:
    together: list[int] = []
    inside, lock = [0], threading.Lock()
    gate = threading.Barrier(2, timeout=10)

    def work(environ: Any, start: Any) -> list[bytes]:
        with lock:
            inside[0] += 1
            together.append(inside[0])
        gate.wait()  # opens for two at once: both seats are used
        with lock:
            inside[0] -= 1
        return [b""]

    seated = Seated(work, count=2)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: seated({}, None), range(12)))  # type: ignore[arg-type]
    assert max(together) == 2


def test_who_asks_whether_the_process_lives_waits_for_no_seat() -> None:
    seated = Seated(lambda environ, start: HttpResponse("ok"), count=0)
    assert seated({"PATH_INFO": "/healthz"}, None) == [b"ok"]  # type: ignore[arg-type]  # it is not called


def test_who_waits_too_long_for_a_seat_is_refused_and_nobody_works_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "PATIENCE", 0.01)
    seated = Seated(lambda environ, start: HttpResponse(str(environ[UNREAD])), count=0)
    assert seated({}, None) == [b"503"]  # type: ignore[arg-type]  # it is not called


def test_refusal_of_an_unread_body_waits_for_no_seat() -> None:
    seated = Seated(lambda environ, start: HttpResponse(str(environ[UNREAD])), count=0)
    assert seated({UNREAD: 411}, None) == [b"411"]  # type: ignore[arg-type]  # it is not called


def test_stream_gives_its_seat_back_and_closes_its_own_connection() -> None:
    def parts(first: int) -> Iterator[str]:
        yield f"{first == backend()} "
        yield in_a_thread(seated)

    answers = [lambda: HttpResponse("other"), lambda: StreamingHttpResponse(parts(backend()))]
    seated = Seated(lambda environ, start: answers.pop()(), count=1)
    assert in_a_thread(seated) == "True other"
    shut(seated)


def test_marks_of_a_refused_form_go_with_its_request() -> None:
    family = Family("seats", 60)

    def refused(environ: Any, start: Any) -> HttpResponse:
        with transaction.atomic():
            forget(family)
            transaction.set_rollback(True)
        return HttpResponse("refused")

    seated = Seated(refused, count=1)
    in_a_thread(seated)
    shut(seated)
    cached(family, "a", lambda: b"1")
    assert cached(family, "a", lambda: b"2").value == b"1"


def test_no_seat_is_lost_where_its_end_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("the marks")

    seated = Seated(lambda environ, start: HttpResponse(str(backend())), count=1)
    with monkeypatch.context() as patched:
        patched.setattr(seats, "settle", fail)
        with pytest.raises(ValueError, match="the marks"):
            seated({}, None)  # type: ignore[arg-type]  # it is not called
    assert connections.all(initialized_only=True) == []
    assert seated._free.qsize() == 1
    assert in_a_thread(seated)
    shut(seated)


def shut(seated: Seated) -> None:
    """Close what the seats keep."""
    while not seated._free.empty():
        seat = seated._free.get()
        for kept in seat._kept.values():
            kept.close()
