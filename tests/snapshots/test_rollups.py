from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from perf import clock
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot
from snapshots.rollups import Drift, recompute
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]


@pytest.fixture
def account() -> Account:
    account = factories.account()
    for ago in range(3):
        factories.snapshot(account, clock.today() - dt.timedelta(days=ago), 1_000 - ago)
    return account


def write_past_the_product(account: Account) -> None:
    """A new day, a changed one and an organisation, without anything that follows from them."""
    newest = Snapshot.objects.filter(account=account).latest("date")
    Snapshot._base_manager.filter(pk=newest.pk).update(followers=7)
    newest.pk, newest.date = None, newest.date + dt.timedelta(days=1)
    newest.save_base()
    Account._base_manager.filter(pk=account.pk).update(organization=factories.organization("Elsewhere"))


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuild_rollups", *arguments, stdout=out)
    return out.getvalue()


def test_right_tables_are_found_right(account: Account) -> None:
    assert not recompute(write=False)
    assert "are right" in run("--check")


def test_check_says_how_much_is_wrong_and_changes_nothing(account: Account) -> None:
    write_past_the_product(account)
    with pytest.raises(CommandError, match="1 latest rows and 9 daily totals are wrong"):
        run("--check")
    assert LatestSnapshot.objects.get().followers == 1_000


def test_rebuild_puts_everything_right(account: Account) -> None:
    write_past_the_product(account)
    assert "Put right" in run()
    latest = LatestSnapshot.objects.get()
    assert (latest.followers, latest.days, latest.change_1, latest.organization.name) == (1_000, 4, 993, "Elsewhere")
    assert set(DailyTotal.objects.values_list("organization__name", "accounts")) == {("Elsewhere", 1)}
    assert recompute(write=False) == Drift(latest=0, totals=0)


def test_next_recording_moves_an_account_that_was_moved_past_the_product(account: Account) -> None:
    elsewhere = factories.organization("Elsewhere")
    Account._base_manager.filter(pk=account.pk).update(organization=elsewhere)
    factories.snapshot(account, clock.today() + dt.timedelta(days=1), 1_001)
    assert set(DailyTotal.objects.values_list("organization", flat=True)) == {elsewhere.pk}
