"""Accounts on hold: set once, announced, released by a person with a record, and shown longest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account, Hold
from accounts.signals import accounts_changed
from perf import clock
from perf.events import event
from tests.factories import account, user

both = pytest.mark.both_dbs


@pytest.fixture
def announced() -> Any:
    """What `accounts_changed` told: (ids, fields)."""
    told: list[tuple[list[int], set[str]]] = []

    def listen(*, ids: list[int], fields: set[str], **_: Any) -> None:
        told.append((ids, fields))

    accounts_changed.connect(listen)
    yield told
    accounts_changed.disconnect(listen)


@pytest.fixture
def events() -> Any:
    """What was recorded: (action, detail)."""
    told: list[tuple[str, dict[str, Any]]] = []

    def listen(*, action: str, detail: dict[str, Any], **_: Any) -> None:
        if action.startswith("accounts."):
            told.append((action, detail))

    event.connect(listen)
    yield told
    event.disconnect(listen)


@both
def test_a_hold_is_set_once_and_announced(db: None, announced: Any) -> None:
    one, other = account(), account()
    announced.clear()
    assert Account.objects.hold([other.pk, one.pk], Hold.REASSIGNED) == 2
    since = Account.objects.get(pk=one.pk).held_at
    assert Account.objects.hold([one.pk], Hold.REASSIGNED) == 0
    assert Account.objects.get(pk=one.pk).held_at == since
    assert announced == [([one.pk, other.pk], {"held"})]


def test_the_longest_held_comes_first_and_inactive_ones_not_at_all(db: None) -> None:
    gone, late, early = account(is_active=False), account(), account()
    Account.objects.hold([early.pk, gone.pk], Hold.REASSIGNED)
    with clock.shifted(timedelta(hours=1)):
        Account.objects.hold([late.pk], Hold.REASSIGNED)
    assert list(Account.objects.on_hold()) == [early, late]
    assert not Account.objects.scrapable().exists()


@both
@pytest.mark.parametrize(("accept", "known"), [(True, ""), (False, "4711")])
def test_a_release_keeps_or_forgets_the_known_id_and_is_recorded(
    db: None, events: Any, accept: bool, known: str
) -> None:
    one = account(external_id="4711")
    Account.objects.hold([one.pk], Hold.REASSIGNED)
    assert one.release(user("editor"), accept_new_id=accept)
    assert (one.held, one.held_at, one.external_id) == ("", None, known)
    assert events[-1:] == [("accounts.release", {"count": 1, "ids": [one.pk], "accept_new_id": accept})]


def test_releasing_what_is_not_held_changes_and_records_nothing(db: None, events: Any) -> None:
    one = account(external_id="4711")
    assert not one.release(None, accept_new_id=True)
    assert Account.objects.get(pk=one.pk).external_id == "4711"
    assert events == []
