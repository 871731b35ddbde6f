"""Numbers of work items: drafts from 0020 on, codes as typed, never a second item under one number."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction

from tests.workitems.conftest import draft
from workitems.models import NumberCounter, WorkItem
from workitems.numbers import NumberTaken, code
from workitems.workflow import submit

pytestmark = pytest.mark.django_db


@pytest.mark.both_dbs
def test_the_first_draft_is_0020_and_the_next_follow(mark):
    assert [submit(draft(), mark).number for _ in range(3)] == ["DRAFT_0020", "DRAFT_0021", "DRAFT_0022"]


@pytest.mark.both_dbs
def test_a_draft_number_that_somebody_typed_earlier_is_skipped(mark):
    submit(draft(number="DRAFT_0021"), mark)
    assert [submit(draft(), mark).number for _ in range(2)] == ["DRAFT_0020", "DRAFT_0022"]


def test_the_number_of_a_submission_that_failed_is_given_out_again(mark):
    with pytest.raises(RuntimeError), transaction.atomic():
        fail_after(submit(draft(), mark))
    assert submit(draft(), mark).number == "DRAFT_0020"


def fail_after(item):
    raise RuntimeError(item.number)


def test_drafts_go_on_beyond_four_digits(mark):
    NumberCounter.objects.create(name="draft", value=9_999)
    assert submit(draft(), mark).number == "DRAFT_10000"


@pytest.mark.both_dbs
def test_a_typed_number_in_use_is_refused_with_its_item_and_overwrites_nothing(mark, art):
    first = submit(draft(number="0101"), mark)
    with pytest.raises(NumberTaken) as refusal:
        submit(draft(number="0101", description="Another text"), art)
    assert refusal.value.existing == first
    assert WorkItem.objects.get().description == "Valve leaks"


def test_the_number_of_an_item_in_the_bin_stays_taken(mark, boss):
    submit(draft(number="0101"), mark)
    WorkItem.objects.move_to_bin(boss)
    with pytest.raises(NumberTaken):
        submit(draft(number="0101"), mark)


@pytest.mark.parametrize("number", ["0101", "DRAFT_0001", "a-b_C", "x" * 50])
def test_a_code_may_be_letters_digits_hyphens_and_underscores(number):
    code(number)


@pytest.mark.parametrize("number", ["", "a b", "a/b", "é", "x" * 51, "0101\n", "=1"])
def test_another_code_is_refused(number):
    with pytest.raises(ValidationError):
        code(number)
