"""The day that `make load` lives: every act of every role works on the real server, and its report counts right."""

from __future__ import annotations

from random import Random

import pytest
from django.db import connection

from benchmarks import day
from benchmarks.browsing import Browser, Seen
from benchmarks.day import Day
from benchmarks.walks import ACTS, Person
from perf import clock
from snapshots.recording import Sighting, record
from tests import factories
from tests.workitems.photo_files import picture
from workitems.models import Photo, WorkItem


@pytest.mark.req("A87")
def test_every_act_of_every_role_is_answered(server) -> None:
    account = factories.account("x", "nasa")
    record([Sighting(account.pk, clock.today(), clock.now(), "simulated", followers=5)])
    factories.item(location="Galley")
    port, walked = int(server.url.rpartition(":")[2]), 0
    for role, acts in ACTS.items():
        user = factories.user(role)
        browser = Browser(port)
        person = Person(role, user.username, factories.PASSWORD, browser, Random(3), (picture(1300, 900),))
        assert person.sign_in()
        for act in acts:
            act(person)
        person.sign_out()
        # The server of tests has collected no static files.
        assert [seen for seen in browser.seen if seen.failed and seen.kind != "scripts and styles"] == []
        assert browser.api("signed out", "/api/summary").status == 401
        browser.close()
        walked += len(browser.seen)
    assert walked > 60
    connection.close()  # what the server wrote is there for this transaction too
    assert WorkItem.objects.count() == 3  # one by the form and one in pieces
    assert Photo.objects.exclude(size=0).count() >= 2
    assert len(set(Photo.objects.values_list("sha256", flat=True))) == Photo.objects.count()


def test_a_wrong_password_and_no_server_are_failures_not_answers() -> None:
    browser = Browser(1)  # nothing listens there
    assert browser.get("page", "/").status == 0
    (seen,) = browser.seen
    assert seen.failed
    assert not Seen("api", 0, 0.1, 409).failed
    assert not Seen("api", 0, 0.1, 304).failed
    assert Seen("api", 0, 0.1, 404).failed


@pytest.mark.req("A87")
def test_the_report_counts_what_was_seen_and_judges_it(capsys: pytest.CaptureFixture[str]) -> None:
    told = Day(started=100.0, seconds=60.0, scrape={"accounts": 99, "done": 99, "seconds": 7.0})
    told.seen += [Seen("API: grid", 101 + at, 0.010, 200, "HIT") for at in range(9)]
    told.seen += [Seen("API: grid", 120, 1.5, 200, "MISS"), Seen("page: overview", 150, 0.3, 500)]
    told.seen.append(Seen("decide about an item", 151, 0.1, 409))
    told.seen += [Seen("part: work items", 115, 0.1, 200, "MISS")] * 9  # judged apart
    told.memory += [(101.0, {"web": 100.0}), (151.0, {"web": 130.0, "worker": 90.0})]
    lines = list(day._lines(told))
    printed = capsys.readouterr().out
    assert "| API: grid | 10 | 0.17 | 10 | 1,500 | 1,500 | 1,500 | 90% | 0 | 0 |" in printed
    assert "| page: overview | 1 | 0.02 | 300 | 300 | 300 | 300 | – | 0 | 1 |" in printed
    assert "| decide about an item | 1 | 0.02 | 100 | 100 | 100 | 100 | – | 1 | 0 |" in printed
    assert "Failed after 50.0 s of 60: page: overview, 500" in printed
    assert "| 6 of 6 | 0.2 | 100 | 300 | 1 | 130 | 90 |" in printed
    verdicts = {line.case: line.met for line in lines if line.met is not None}
    assert verdicts == {
        "the day: API from the cache": True,
        "the day: API computed": False,
        "the day: pages": True,
        "the day: kept answers, figures": True,
        "the day: answers": False,
    }
