"""Rows in bulk: what comes out is what went in."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Organization
from perf.clock import now
from perf.copying import fill

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


def test_texts_arrive_as_they_were() -> None:
    names = ["tab\there", "line\nbreak", "back\\slash", "\\N", "Ämter & “quotes”", "per%cent"]
    fill(Organization, ("name", "created_at"), [(name, str(now().replace(tzinfo=None))) for name in names])
    assert set(Organization.objects.values_list("name", flat=True)) == set(names)


def test_no_rows_are_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        fill(Organization, ("name",), [])
