"""Alerts: opened, kept and closed by looking at what is wrong now. Any number of processes may look at once."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta
from threading import Event
from typing import Any

from django.db import IntegrityError, connections, transaction

from perf import clock
from perf.events import happened
from scraping import heartbeats, notices, watching, wording
from scraping.models import Alert, AlertMute, Notice, Problem

FLAP = timedelta(minutes=10)  # an alert that comes back within this is the same one, and nobody is told again
EVERY = 60.0  # seconds between two looks
SHOWN_AS_CONDITIONS = (Alert.Kind.SILENT, Alert.Kind.DEAD_TOKEN)  # scraping.condition says these on its pages

logger = logging.getLogger(__name__)


def evaluate() -> None:
    """Open, keep and close alerts by what is wrong now; notices of it are written, not sent.

    A condition that cannot be computed leaves its alerts as they are and the others their turn; it rises at the end.
    """
    errors = []
    for kind, condition in watching.CONDITIONS.items():
        try:
            _settle(kind, list(condition()))
        except Exception as error:  # noqa: BLE001 - raised below, with all others
            errors.append(error)
    if errors:
        raise ExceptionGroup("alerts could not be evaluated", errors)


def _settle(kind: str, problems: Collection[Problem]) -> None:
    """Make the open alerts of `kind` those of `problems`."""
    for problem in problems:
        _stand(problem)
    for alert in Alert.objects.open().filter(kind=kind).exclude(key__in=[problem.key for problem in problems]):
        _close(alert)


@transaction.atomic
def _stand(problem: Problem) -> None:
    """Keep the open alert of `problem`, reopen one closed within FLAP, or open one and write its notices."""
    same = Alert.objects.filter(kind=problem.kind, key=problem.key)
    alert = same.open().first()
    if alert is not None:
        if alert.detail != problem.detail:
            Alert.objects.filter(pk=alert.pk).update(detail=problem.detail)
        return
    lately = same.closed().filter(closed_at__gt=clock.db_now(-FLAP)).select_for_update().first()
    try:
        with transaction.atomic():
            if lately is not None:
                Alert.objects.filter(pk=lately.pk).update(closed_at=None, detail=problem.detail)
                lately.notices.filter(event=Notice.Event.RECOVERED, sent_at=None).delete()
                return
            alert = Alert.objects.create(
                kind=problem.kind,
                key=problem.key,
                platform=problem.platform,
                detail=problem.detail,
                opened_at=clock.db_instant(),
            )
    except IntegrityError:
        return  # another process was faster
    logger.warning("alert: %s", wording.words(alert).title)
    notices.write_opened(alert)


@transaction.atomic
def _close(alert: Alert) -> None:
    """Close `alert`, unless another process did; word of it goes out once it has stayed closed for FLAP."""
    if Alert.objects.open().filter(pk=alert.pk).update(closed_at=clock.db_now()):
        logger.warning("alert over: %s", wording.words(alert).title)
        notices.write_recovered(alert, due_at=clock.db_now(FLAP))


def banners(but: Collection[str] = ()) -> list[tuple[Alert, wording.Words]]:
    """What is wrong now, oldest first, with its words, `but` for some kinds.

    Silence is looked for at once: nobody may be left to alert.
    """
    standing = list(Alert.objects.open().exclude(kind__in=but).order_by("opened_at", "id"))
    noticed = {alert.key for alert in standing if alert.kind == Alert.Kind.SILENT}
    quiet = {} if Alert.Kind.SILENT in but else heartbeats.silent(heartbeats.seen())
    fresh = [watching.silence(process, at) for process, at in quiet.items() if process not in noticed]
    standing += [Alert(kind=one.kind, key=one.key, detail=one.detail, opened_at=clock.now()) for one in fresh]
    return [(alert, wording.words(alert)) for alert in standing]


@transaction.atomic
def mute(user: Any, kind: str) -> None:
    """Send `user` no more mail about alerts of `kind`, recoveries included; pages and webhook go on."""
    AlertMute.objects.get_or_create(user=user, kind=kind)
    happened(user, "alerts.mute", kind)


@transaction.atomic
def unmute(user: Any, kind: str) -> None:
    """Send `user` mail about alerts of `kind` again."""
    AlertMute.objects.filter(user=user, kind=kind).delete()
    happened(user, "alerts.unmute", kind)


def watch() -> None:
    """Look whether all is well and tell those who have to know."""
    try:
        evaluate()
    finally:
        notices.send()


def watch_for_workers(stop: Event) -> None:
    """From within beat: look and tell while no worker is there to do it. Returns when `stop` is set."""
    while not stop.wait(EVERY):
        try:
            if "worker" in heartbeats.silent(heartbeats.seen()):
                watch()
        except Exception:
            logger.exception("beat could not look after the workers; it tries again in %g s", EVERY)
        finally:
            connections.close_all()
