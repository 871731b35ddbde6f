"""Claims: one reviewer has an item open, others are told, may take it over, and are offered another."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from perf.clock import now
from tests.workitems.conftest import draft
from workitems.claims import LEASE, Claimed, claim, is_claimed_from, release
from workitems.models import WorkItem
from workitems.queue import Queue
from workitems.workflow import Status, move, submit

pytestmark = pytest.mark.django_db


def test_another_is_told_who_has_it_and_until_when_and_may_take_it_over(item, dana, alex, events):
    claim(item, dana)
    assert timedelta(minutes=14) < item.claimed_until - now() <= LEASE
    with pytest.raises(Claimed, match=f"Dana has {item.number} open until"):
        claim(item, alex)
    assert claim(item, alex, instead_of=dana.pk).claimed_by == alex
    assert events[-1][1] == "workitems.take_over"
    with pytest.raises(Claimed, match="Alex"):
        claim(item, dana)  # the page that renews hears of it


def test_a_claim_that_ran_out_or_was_given_up_is_nobodys(item, dana, alex):
    claim(item, dana)
    WorkItem.objects.update(claimed_until=now() - timedelta(seconds=1))
    item.refresh_from_db()
    assert not is_claimed_from(item, alex)
    claim(item, alex)
    release(item, dana)  # not hers any more
    item.refresh_from_db()
    assert is_claimed_from(item, dana)
    release(item, alex)
    assert claim(item, dana).claimed_by == dana


@pytest.mark.parametrize("step", [timedelta(hours=1), -timedelta(hours=1)])
def test_a_wrong_clock_of_ours_neither_ends_a_claim_nor_keeps_it(item, dana, alex, monkeypatch, step):
    over = submit(draft(), dana)
    for each in (item, over):
        claim(each, dana)
    WorkItem.objects.filter(pk=over.pk).update(claimed_until=now() - timedelta(minutes=1))
    over.refresh_from_db()
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + step)
    assert (is_claimed_from(item, alex), is_claimed_from(over, alex)) == (True, False)


def test_a_claim_is_no_version_and_hinders_no_crew(item, mark, dana):
    claim(item, dana)
    assert (item.version, item.may_edit(mark)) == (1, True)


def test_taking_over_from_somebody_who_has_it_no_more_is_refused(item, dana, alex, boss):
    claim(item, dana)
    claim(item, boss, instead_of=dana.pk)
    with pytest.raises(Claimed, match="Boss"):
        claim(item, alex, instead_of=dana.pk)


def test_the_next_item_is_the_oldest_that_nobody_else_has_open(mark, dana, alex):
    first, second, third = (submit(draft(), mark) for _ in range(3))
    queue = Queue()
    assert queue.next_for(dana, None) == first
    claim(first, alex)
    assert queue.next_for(dana, None) == second
    assert queue.next_for(dana, third) == second  # from the start, past the one that alex has
    claim(second, dana)
    assert queue.next_for(dana, None) == second  # one's own
    move(third, Status.IN_REVIEW, by=dana, version=1)
    assert Queue("mine").next_for(dana, None) == third
    assert Queue("mine").next_for(alex, None) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_dbs
def test_of_several_who_claim_at_once_one_has_it(item, dana, alex, boss):
    got: list[str] = []

    def act(who):
        try:
            got.append(claim(WorkItem.objects.get(pk=item.pk), who).claimed_by_name)
        except Claimed:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[who]) for who in (dana, alex, boss)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [WorkItem.objects.get().claimed_by_name]
