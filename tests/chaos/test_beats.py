"""Three beats at once, as when a second host starts one by mistake: all they ask for is done once."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.contrib.sessions.models import Session

from perf import clock
from project.models import AuditEntry
from scraping import ledger
from scraping.models import Alert, ScrapeJob, ScrapeRun
from snapshots.exports.asking import ask
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, State
from tests import factories
from workitems.models import Document, Notice, WorkItem
from workitems.models.notices import Event
from workitems.workflow import Status

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
BEATS, SECONDS, SESSIONS = 3, 60, 1_500
ASKED = {name: entry for name, entry in current_app.conf.beat_schedule.items() if name != "dispatch"}
"""Everything but what says that beat lives."""


@pytest.fixture
def world() -> None:
    """Something to plan, to alert, to tell, to write and to delete."""
    for _ in range(5):
        factories.account("flickr")
    with clock.shifted(-timedelta(hours=2)):
        ledger.beat("beat")
    editor = factories.user("editor", email="editor@example.org")
    ask("csv", ExportFilters(), editor, compressed=False)
    item = factories.item()
    WorkItem.objects.filter(pk=item.pk).update(status=Status.COMPLETED_REVIEW)
    Document.objects.promise(item)
    told = {"channel": Notice.Channel.MAIL, "address": "crew@example.org", "recipient": item.submitter}
    told["due_at"] = clock.now()
    Notice.objects.bulk_create(Notice(work_item=item, event=Event.COMMENTED, words=f"{n}", **told) for n in range(5))
    over = clock.now() - timedelta(days=1)
    Session.objects.bulk_create(Session(session_key=f"over{n}", expire_date=over) for n in range(SESSIONS))


def test_what_three_beats_ask_for_happens_once(world: None, worker: Any, tmp_path: Path) -> None:
    mail = {"EMAIL_URL": f"filemail:///{tmp_path / 'mail'}"}
    running = worker(concurrency=BEATS, MEDIA_ROOT=str(tmp_path), FAKE_PLATFORMS_URL="http://127.0.0.1:9", **mail)
    for entry in ASKED.values():
        for _ in range(BEATS):
            current_app.send_task(entry["task"], **entry["options"] | {"expires": SECONDS})
    deadline = time.monotonic() + SECONDS
    while (told := running.output()).count(" succeeded in ") < BEATS * len(ASKED):
        assert " raised " not in told, told
        assert time.monotonic() < deadline, told
        time.sleep(0.2)
    assert " raised " not in told
    assert (ScrapeRun.objects.count(), ScrapeJob.objects.count()) == (1, 5)
    assert Alert.objects.filter(kind=Alert.Kind.SILENT, key="beat").count() == 1
    sent = "".join(path.read_text() for path in (tmp_path / "mail").iterdir())
    assert Counter(line for line in sent.splitlines() if line.startswith("To: ")) == {
        "To: crew@example.org": 5,
        "To: editor@example.org": Alert.objects.count(),
    }
    assert ExportJob.objects.get().state == State.DONE
    assert len(list((tmp_path / "exports").iterdir())) == 1
    assert Document.objects.exclude(made_at=None).count() == 1
    assert len(list((tmp_path / "documents").iterdir())) == 1
    pruned = AuditEntry.objects.filter(action="retention.pruned").values_list("detail", flat=True)
    assert sum(entry["sessions"] for entry in pruned) == SESSIONS
    assert not Session.objects.filter(expire_date__lt=clock.now()).exists()
