"""New items are stored once, however often their form arrives."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from workitems.editing import edit
from workitems.models import WorkItem
from workitems.numbers import NumberTaken
from workitems.sending import SentBefore, send

pytestmark = pytest.mark.django_db

WORDS = {"number": "", "location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal", "ofm": ""}


@pytest.mark.both_dbs
def test_a_form_that_arrives_twice_is_one_item_and_is_told_once(mark, events):
    first = send(WORDS, by=mark, key="abc")
    assert send(WORDS, by=mark, key="abc") == first
    assert (first.number, first.version) == ("DRAFT_0020", 1)
    assert [each[1:3] for each in events if each[1] == "workitems.submit"] == [("workitems.submit", "DRAFT_0020")]
    assert send(WORDS, by=mark).number == "DRAFT_0021"


def test_the_same_key_of_somebody_else_is_another_item(mark, art):
    assert send(WORDS, by=mark, key="abc") != send(WORDS, by=art, key="abc")


def test_a_late_repetition_is_known_by_the_words_that_it_had_then(mark, dana):
    item = send(WORDS, by=mark, key="abc")
    edit(item, {"detail": "Replace seal and gasket"}, by=dana, version=1)
    edit(item, {"detail": "Replace all"}, by=dana, version=2)
    assert send(WORDS, by=mark, key="abc").detail == "Replace all"


def test_other_words_under_the_key_of_a_stored_form_are_refused_not_lost(mark):
    item = send(WORDS, by=mark, key="abc")
    with pytest.raises(SentBefore, match="stored as DRAFT_0020 already, with other words") as raised:
        send(WORDS | {"detail": "Something else"}, by=mark, key="abc")
    assert (raised.value.existing, WorkItem.objects.get().detail) == (item, "Replace the seal")


def test_a_taken_number_is_refused_and_the_item_there_stays(mark, art):
    send(WORDS | {"number": "0101"}, by=art)
    with pytest.raises(NumberTaken) as raised:
        send(WORDS | {"number": "0101", "detail": "Mine"}, by=mark, key="abc")
    assert type(raised.value) is NumberTaken
    assert WorkItem.objects.get().detail == "Replace the seal"


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_dbs
@pytest.mark.parametrize("number", ["", "0101"])
def test_a_form_that_arrives_four_times_at_once_is_one_item(mark, number):
    stored, start = [], threading.Barrier(4)

    def arrive():
        start.wait()
        stored.append(send(WORDS | {"number": number}, by=mark, key="abc").pk)
        connection.close()

    threads = [threading.Thread(target=arrive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored) == 4
    assert len({*stored}) == WorkItem.objects.count() == 1
