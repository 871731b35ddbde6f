"""Decisions: one step or two, about one item or many, by one of several at once, and taken back."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection

from perf import clock
from tests.workitems.conftest import draft, person
from workitems.claims import Claimed, claim
from workitems.deciding import AT_ONCE, Act, UndoRefused, Wanted, decide, decide_many, path_of, undo
from workitems.editing import Conflict, edit
from workitems.models import Decision, StatusTotal, WorkItem
from workitems.workflow import Status, TransitionRefused, move, submit

pytestmark = pytest.mark.django_db
COMPLETE = Wanted(Act.COMPLETE)
BACK = Wanted(Act.SEND_BACK, "Which seal?")


def totals():
    return {row.status: row.items for row in StatusTotal.objects.all() if row.items}


def fresh(item):
    return WorkItem.objects.get(pk=item.pk)


def versions(*items):
    return {item.pk: item.version for item in items}


def test_a_new_item_is_completed_through_review_with_both_steps_in_its_history(item, dana, events):
    decide(item, COMPLETE, by=dana, version=1)
    stored = fresh(item)
    assert (stored.status, stored.reviewer, stored.version) == (Status.COMPLETED_REVIEW, dana, 3)
    assert list(item.status_changes.order_by("pk").values_list("new_status", flat=True)) == [
        "submitted", "in_review", "completed_review",
    ]  # fmt: skip
    assert totals() == {"completed_review": 1}
    assert [event[1] for event in events[-3:]] == ["workitems.status", "workitems.status", "workitems.decide"]


@pytest.mark.parametrize("act", [Act.SEND_BACK, Act.AWAIT_PHOTOS])
def test_sending_back_wants_a_reason_and_stores_it(item, dana, act):
    with pytest.raises(ValidationError, match="Give a reason"):
        decide(item, Wanted(act, " \n"), by=dana, version=1)
    assert fresh(item).version == 1
    decide(item, Wanted(act, "Which seal?"), by=dana, version=1)
    assert (fresh(item).status, fresh(item).revision_notes) == (act, "Which seal?")


def test_the_second_of_two_reviewers_changes_nothing_and_is_told(item, dana, alex):
    decide(item, BACK, by=dana, version=1)
    with pytest.raises(TransitionRefused) as refused:
        decide(item, COMPLETE, by=alex, version=1)
    assert refused.value.current.status == Status.NEEDS_REVISION
    assert Decision.objects.count() == 1


def test_nobody_decides_about_what_another_has_open(item, dana, alex):
    claim(item, alex)
    with pytest.raises(Claimed, match="Alex has"):
        decide(item, COMPLETE, by=dana, version=1)
    decide(item, COMPLETE, by=alex, version=1)
    assert fresh(item).claimed_by is None


def test_crew_decide_nothing(item, mark):
    with pytest.raises(PermissionDenied):
        decide(item, COMPLETE, by=mark, version=1)
    assert (fresh(item).status, Decision.objects.count()) == (Status.SUBMITTED, 0)


def test_there_is_no_way_from_what_is_with_the_crew_or_completed(item, dana):
    assert path_of(item, Status.COMPLETED_REVIEW) == [Status.IN_REVIEW, Status.COMPLETED_REVIEW]
    decide(item, BACK, by=dana, version=1)
    assert path_of(fresh(item), Status.COMPLETED_REVIEW) == []


def test_of_many_each_that_can_be_is_decided_and_the_others_say_why(mark, dana, alex):
    free, changed, held, due, gone = (submit(draft(), mark) for _ in range(5))
    seen = versions(free, changed, held, due, gone)
    edit(changed, {"detail": "Other"}, by=alex, version=1)
    claim(held, alex)
    WorkItem.objects.filter(pk=due.pk).update(photos_due=2)
    WorkItem.objects.filter(pk=gone.pk).move_to_bin(alex)
    outcome = decide_many(seen, COMPLETE, by=dana)
    assert outcome.done == [free.number]
    assert set(outcome.refused) == {changed.number, held.number, due.number, gone.number}
    assert "2 promised photos" in outcome.refused[due.number]
    assert fresh(due).status == Status.SUBMITTED  # not left half way, in review
    assert totals() == {"submitted": 3, "completed_review": 1}


def test_more_than_a_decision_takes_changes_nothing(dana):
    with pytest.raises(ValidationError, match=str(AT_ONCE)):
        decide_many(dict.fromkeys(range(AT_ONCE + 1), 1), COMPLETE, by=dana)


def test_undo_brings_back_what_was_before_and_leaves_what_others_changed_since(mark, art, dana, alex):
    mine, touched = submit(draft(), mark), submit(draft(), mark)
    move(touched, Status.IN_REVIEW, by=alex, version=1)
    decision = decide_many(versions(mine, touched), BACK, by=dana).decision
    edit(fresh(touched), {"detail": "Answered"}, by=mark, version=3)
    assert undo(decision, dana) == (1, [touched.number])
    assert (fresh(mine).status, fresh(mine).reviewer, fresh(mine).revision_notes) == (Status.SUBMITTED, None, "")
    assert (fresh(touched).status, fresh(touched).detail) == (Status.NEEDS_REVISION, "Answered")
    assert totals() == {"submitted": 1, "needs_revision": 1}
    assert mine.status_changes.latest("pk").reason == "Taken back."
    with pytest.raises(UndoRefused, match="already"):
        undo(decision, dana)


def test_undo_gives_items_back_to_whom_they_were_assigned(item, mark, art, dana):
    decision = decide_many(versions(item), Wanted(Act.ASSIGN, assignee=art), by=dana).decision
    assert fresh(item).assigned_to == art
    undo(decision, dana)
    assert (fresh(item).assigned_to, fresh(item).assigned_to_name) == (mark, "Mark")


def test_undo_gives_an_item_back_to_a_name_that_has_no_account(item, art, dana):
    WorkItem.objects.update(assigned_to=None, assigned_to_name="Old Hand")
    undo(decide_many({item.pk: 1}, Wanted(Act.ASSIGN, assignee=art), by=dana).decision, dana)
    assert (fresh(item).assigned_to, fresh(item).assigned_to_name) == (None, "Old Hand")


def test_undo_is_for_whoever_decided_within_a_day_and_for_what_nobody_touched(item, dana, alex):
    decision = decide(item, COMPLETE, by=dana, version=1)
    with pytest.raises(PermissionDenied):
        undo(decision, alex)
    Decision.objects.update(at=clock.now() - timedelta(hours=25))
    with pytest.raises(UndoRefused, match="a day ago"):
        undo(Decision.objects.get(), dana)
    Decision.objects.update(at=clock.now())
    edit(fresh(item), {"detail": "Other"}, by=alex, version=3)
    with pytest.raises(UndoRefused, match="worked on it since"):
        undo(Decision.objects.get(), dana)
    assert Decision.objects.get().undone_at is None


def test_somebody_who_cannot_work_on_items_is_given_none(item, dana):
    with pytest.raises(ValidationError):
        decide_many(versions(item), Wanted(Act.ASSIGN, assignee=person("new")), by=dana)
    assert fresh(item).version == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_dbs
def test_of_two_who_decide_about_the_same_items_at_once_each_item_has_one_decision(mark, dana, alex):
    items = [submit(draft(), mark) for _ in range(4)]
    won: list[str] = []

    def act(who, wanted, order):
        try:
            won.extend(decide_many({item.pk: 1 for item in order}, wanted, by=who).done)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=act, args=[dana, COMPLETE, items]),
        threading.Thread(target=act, args=[alex, BACK, items[::-1]]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(item.number for item in items)
    assert sum(totals().values()) == 4


def test_a_lost_assignment_is_told_with_who_was_faster(item, art, dana, alex):
    decide(item, Wanted(Act.ASSIGN, assignee=art), by=alex, version=1)
    with pytest.raises(Conflict):
        decide(item, Wanted(Act.ASSIGN), by=dana, version=1)
    assert fresh(item).assigned_to == art
