"""The way of an ordinary night and the careful way come to the same rows, whatever is seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from accounts.models import Account, Organization
from snapshots import recording
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot
from snapshots.recording import Sighting, record
from snapshots.weighing import NewDay
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ACCOUNTS = 5

figure = st.sampled_from([None, 0, 700, 1_000, 1_010, 3_000, 9_000])
part = st.sampled_from([None, 0, 7])
sighting = st.fixed_dictionaries(
    {
        "who": st.integers(0, ACCOUNTS - 1),
        "days": st.sampled_from([0, 1, 2, 7, 8, 30]),
        "minutes": st.sampled_from([0, 10, 45]),
        "source": st.sampled_from(["observed", "observed", "imported", "simulated"]),
        "followers": figure,
        "followers_rounded": st.booleans(),
        "likes": part,
        "shares": part,
        "engagements": part,
    }
)


def one(**said: Any) -> dict[str, Any]:
    """A sighting as the strategy draws them."""
    plain = {"who": 0, "days": 0, "minutes": 0, "source": "observed", "followers": None, "followers_rounded": False}
    return plain | {"likes": None, "shares": None, "engagements": None} | said


night = st.lists(sighting, min_size=1, max_size=8, unique_by=lambda drawn: drawn["who"])
any_batch = st.lists(sighting, min_size=1, max_size=8)


def seen(accounts: list[int], *, who: int, days: int, minutes: int, source: str, **figures: Any) -> Sighting:
    at = NOON + dt.timedelta(days=days, minutes=minutes)
    return Sighting(accounts[who], at.date(), at, source, **figures)


@contextmanager
def careful() -> Iterator[None]:
    with patch.object(recording, "_new_days", lambda *_: {}):
        yield


def outcome_of(batches: list[list[dict[str, Any]]]) -> tuple[Any, ...]:
    """What recording `batches` answers and leaves in the tables, which are then as they were."""
    with transaction.atomic():
        owners = [Organization.objects.create(name=f"O{n}") for n in range(2)]
        rows = [
            Account(platform=("x", "youtube")[n % 2], handle=f"h{n}", handle_key=f"h{n}", organization=owners[n // 3])
            for n in range(ACCOUNTS)
        ]
        ids = [account.pk for account in Account.objects.bulk_create(rows)]
        told = []
        for batch in batches:
            answers = record([seen(ids, **drawn) for drawn in batch], at=NOON + dt.timedelta(days=99))
            told.append([(ids.index(answer.account_id), answer.outcome) for answer in answers])
        tables = [_contents(model, ids, owners) for model in (Snapshot, LatestSnapshot, DailyTotal)]
        transaction.set_rollback(True)
    return told, tables


def _contents(model: Any, ids: list[int], owners: list[Organization]) -> list[Any]:
    names = {pk: f"account {n}" for n, pk in enumerate(ids)}
    organizations = {owner.pk: owner.name for owner in owners}
    rows = []
    for row in model.objects.values():
        row.pop("id", None)
        row |= {
            "account_id": names.get(row.get("account_id", 0)),
            "organization_id": organizations.get(row.get("organization_id", 0)),
        }
        rows.append(sorted(row.items(), key=str))
    return sorted(rows, key=str)


@settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)
@given(batches=st.lists(st.one_of(night, any_batch), min_size=2, max_size=6))
@example([[one(source="simulated", followers=9_000)], [one(days=1, followers=700)]])  # a better source is no leap
@example([[one(who=n, followers=1_000) for n in (0, 2, 4)], [one(who=n, days=1, followers=700) for n in (0, 2, 4)]])
def test_the_ordinary_way_gives_what_the_careful_way_gives(db: None, batches: list[list[dict[str, Any]]]) -> None:
    ordinary = outcome_of(batches)
    with careful():
        assert outcome_of(batches) == ordinary


def test_an_ordinary_night_takes_the_ordinary_way(db: None) -> None:
    """Else the test above would compare the careful way with itself."""
    owner = Organization.objects.create(name="O")
    accounts = [Account.objects.create(platform="x", handle=f"h{n}", organization=owner).pk for n in range(3)]
    used = []
    with patch.object(NewDay, "take", lambda *_, **__: used.append(1) or "stored"):
        for days in range(2):
            at = NOON + dt.timedelta(days=days)
            record([Sighting(pk, at.date(), at, "observed", 1_000 + days) for pk in accounts], at=at)
    assert len(used) == 6
    assert Snapshot.objects.count() == 6
