"""A viewer, and days of figures to export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from perf import clock
from snapshots.models import Snapshot
from tests import factories

Day = Callable[..., Snapshot]


@pytest.fixture
def viewer(db: None) -> Client:
    """A viewer's browser; `viewer.user` is who it is."""
    client: Any = Client()
    client.user = factories.user("viewer", password=None)
    client.force_login(client.user)
    return client


@pytest.fixture
def a_day(db: None) -> Day:
    """Stores one account's figures of `ago` days ago."""

    def store(handle: str = "cdcgov", ago: int = 0, **fields: Any) -> Snapshot:
        account = Account.objects.filter(handle=handle).first()
        account = account or factories.account(handle=handle, organization=factories.organization("CDC"))
        return factories.snapshot(account, clock.today() - dt.timedelta(days=ago), **fields)

    return store


@pytest.fixture
def many_days(db: None) -> Callable[..., list[Account]]:
    """Stores `days` of each of some accounts at once."""

    def store(days: int, accounts: int = 10) -> list[Account]:
        made = [factories.account(handle=f"h{number}") for number in range(accounts)]
        Snapshot.objects.bulk_create(
            Snapshot(
                account=account,
                date=clock.today() - dt.timedelta(days=ago),
                followers=ago,
                observed_at=clock.now(),
                source="observed",
            )
            for account in made
            for ago in range(days)
        )
        return made

    return store
