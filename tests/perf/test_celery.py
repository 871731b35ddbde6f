"""Tasks as Celery's signals tell them, from a real worker: waits, runs, retries, errors, and what did not live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from billiard.exceptions import TimeLimitExceeded
from celery.app.task import Context

from perf import clock, flushing, reading
from perf.celery import _began, _ended, _failed, _lost, _waited
from perf.jobs import jobs
from tests import processes
from tests.perf import tasks_of_a_test as tasks


@pytest.fixture
def worked(transactional_db: None) -> Iterator[None]:
    """A worker that was sent one message of each kind before it started, has worked them off and has stopped."""
    for task in (tasks.works, tasks.fails, tasks.tries_again):
        tasks.send(task)
    tasks.send(tasks.works, 0.2)
    tasks.send(tasks.hangs)
    command = ["-m", "celery", "-A", "tests.perf.tasks_of_a_test", "worker", "--loglevel", "info"]
    environment = processes.environment(PERF_FLUSH_SECONDS="0.3")  # what is killed passes nothing on any more
    worker = processes.start("worker", [*command, "--concurrency", "1", "-Q", tasks.QUEUE], environment)
    said = worker.wait_until(lambda: worker.output().count(" succeeded in ") == 3 and "Hard time" in worker.output())
    said.stop()
    yield
    worker.kill()


def test_every_end_of_a_task_is_told(worked: None) -> None:
    hour = reading.window("1h")
    runs = {tuple(labels): run for labels, run in reading.totals("task.run", hour).items()}
    ends = {(dict(labels)["task"], dict(labels)["outcome"]): run for labels, run in runs.items()}
    ends.pop(("hangs", "killed"), None)  # told where its process has time for it between SIGTERM and SIGKILL: 0.1 s
    assert {end: run.count for end, run in ends.items()} == {
        ("works", "ok"): 2,
        ("fails", "failed"): 1,
        ("tries-again", "retried"): 1,
        ("tries-again", "ok"): 1,
    }
    assert {dict(labels)["queue"] for labels in runs} == {tasks.QUEUE}
    assert ends["works", "ok"].most >= 0.2

    waits = {labels.get("task"): wait for labels, wait in reading.totals("task.wait", hour).items()}
    assert waits["works"].most > waits["tries-again"].least, "from its ETA, not from when it was sent"

    assert {labels.get("task"): many for labels, many in reading.counts("task.retries", hour).items()} == {
        "tries-again": 1
    }
    errors = {(one.get("task"), one.get("error")): many for one, many in reading.counts("task.errors", hour).items()}
    assert errors == {("fails", "ZeroDivisionError"): 1, ("hangs", "TimeLimitExceeded"): 1}


def test_a_task_run_inline_waited_for_nothing(db: None) -> None:
    tasks.works.apply()
    tasks.works()  # a plain call is no task
    flushing.flush()
    hour = reading.window("1h")
    (labels,) = reading.totals("task.run", hour, task="works")
    assert labels.get("queue") == "(inline)"
    assert reading.totals("task.wait", hour) == {}


def test_a_run_that_came_to_no_end_was_killed(db: None) -> None:
    tasks.works.push_request(called_directly=False, delivery_info={"routing_key": tasks.QUEUE})
    _began(task=tasks.works)
    _ended(task=tasks.works, state=None)
    tasks.works.pop_request()
    flushing.flush()
    (labels,) = reading.totals("task.run", reading.window("1h"), task="works")
    assert (labels.get("queue"), labels.get("outcome")) == (tasks.QUEUE, "killed")


@pytest.mark.parametrize("told_so_itself", [False, True])
def test_a_killed_run_counts_once_whether_or_not_it_told_so_itself(db: None, told_so_itself: bool) -> None:
    if told_so_itself:
        tasks.hangs.push_request(called_directly=False, delivery_info={"routing_key": tasks.QUEUE})
        _began(task=tasks.hangs)
        _ended(task=tasks.hangs, state=None)
        tasks.hangs.pop_request()
    _lost.clear()
    _failed(sender=tasks.hangs, task_id="hung", exception=TimeLimitExceeded())
    flushing.flush()
    assert sum(job.failed for job in jobs(reading.window("1h"))) == 1


def test_a_message_of_a_sender_that_told_no_time_has_no_wait() -> None:
    request = Context(id="1", called_directly=False)
    assert _waited(request) is None
    assert _waited(Context(perf_sent_at="soon")) is None
    assert _waited(Context(perf_sent_at=clock.now().timestamp() + 60)) == 0, "a clock that is ahead"
