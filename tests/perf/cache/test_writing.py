"""Forgetting with the transaction: open writers, commits, rollbacks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from perf import clock
from perf.cache import cached, forget, writing

pytestmark = [pytest.mark.usefixtures("any_store"), pytest.mark.django_db(transaction=True)]


class Refused(Exception):
    """Rolls a block back."""


def refused_write(family) -> None:
    with transaction.atomic():
        forget(family)
        raise Refused


def state_of(family, value: bytes = b"1") -> str:
    return cached(family, "a", lambda: value).state


def test_an_open_writer_keeps_readers_from_storing(family):
    state_of(family)
    with transaction.atomic():
        forget(family)
        assert [state_of(family), state_of(family)] == ["MISS", "MISS"]


@pytest.mark.req("A72")
def test_a_commit_forgets_for_good(family):
    state_of(family)
    with transaction.atomic():
        forget(family)
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]


def test_an_inner_block_waits_for_the_outer_commit(family):
    with transaction.atomic():
        with transaction.atomic():
            forget(family)
        assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]


def test_a_rolled_back_writer_does_not_keep_the_cache_off(family):
    with pytest.raises(Refused):
        refused_write(family)
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]


def test_a_rolled_back_savepoint_ends_its_mark_and_a_later_write_is_marked_anew(family):
    with transaction.atomic():
        with pytest.raises(Refused):
            refused_write(family)
        assert [state_of(family), state_of(family)] == ["MISS", "HIT"]
        forget(family)
        assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]


def test_an_inner_rollback_leaves_the_outer_mark(family):
    with transaction.atomic():
        forget(family)
        with pytest.raises(Refused):
            refused_write(family)
        assert [state_of(family), state_of(family)] == ["MISS", "MISS"]


def test_a_writer_that_never_ends_counts_as_dead_after_a_minute(family):
    state_of(family)
    with transaction.atomic():
        forget(family)
        with clock.shifted(timedelta(seconds=59)):
            assert [state_of(family), state_of(family)] == ["MISS", "MISS"]
        with clock.shifted(timedelta(seconds=61)):
            assert [state_of(family), state_of(family)] == ["MISS", "HIT"]


def test_a_reader_overtaken_by_a_commit_does_not_leave_its_old_answer(family):
    def overtaken() -> bytes:
        with transaction.atomic():
            forget(family)
        return b"old"

    cached(family, "a", overtaken)
    assert cached(family, "a", lambda: b"new").value == b"new"


def test_one_transaction_marks_each_family_once(family, monkeypatch):
    opened = []
    monkeypatch.setattr(type(writing.store()), "open", lambda self, names, writer: opened.append(names))
    with transaction.atomic():
        for _ in range(3):
            forget(family)
        forget(family, family.of("b"))
    assert opened == [{family.name}, {f"{family.name}:b"}]


def test_very_many_members_forget_their_family(family):
    members = [family.of(str(number)) for number in range(writing.MEMBERS_MAX + 1)]
    bystander = family.of("bystander")
    state_of(bystander)
    forget(*members)
    assert state_of(bystander) == "MISS"


@pytest.mark.django_db(transaction=False)
def test_captured_commits_forget(family, django_capture_on_commit_callbacks):
    state_of(family)
    with django_capture_on_commit_callbacks(execute=True):
        forget(family)
    assert [state_of(family), state_of(family)] == ["MISS", "HIT"]
    with django_capture_on_commit_callbacks(execute=True):
        forget(family)
    assert state_of(family) == "MISS"
