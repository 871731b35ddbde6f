"""Every table says how long its rows are kept or why they do not pile up, and one command deletes what is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Barrier
from time import monotonic
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection

from perf import clock, expiring
from project import retention
from project.backups.rows import stored_models
from project.models import AccessToken, AuditEntry, Invitation
from tests import factories

pytestmark = pytest.mark.django_db
DOCUMENTED = Path("docs/operations.md").read_text()


def test_every_table_says_how_long_its_rows_are_kept() -> None:
    expires = {kind.rows.model._meta.label for kind in expiring.expired()}
    stays = set(expiring.kept())
    assert {model._meta.label for model in stored_models(apps)} == expires | stays
    assert not expires & stays
    assert all(expiring.kept().values())


def test_what_is_kept_is_documented_with_its_days() -> None:
    section = DOCUMENTED.partition("## What is kept")[2].partition("\n## ")[0]
    for kind in expiring.expired():
        assert f"| {kind.name} | {kind.days or 'as they say'}" in section


@pytest.mark.both_dbs
def test_traces_of_people_go_when_they_are_over() -> None:
    user, now = factories.user(), clock.now()
    for days in (1, 89, 91, 401):
        at = now - timedelta(days=days)
        Session.objects.create(session_key=f"over {days}", expire_date=at)
        Session.objects.create(session_key=f"open {days}", expire_date=now + timedelta(days=days))
        for model in (AccessAttempt, AccessLog):
            made = model.objects.create(username="x", **({"failures_since_start": 1} if model is AccessAttempt else {}))
            model.objects.filter(pk=made.pk).update(attempt_time=at)
        Invitation.objects.create(role="crew", hash=str(days), expires_at=at)
        AccessToken.objects.make(user, str(days), "read", expires_at=at)
    AccessToken.objects.make(user, "works", "read")
    said = StringIO()
    call_command("prune", dry_run=True, stdout=said)
    assert "sessions: 4 that have run out\n" in said.getvalue()
    assert "sign-ins: 2 older than 90 days\n" in said.getvalue()
    assert Session.objects.count() == 8
    call_command("prune", stdout=said)
    assert set(Session.objects.values_list("session_key", flat=True)) == {f"open {days}" for days in (1, 89, 91, 401)}
    assert (AccessAttempt.objects.count(), AccessLog.objects.count(), Invitation.objects.count()) == (2, 2, 2)
    assert set(AccessToken.objects.values_list("name", flat=True)) == {"1", "89", "91", "works"}
    entry = AuditEntry.objects.get(action="retention.pruned")
    assert (entry.detail["sessions"], entry.detail["invitations"]) == (4, 2)


def test_a_round_that_deletes_nothing_leaves_no_record() -> None:
    retention.prune()
    assert not AuditEntry.objects.filter(action="retention.pruned").exists()


def test_the_task_of_beat_prunes_all_apps(monkeypatch: Any) -> None:
    from project import tasks

    Session.objects.create(session_key="over", expire_date=clock.now() - timedelta(days=1))
    tasks.prune()
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_that_prune_at_once_tell_of_every_row_once() -> None:
    over = clock.now() - timedelta(days=1)
    Session.objects.bulk_create(Session(session_key=f"over{n}", expire_date=over) for n in range(2_500))
    gate = Barrier(3)

    def prune(_: int) -> int:
        [sessions] = [kind for kind in retention.expired() if kind.name == "sessions"]
        try:
            gate.wait()
            return sessions.delete(monotonic() + 30)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(prune, range(3))) == 2_500
