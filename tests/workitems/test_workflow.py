"""States: who may take which step, that each step is taken once, and that history is only ever added to."""

from __future__ import annotations

import itertools
import threading
from collections import Counter

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection

from tests.workitems.conftest import draft, person
from workitems.models import StatusChange, StatusTotal, WorkItem
from workitems.workflow import RULES, Status, TransitionRefused, move, next_states, submit

pytestmark = pytest.mark.django_db
SUBMITTED, IN_REVIEW, NEEDS_REVISION, AWAITING_PHOTOS, COMPLETED = Status


@pytest.fixture
def people(mark, art, dana, boss):
    return mark, art, dana, boss


def put(item, status):
    """Set a state directly, without its steps."""
    WorkItem.objects.filter(pk=item.pk).update(status=status)
    item.refresh_from_db()
    return item


def history(item):
    rows = item.status_changes.order_by("pk")
    return [(row.old_status, row.new_status, row.changed_by_name, row.reason) for row in rows]


def test_an_item_goes_from_the_crew_to_a_reviewer_back_and_to_completion(item, mark, dana, events):
    move(item, IN_REVIEW, by=dana, version=1)
    assert item.status_label == "In Review by Dana"
    move(item, NEEDS_REVISION, by=dana, version=2, reason=" Photo 2 is blurred. ")
    assert (item.revision_notes, item.status_label) == ("Photo 2 is blurred.", "Needs Revision")
    move(item, SUBMITTED, by=mark, version=3)
    assert item.revision_notes == ""
    move(item, IN_REVIEW, by=dana, version=4)
    move(item, COMPLETED, by=dana, version=5)
    assert (item.version, item.last_modified_by) == (6, dana)
    assert history(item) == [
        ("", "submitted", "Mark", ""),
        ("submitted", "in_review", "Dana", ""),
        ("in_review", "needs_revision", "Dana", "Photo 2 is blurred."),
        ("needs_revision", "submitted", "Mark", ""),
        ("submitted", "in_review", "Dana", ""),
        ("in_review", "completed_review", "Dana", ""),
    ]
    assert events[-1] == (dana, "workitems.status", item.number, {"from": "in_review", "to": "completed_review"})


ALL_STEPS = set(itertools.product(Status, Status))


@pytest.mark.parametrize(("old", "new"), sorted(ALL_STEPS - RULES.keys()))
def test_a_step_without_a_rule_is_refused_even_to_an_administrator(item, boss, old, new):
    put(item, old)
    with pytest.raises(TransitionRefused, match="cannot become"):
        move(item, new, by=boss, version=1, reason="because")
    assert WorkItem.objects.get().status == old


@pytest.mark.parametrize(
    ("old", "new"), [(IN_REVIEW, NEEDS_REVISION), (IN_REVIEW, AWAITING_PHOTOS), (COMPLETED, SUBMITTED)]
)
def test_sending_back_and_reopening_want_a_reason(item, boss, old, new):
    put(item, old)
    with pytest.raises(TransitionRefused, match="Give a reason"):
        move(item, new, by=boss, version=1, reason=" \n")
    assert StatusChange.objects.count() == 1


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (SUBMITTED, IN_REVIEW, {"dana", "boss"}),
        (IN_REVIEW, COMPLETED, {"dana", "boss"}),
        (IN_REVIEW, NEEDS_REVISION, {"dana", "boss"}),
        (NEEDS_REVISION, SUBMITTED, {"mark", "dana", "boss"}),
        (AWAITING_PHOTOS, SUBMITTED, {"mark", "dana", "boss"}),
        (COMPLETED, SUBMITTED, {"boss"}),
    ],
)
def test_each_step_is_for_those_it_is_for(item, people, old, new, allowed):
    put(item, old)
    assert {user.username for user in people if new in next_states(item, user)} == allowed
    for user in people:
        if user.username not in allowed:
            with pytest.raises(PermissionDenied):
                move(item, new, by=user, version=1, reason="because")
    assert WorkItem.objects.get().status == old


def test_the_crew_member_it_is_assigned_to_submits_it_again(item, art):
    put(item, AWAITING_PHOTOS)
    WorkItem.objects.update(assigned_to=art)
    item.refresh_from_db()
    move(item, SUBMITTED, by=art, version=1)
    assert item.submitter_name == "Mark"


