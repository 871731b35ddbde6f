"""The page of exports, read and used without JavaScript."""

from __future__ import annotations

import datetime as dt
from time import monotonic
from typing import Any

import pytest
from django.test import Client

from perf import clock
from snapshots.exports import files, writing
from snapshots.exports.jobs import ExportJob, State
from tests import factories
from tests.snapshots.exports.conftest import Day

pytestmark = pytest.mark.django_db

PAGE = "/exports/"
ASKED = {"format": "csv", "days": "all"}


def page(client: Client, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_export_is_started_followed_fetched_and_deleted(
    viewer: Client, a_day: Day, django_capture_on_commit_callbacks: Any
) -> None:
    a_day(followers=7)
    assert "No exports yet" in page(viewer)
    assert viewer.post(f"{PAGE}start/", ASKED | {"q": "cdc"})["Location"] == PAGE
    waiting = page(viewer)
    assert "waiting" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert ">Cancel</button>" in waiting
    writing.write_some(monotonic() + 10)
    ready = viewer.get(f"{PAGE}live/").content.decode()
    assert "ready" in ready
    assert "every 2s" not in ready
    job = ExportJob.objects.get()
    answer: Any = viewer.get(f"{PAGE}{job.pk}/file/", headers={"range": "bytes=-9"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b",7,,,,,\r\n"[-9:])
    with django_capture_on_commit_callbacks(execute=True):
        viewer.post(f"{PAGE}{job.pk}/delete/")
    assert "The export was deleted." in page(viewer)
    assert list(files.folder().iterdir()) == []


def test_progress_speed_and_time_left_are_shown(viewer: Any) -> None:
    began = clock.now() - dt.timedelta(seconds=10)
    far = {"rows": 5_000, "total": 20_000, "size": 1_000_000, "state": State.RUNNING}
    ExportJob.objects.create(owner=viewer.user, kind="json", started_at=began, updated_at=clock.now(), **far)
    shown = page(viewer)
    for words in ('value="25"', "5,000", "of at most 20,000", "500 rows a second", "about 0:30 left"):
        assert words in shown


def test_what_went_wrong_is_told(viewer: Any) -> None:
    over = {"ended_at": clock.now(), "total": 1, "kind": "csv", "owner": viewer.user}
    ExportJob.objects.create(state=State.FAILED, error="The server's disk is full.", **over)
    ExportJob.objects.create(state=State.EXPIRED, filters={"tag": ["flu", "kids"], "from": "2026-01-01"}, **over)
    shown = page(viewer)
    assert "from 1 Jan 2026 · tagged flu and kids" in shown
    assert "The server&#x27;s disk is full." in shown
    assert "kept for 24 hours" in shown


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"since": "2026-02-01", "until": "2026-01-01"}, "“from” is after “to”. Nothing was started."),
        ({"format": "xls"}, "xls is not one of the available choices"),
        ({"q": "a\x00"}, "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_meant_is_told_and_starts_nothing(viewer: Client, wrong: dict[str, str], told: str) -> None:
    answer = viewer.post(f"{PAGE}start/", ASKED | wrong)
    assert (answer.status_code, told in answer.content.decode()) == (400, True)
    assert not ExportJob.objects.exists()


def test_only_an_export_that_can_be_meant_counts(viewer: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {"exports": (1, 3600)}
    sent = [ASKED | {"format": "xls"}, ASKED, ASKED | {"format": "xls"}, ASKED]
    assert [viewer.post(f"{PAGE}start/", fields).status_code for fields in sent] == [400, 302, 400, 429]


def test_a_third_export_is_refused_with_a_sentence(viewer: Client) -> None:
    for kind in ("csv", "json", "ndjson"):
        answer = viewer.post(f"{PAGE}start/", ASKED | {"format": kind})
    assert answer.status_code == 400
    assert "You have 2 exports under way." in answer.content.decode()


def test_the_list_of_accounts_leads_to_an_export_of_what_it_shows(viewer: Client, a_day: Day) -> None:
    a_day()
    shown = viewer.get("/accounts/?q=cdc&page=1&sort=-handle").content.decode()
    assert f'href="{PAGE}?q=cdc&amp;active=true"' in shown
    form = page(viewer, "?q=cdc&active=true&core=0&tag=a&tag=b&from=2026-11-01")
    for words in ('name="q" value="cdc"', 'value="true" selected', 'value="false" selected', 'value="a; b"'):
        assert words in form
    assert 'value="2026-11-01"' in form


def test_nobody_else_fetches_or_deletes_an_export(viewer: Any) -> None:
    job = ExportJob.objects.create(owner=factories.user("viewer"), kind="csv", total=1)
    assert viewer.get(f"{PAGE}{job.pk}/file/").status_code == 404
    assert viewer.post(f"{PAGE}{job.pk}/delete/").status_code == 404
    assert ExportJob.objects.exists()
