"""An editor's word on doubted figures, and taking it back: rows, latest rows, totals and the audit log."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.models import Sum

from accounts.models import Account
from perf import clock
from project.models import AuditEntry
from snapshots.judging import Ticket, UndoRefused, judge_waiting, undo
from snapshots.models import DailyTotal, JudgedFigure, Judgement, LatestSnapshot, Quality, Snapshot
from snapshots.recording import Sighting, record
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
TODAY = clock.today()
YESTERDAY = TODAY - dt.timedelta(days=1)


def reading(
    account: Account, followers: int, day: dt.date = TODAY, at: dt.datetime | None = None, read_from: str | None = None
) -> Any:
    """One observed reading; what became of it."""
    sighting = Sighting(account.pk, day, at or clock.now(), "observed", followers=followers, read_from=read_from)
    return record([sighting])[0].outcome


def leapt(handle: str = "") -> Snapshot:
    """The waiting row of an account that went from 1,000 followers to 90,000."""
    account = factories.account("x", handle)
    reading(account, 1_000, YESTERDAY)
    assert reading(account, 90_000) == "suspect"
    return Snapshot.objects.get(account=account, date=TODAY)


def set_aside() -> Snapshot:
    """The published row of an account whose second reading of the day was doubted."""
    account = factories.account("x")
    reading(account, 1_000, at=clock.now() - dt.timedelta(minutes=1), read_from="api")
    assert reading(account, 90_000, read_from="page") == "kept"
    return Snapshot.objects.get(account=account)


def totals() -> int | None:
    return DailyTotal.objects.filter(date=TODAY).aggregate(sum=Sum("followers"))["sum"]


def of(*rows: Snapshot) -> list[Ticket]:
    return [Ticket.of(row) for row in rows]


def test_accepting_publishes_and_undo_lets_it_wait_again() -> None:
    row, editor = leapt(), factories.user("editor")
    verdict = judge_waiting(of(row), accept=True, by=editor)
    assert (verdict.changed, verdict.conflicts) == (1, ())
    assert LatestSnapshot.objects.get().followers == totals() == 90_000
    assert undo(verdict.judgement, editor) == (1, 0)
    row.refresh_from_db()
    assert row.quality == Quality.SUSPECT
    assert LatestSnapshot.objects.get().followers == 1_000
    assert totals() is None


def test_undoing_an_accepted_reading_set_aside_brings_both_back() -> None:
    row, editor = set_aside(), factories.user("editor")
    before = Snapshot.objects.values().get()
    verdict = judge_waiting(of(row), accept=True, by=editor)
    assert Snapshot.objects.get().followers == totals() == 90_000
    undo(verdict.judgement, editor)
    assert Snapshot.objects.values().get() == before
    assert totals() == LatestSnapshot.objects.get().followers == 1_000


def test_a_rejected_figure_counts_nowhere_and_waits_again_after_undo() -> None:
    row, editor = leapt(), factories.user("editor")
    verdict = judge_waiting(of(row), accept=False, by=editor)
    row.refresh_from_db()
    assert row.quality == Quality.REJECTED
    undo(verdict.judgement, editor)
    assert list(Snapshot.objects.to_judge()) == [row]


def test_what_somebody_judged_meanwhile_is_a_conflict_and_stays() -> None:
    row = leapt()
    seen = of(row)
    judge_waiting(seen, accept=False, by=factories.user("editor"))
    late = judge_waiting(seen, accept=True, by=factories.user("editor"))
    assert (late.judgement, late.changed, late.conflicts) == (None, 0, (row.pk,))
    assert Snapshot.objects.get(pk=row.pk).quality == Quality.REJECTED


def test_a_reading_that_came_after_the_look_is_not_judged_unseen() -> None:
    row = leapt()
    seen = of(row)
    with clock.shifted(dt.timedelta(minutes=5)):
        reading(row.account, 200_000)
        late = judge_waiting(seen, accept=True, by=factories.user("editor"))
    assert late.conflicts == (row.pk,)
    assert Snapshot.objects.get(pk=row.pk).quality == Quality.SUSPECT


def test_undo_leaves_alone_what_changed_since() -> None:
    row, other, editor = leapt(), leapt(), factories.user("editor")
    verdict = judge_waiting(of(row, other), accept=True, by=editor)
    with clock.shifted(dt.timedelta(minutes=5)):
        reading(row.account, 90_500)
        assert undo(verdict.judgement, editor) == (1, 1)
    assert Snapshot.objects.get(pk=row.pk).followers == 90_500
    assert list(Snapshot.objects.to_judge()) == [other]


def test_only_who_decided_takes_it_back_once_and_within_a_day() -> None:
    editor = factories.user("editor")
    verdict = judge_waiting(of(leapt()), accept=True, by=editor)
    with pytest.raises(UndoRefused, match="Only the person who decided"):
        undo(verdict.judgement, factories.user("editor"))
    with clock.shifted(dt.timedelta(hours=25)), pytest.raises(UndoRefused, match="24 hours"):
        undo(verdict.judgement, editor)
    undo(verdict.judgement, editor)
    with pytest.raises(UndoRefused, match="already"):
        undo(Judgement.objects.get(), editor)
    assert totals() is None


def test_every_decision_and_undo_is_audited() -> None:
    row, editor = leapt(), factories.user("editor")
    verdict = judge_waiting(of(row), accept=True, by=editor)
    undo(verdict.judgement, editor)
    accepted, undone = AuditEntry.objects.filter(action__startswith="snapshots.").order_by("pk")
    assert (accepted.action, accepted.target, accepted.actor) == ("snapshots.accept", f"snapshot:{row.pk}", editor)
    assert (undone.action, undone.detail["was"]) == ("snapshots.undo", "accepted")


def test_many_are_judged_in_parts_and_taken_back_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshots.judging.CHUNK", 2)
    rows, editor = [leapt() for _ in range(5)], factories.user("editor")
    verdict = judge_waiting(of(*rows), accept=True, by=editor)
    assert (verdict.changed, JudgedFigure.objects.count(), Judgement.objects.count()) == (5, 5, 1)
    assert totals() == 450_000
    assert undo(verdict.judgement, editor) == (5, 0)
    assert totals() is None


def test_more_than_one_decision_takes_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapshots.judging.AT_ONCE", 2)
    verdict = judge_waiting(of(leapt(), leapt(), leapt()), accept=True, by=factories.user("editor"))
    assert (verdict.changed, verdict.left, verdict.conflicts) == (2, 1, ())
    assert Snapshot.objects.to_judge().count() == 1


@pytest.mark.parametrize("text", ["", "x", "1", "-1-2", "1-", "1-x", "²-1", f"{2**63}-1", "1" * 50 + "-1"])
def test_a_forged_ticket_is_none(text: str) -> None:
    assert Ticket.find(text) is None


def test_a_ticket_survives_its_form() -> None:
    ticket = Ticket.of(leapt())
    assert Ticket.find(str(ticket)) == ticket