def test_an_item_is_handed_over_to_another_reviewer_but_not_to_the_same(item, dana, alex):
    move(item, IN_REVIEW, by=dana, version=1)
    with pytest.raises(TransitionRefused, match="with Dana already"):
        move(item, IN_REVIEW, by=dana, version=2)
    change = move(item, IN_REVIEW, by=dana, version=2, reviewer=alex)
    assert (item.status_label, change.reviewer_name, change.changed_by_name) == ("In Review by Alex", "Alex", "Dana")


def test_a_step_on_an_outdated_version_is_refused_with_the_item_as_it_is(item, dana, alex):
    stale = WorkItem.objects.get()
    move(item, IN_REVIEW, by=dana, version=1)
    with pytest.raises(TransitionRefused, match="Someone else changed") as refusal:
        move(stale, IN_REVIEW, by=alex, version=1)
    assert refusal.value.current.reviewer_name == "Dana"
    assert StatusChange.objects.count() == 2


def test_an_item_in_the_bin_takes_no_step(item, dana):
    stale = WorkItem.objects.get()
    WorkItem.objects.filter(pk=item.pk).update(deleted_at="2026-01-01T00:00Z")
    with pytest.raises(TransitionRefused):
        move(stale, IN_REVIEW, by=dana, version=1)


def test_history_is_written_once(item):
    row = item.status_changes.get()
    row.reason = "rewritten"
    with pytest.raises(TypeError, match="written once"):
        row.save()


def at_once(count, work):
    """What `work(n)` gave in `count` threads that start together."""
    results, start = [], threading.Barrier(count)

    def run(n):
        start.wait()
        try:
            results.append(work(n))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_of_reviewers_who_press_at_once_exactly_one_wins_each_item():
    reviewers = [person(f"reviewer{n}", "reviewer") for n in range(4)]
    items = [submit(draft(), reviewers[0]).pk for _ in range(12)]

    def press(n):
        outcome = Counter()
        for pk in items:
            try:
                seen = WorkItem.objects.get(pk=pk, status=SUBMITTED, version=1)
                move(seen, IN_REVIEW, by=reviewers[n], version=seen.version)
                outcome["won"] += 1
            except (TransitionRefused, WorkItem.DoesNotExist):
                outcome["refused"] += 1
        return outcome

    assert sum(at_once(4, press), Counter()) == {"won": 12, "refused": 36}
    assert StatusChange.objects.filter(new_status=IN_REVIEW).count() == 12
    assert set(WorkItem.objects.values_list("version", flat=True)) == {2}


@pytest.mark.both_dbs
@pytest.mark.django_db(transaction=True)
def test_items_submitted_at_once_get_consecutive_numbers_without_a_gap_or_a_repeat():
    crew = [person(f"crew{n}", "crew") for n in range(4)]
    numbers = itertools.chain(*at_once(4, lambda n: [submit(draft(), crew[n]).number for _ in range(5)]))
    assert sorted(numbers) == [f"DRAFT_{n:04d}" for n in range(20, 40)]


def test_numbers_by_state_follow_every_step_and_the_bin(item, art, dana, boss):
    move(item, IN_REVIEW, by=dana, version=1)
    WorkItem.objects.filter(pk=submit(draft(), art).pk).move_to_bin(boss)
    kept = dict(StatusTotal.objects.exclude(items=0).values_list("status", "items"))
    StatusTotal.objects.rebuild()
    assert kept == dict(StatusTotal.objects.exclude(items=0).values_list("status", "items")) == {"in_review": 1}


def test_an_item_whose_promised_photo_is_on_the_way_is_not_completed(item, dana):
    item.uploads.create(key="a", size=3, sha256="0" * 64)
    WorkItem.objects.filter(pk=item.pk).recount()
    move(item, IN_REVIEW, by=dana, version=1)
    with pytest.raises(TransitionRefused, match=r"1 promised photo is .* stop waiting for it\."):
        move(item, COMPLETED, by=dana, version=2)
    item.uploads.create(key="b", size=3, sha256="0" * 64)
    WorkItem.objects.filter(pk=item.pk).recount()
    item.refresh_from_db()
    with pytest.raises(TransitionRefused, match=r"2 promised photos are .* waiting for them\."):
        move(item, COMPLETED, by=dana, version=2)
