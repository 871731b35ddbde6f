"""Celery's signals: how long each task waited and ran, what came of it, and its trace; connected where Celery is.

A message carries when it was sent, so the wait is from there, or from its ETA. What a time limit or the death of its
process ended is counted among the errors by the worker's main process, which does not know its queue any more.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime
from time import perf_counter
from typing import Any

from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery import signals

from perf import clock, flushing, traces
from perf.conf import setting
from perf.failures import labels_of
from perf.jobs import UNKNOWN
from perf.recording import count, record
from perf.traces import Trace

SENT_AT = "perf_sent_at"  # header of a message: seconds since 1970
OUTCOMES = {"SUCCESS": "ok", "FAILURE": "failed", "RETRY": "retried", None: "killed"}
_lost: deque[str] = deque(maxlen=100)  # ids of the last tasks that did not live to tell
INLINE, UNNAMED = "(inline)", "(unnamed)"


def connect() -> None:
    """Receive the signals of every task in every process; once is enough."""
    for signal, receive in (
        (signals.before_task_publish, _sent),
        (signals.task_prerun, _began),
        (signals.task_postrun, _ended),
        (signals.task_retry, _retried),
        (signals.task_failure, _failed),
        (signals.worker_process_shutdown, _leaving),
    ):
        signal.connect(receive, dispatch_uid=f"perf.{receive.__name__}")


def _sent(*, headers: dict[str, Any], **_: Any) -> None:
    headers[SENT_AT] = clock.now().timestamp()


def _began(*, task: Any, **_: Any) -> None:
    if not setting("ENABLE_MONITORING"):
        return
    request = task.request
    trace = Trace(task.name)
    request.perf_run = trace, traces.begin(trace)
    if (waited := _waited(request)) is not None:
        record("task.wait", waited, task=task.name, queue=_queue(request))


def _ended(*, task: Any, state: str | None = None, **_: Any) -> None:
    run = getattr(task.request, "perf_run", None)
    if run is None:  # nothing is measured, or another receiver of task_prerun raised before ours came
        return
    trace, token = run
    seconds = perf_counter() - trace.began
    traces.end(token)
    trace.status = OUTCOMES.get(state) or str(state).lower()
    traces.tell(trace, seconds)
    record("task.run", seconds, task=task.name, queue=_queue(task.request), outcome=trace.status)


def _retried(*, request: Any, sender: Any, **_: Any) -> None:
    count("task.retries", task=sender.name, queue=_queue(request))


def _failed(*, sender: Any, task_id: str, exception: BaseException, **_: Any) -> None:
    """Count an error: of a task that ran to it here, or, told up to twice, of one that did not live to tell."""
    lost = isinstance(exception, TimeLimitExceeded | WorkerLostError)
    if lost and task_id not in _lost:
        _lost.append(task_id)
        count("task.errors", 1, task=sender.name, queue=UNKNOWN, **labels_of(exception))
    elif getattr(sender.request, "perf_run", None) is not None:
        count("task.errors", 1, task=sender.name, queue=_queue(sender.request), **labels_of(exception))


def _leaving(**_: Any) -> None:
    """Pass on what a child of a worker recorded: it ends without the interpreter's own end."""
    flushing.flush()


def _queue(request: Any) -> str:
    """The queue that the running message came through; its routing key, as it is where queues have no exchange."""
    delivery = request.delivery_info or {}
    return INLINE if request.called_directly or request.is_eager else str(delivery.get("routing_key") or UNNAMED)


def _waited(request: Any) -> float | None:
    """Seconds since the message was sent, or since its ETA; None where nobody said. Clocks of two hosts may differ."""
    sent = request.get(SENT_AT)
    if not isinstance(sent, int | float) or request.is_eager:
        return None
    due = datetime.fromisoformat(request.eta).timestamp() if request.eta else sent
    return max(clock.now().timestamp() - max(sent, due), 0.0)
