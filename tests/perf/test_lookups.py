"""Membership in many values at once."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from snapshots.models import LatestSnapshot
from tests.factories import account, snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_among_finds_what_in_finds() -> None:
    ids = [account().pk for _ in range(3)]
    assert set(Account.objects.filter(pk__among=ids[:2])) == set(Account.objects.filter(pk__in=ids[:2]))
    assert not Account.objects.filter(pk__among=[]).exists()
    assert Account.objects.exclude(pk__among=set(ids[:2])).get().pk == ids[2]


def test_among_reaches_through_a_foreign_key() -> None:
    one = snapshot().account
    assert LatestSnapshot.objects.filter(account__among=[one.pk]).get().account_id == one.pk


def test_more_values_than_a_statement_has_parameters_are_one_parameter(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1) as captured:
        assert not Account.objects.filter(pk__among=range(1, 300_000)).exists()
    assert len(captured) == 1
