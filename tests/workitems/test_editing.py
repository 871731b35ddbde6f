"""Changing words and people: against the version that was seen, told to whoever comes second."""

from __future__ import annotations

import threading

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from tests.workitems.conftest import draft
from workitems.deciding import Act, Wanted, decide
from workitems.editing import CREW_FIELDS, Conflict, assign, differences, edit, fields_of, send_again
from workitems.models import Revision, WorkItem
from workitems.numbers import NumberTaken
from workitems.workflow import Before, Status, TransitionRefused, move, submit, take_back

pytestmark = pytest.mark.django_db


def test_a_change_is_a_new_version_with_what_was_there_before(item, mark, events):
    edit(item, {"detail": "Replace seal and gasket", "ofm": ""}, by=mark, version=1)
    assert (item.version, item.detail, item.last_modified_by_name) == (2, "Replace seal and gasket", "Mark")
    assert Revision.objects.get().changes == {"detail": ["Replace the seal", "Replace seal and gasket"]}
    assert events[-1] == (mark, "workitems.edit", item.number, {"fields": ["detail"], "version": 2})


def test_nothing_different_is_no_version_even_from_an_old_one(item, mark):
    edit(item, {"detail": "New"}, by=mark, version=1)
    assert edit(item, {"detail": "New"}, by=mark, version=1).version == 2


def test_the_second_of_two_is_told_who_changed_what_and_stores_nothing(item, mark, dana):
    seen = WorkItem.objects.get()
    edit(item, {"location": "Deck 2"}, by=dana, version=1)
    with pytest.raises(Conflict) as raised:
        edit(seen, {"detail": "Mine"}, by=mark, version=1)
    current = raised.value.current
    assert (current.detail, current.location) == ("Replace the seal", "Deck 2")
    (told,) = differences(current, 1, mark)
    assert (told.label, told.before, told.after, told.by) == ("location", "Engine room", "Deck 2", "Dana")


def test_differences_name_steps_and_hide_internal_notes_from_the_crew(item, mark, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    move(item, Status.IN_REVIEW, by=dana, version=2)
    assert [each.label for each in differences(item, 1, mark)] == ["status"]
    assert [each.label for each in differences(item, 1, dana)] == ["internal notes", "status"]
    assert differences(item, 3, dana) == []


def test_a_change_is_stored_over_notes_that_its_writer_may_not_read(item, mark, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    stored = edit(item, {"detail": "The aft seal"}, by=mark, version=1)
    assert (stored.version, stored.detail, stored.internal_notes) == (3, "The aft seal", "Yard is late")


def test_a_change_is_no_more_stored_where_there_were_steps_beside_the_notes(item, mark, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    begun = move(item, Status.IN_REVIEW, by=dana, version=2)
    take_back(item, Before(begun.old_status, None, "", ""), by=dana, version=3)
    with pytest.raises(Conflict):
        edit(item, {"detail": "The aft seal"}, by=mark, version=1)


def test_a_version_that_never_was_is_stored_over_no_notes(item, mark, dana):
    edit(item, {"internal_notes": "Yard is late"}, by=dana, version=1)
    with pytest.raises(Conflict):
        edit(item, {"detail": "The aft seal"}, by=mark, version=9)


def test_crew_change_their_fields_alone_and_nothing_once_it_is_in_review(item, mark, art, dana):
    assert (fields_of(item, mark), fields_of(item, art)) == (CREW_FIELDS, ())
    with pytest.raises(PermissionDenied):
        edit(item, {"number": "A-1"}, by=mark, version=1)
    move(item, Status.IN_REVIEW, by=dana, version=1)
    with pytest.raises(PermissionDenied):
        edit(item, {"detail": "Late"}, by=mark, version=2)
    assert "number" in fields_of(item, dana)


@pytest.mark.parametrize(("field", "value"), [("detail", ""), ("location", "x" * 201), ("number", "new")])
def test_a_field_that_cannot_be_is_refused_by_name_and_nothing_is_stored(item, dana, field, value):
    with pytest.raises(ValidationError) as refused:
        edit(item, {field: value, "ofm": "Bolts"}, by=dana, version=1)
    assert list(refused.value.message_dict) == [field]
    assert WorkItem.objects.get().ofm == ""


def test_a_number_that_another_item_has_is_told_with_that_item(item, mark, dana):
    other = submit(draft(number="A-1"), mark)
    with pytest.raises(NumberTaken) as taken:
        edit(item, {"number": "A-1"}, by=dana, version=1)
    assert taken.value.existing == other
    assert WorkItem.objects.get(pk=item.pk).number == "DRAFT_0020"


def test_an_item_is_given_only_to_who_can_work_on_it(item, mark, art, dana, boss):
    assert assign(item, art, by=dana, version=1).assigned_to_name == "Art"
    with pytest.raises(PermissionDenied):
        assign(item, art, by=mark, version=2)
    mark.is_active = False
    with pytest.raises(ValidationError):
        assign(item, mark, by=dana, version=2)
    assert assign(item, None, by=dana, version=2).assigned_to_name == ""


def test_sending_again_stores_the_words_and_the_step_or_neither(item, mark, dana):
    move(item, Status.IN_REVIEW, by=dana, version=1)
    move(item, Status.NEEDS_REVISION, by=dana, version=2, reason="Which seal?")
    seen = WorkItem.objects.get()
    with pytest.raises((Conflict, TransitionRefused)):
        send_again(seen, {"detail": "The aft seal"}, by=mark, version=2)
    assert WorkItem.objects.get().detail == "Replace the seal"
    send_again(item, {"detail": "The aft seal"}, by=mark, version=3)
    stored = WorkItem.objects.get()
    assert (stored.status, stored.detail, stored.revision_notes) == (Status.SUBMITTED, "The aft seal", "")


def test_an_old_form_without_a_change_sends_nothing_again_over_a_newer_reason(item, mark, dana):
    decide(item, Wanted(Act.SEND_BACK, "Which seal?"), by=dana, version=1)
    item.refresh_from_db()
    seen = item.version
    move(item, Status.SUBMITTED, by=mark, version=seen)
    decide(item, Wanted(Act.SEND_BACK, "And the flange?"), by=dana, version=item.version)
    with pytest.raises(TransitionRefused):
        send_again(WorkItem.objects.get(), {"detail": item.detail}, by=mark, version=seen)
    assert WorkItem.objects.get().revision_notes == "And the flange?"


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_dbs
def test_of_eight_who_change_it_at_once_one_does(item, dana):
    stored: list[str] = []

    def change(name: str) -> None:
        mine = WorkItem.objects.get(pk=item.pk)
        try:
            edit(mine, {"detail": name}, by=dana, version=1)
            stored.append(name)
        except Conflict:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=[f"by {n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored == [WorkItem.objects.get().detail]
    assert Revision.objects.count() == 1
