"""Several lists by one statement."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Account
from perf.unions import rows_of_each
from tests.factories import account


@pytest.mark.django_db
@pytest.mark.both_dbs
def test_each_part_keeps_its_condition_its_order_and_its_limit(django_assert_num_queries: Any) -> None:
    for handle in "cadb":
        account(handle=handle)
    account("youtube", "100%")
    rows = Account.objects.values_list("platform", "handle")
    with django_assert_num_queries(1):
        last, first, none, other = rows_of_each(
            rows.filter(platform="x").order_by("-handle")[:3],
            rows.filter(platform="x").order_by("handle")[:2],
            rows.filter(handle="nobody"),
            rows.filter(handle__contains="0%"),
        )
    assert last == [("x", "d"), ("x", "c"), ("x", "b")]
    assert first == [("x", "a"), ("x", "b")]
    assert (none, other) == ([], [("youtube", "100%")])
