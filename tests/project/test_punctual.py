"""Beat, senders and takers of messages go by the broker's clock, and none of them stands still when one is put back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from celery.worker.state import revoked
from django.conf import settings as project_settings
from django.utils import timezone

from project.broker_time import ASKED_EVERY, BrokerTime
from project.celery import Application, app
from project.embedded import free_port
from project.punctual import Request, Scheduler

START = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
STEPS = [timedelta(hours=1), -timedelta(hours=1), DAY, -DAY]


class Beat:
    """A scheduler whose clock a test turns; `sent` counts the tasks that it sent."""

    def __init__(self, folder: Path) -> None:
        self.at = START
        self.sent: Counter[str] = Counter()
        self.folder = folder

    def start(self) -> None:
        """As beat does, from what the last one kept."""
        self.scheduler = Scheduler(app=app, schedule_filename=str(self.folder / "schedule"))
        cast(Any, self.scheduler).apply_entry = lambda entry, producer=None: self.sent.update([entry.name])

    def run(self, seconds: int) -> Counter[str]:
        """What it sends in so many seconds."""
        self.sent.clear()
        for _ in range(seconds):
            while not self.scheduler.tick():
                pass
            self.at += timedelta(seconds=1)
        return Counter(self.sent)


@pytest.fixture
def beat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Beat]:
    made = Beat(tmp_path)
    monkeypatch.setattr(Application, "now", lambda self: made.at.astimezone(self.timezone))
    made.start()
    yield made
    made.scheduler.close()


@pytest.mark.parametrize("step", STEPS)
def test_step_of_the_clock_holds_back_no_entry_and_sends_none_twice(beat: Beat, step: timedelta) -> None:
    beat.run(600)
    steady = beat.run(600)
    beat.at += step
    after = beat.run(602)  # the longest of them begins anew
    assert after.keys() >= steady.keys()
    late = {name: many - steady[name] for name, many in after.items() if name in steady}
    assert all(-1 <= more <= 1 for more in late.values()), late


def test_clock_that_is_put_back_while_no_beat_runs_holds_back_none_either(beat: Beat) -> None:
    beat.run(600)
    beat.scheduler.close()
    beat.at -= DAY
    beat.start()
    assert beat.run(30)["dispatch"] >= 2


@pytest.mark.parametrize(("year", "left", "is_late"), [(2020, 10, False), (2090, -10, True)])
def test_message_is_too_late_by_the_broker_and_not_by_the_worker(
    year: int, left: int, is_late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime(year, 1, 1, tzinfo=UTC)  # the worker's own clock says another day
    monkeypatch.setattr(Application, "now", lambda self: now)
    message = SimpleNamespace(expires=now + timedelta(seconds=left), id="punctual")
    assert bool(Request.maybe_expire(cast(Request, message))) is is_late
    assert ("punctual" in revoked) is is_late
    revoked.discard("punctual")


def test_worker_takes_messages_so() -> None:
    assert app.tasks["scraping.tasks.dispatch"].Request == "project.punctual:Request"
    assert app.conf.beat_scheduler == "project.punctual:Scheduler"


Stepped = Callable[[timedelta], None]


@pytest.fixture
def step_of_ours(monkeypatch: pytest.MonkeyPatch) -> Stepped:
    """Puts this machine's clock wrong."""
    real = timezone.now
    return lambda by: monkeypatch.setattr(timezone, "now", lambda: real() + by)


@pytest.mark.parametrize("step", STEPS)
def test_wrong_clock_of_ours_does_not_move_the_brokers(step_of_ours: Stepped, step: timedelta) -> None:
    before = timezone.now()
    step_of_ours(step)
    assert abs(BrokerTime(project_settings.BROKER_URL).now() - before) < timedelta(minutes=1)


def test_without_a_broker_its_last_answer_goes_on(monkeypatch: pytest.MonkeyPatch, step_of_ours: Stepped) -> None:
    gone = BrokerTime(f"redis://127.0.0.1:{free_port()}/0")
    assert abs(gone.now() - timezone.now()) < timedelta(seconds=5), "our own clock, until it has answered"
    known = BrokerTime(project_settings.BROKER_URL)
    before = known.now()
    monkeypatch.setattr(known, "_client", gone._client)
    monkeypatch.setattr(known, "_asked_at", -ASKED_EVERY)
    step_of_ours(DAY)
    assert timedelta(0) <= known.now() - before < timedelta(minutes=1)
