"""An editor's word on doubted figures: accept, reject, and take it back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Self

from django.db import transaction

from perf import clock
from perf.events import happened
from snapshots.judgements import JudgedFigure, Judgement
from snapshots.models import FIGURES, LatestSnapshot, Quality, Snapshot, forget_figures
from snapshots.totals import beside, recount

AT_ONCE = 10_000
"""Figures one decision takes, at about a millisecond each; a platform that has more is decided on again."""
CHUNK = 500
"""Figures per transaction: gathering waits for the accounts of one transaction, not of a whole platform."""
UNDO_WITHIN = dt.timedelta(hours=24)
"""How long a decision can be taken back."""
NAMED = 500
"""Rows that the audit log names of one decision."""

State = dict[str, Any]
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class UndoRefused(Exception):
    """A decision cannot be taken back; the message is for people."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A doubted reading as somebody saw it: the row it waits in, and when it was observed (µs since 1970)."""

    snapshot: int
    observed: int

    @classmethod
    def of(cls, row: Snapshot) -> Self:
        """The ticket of what waits in `row`."""
        return cls(row.pk, (doubted_at(row) - EPOCH) // dt.timedelta(microseconds=1))

    @classmethod
    def find(cls, text: str) -> Self | None:
        """The ticket that a form or an API call carries as "row-instant"; None for anything else."""
        row, _, observed = text.partition("-")
        if not (text.isascii() and row.isdigit() and observed.isdigit() and len(text) <= 40):
            return None
        return cls(int(row), int(observed)) if int(row) < 2**63 else None

    def __str__(self) -> str:
        return f"{self.snapshot}-{self.observed}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a decision: `judgement` is None when nothing changed; `conflicts` no longer waited as seen.

    `left` counts tickets beyond AT_ONCE, which nothing was done about.
    """

    judgement: Judgement | None
    changed: int
    conflicts: tuple[int, ...]
    left: int = 0


def doubted_at(row: Snapshot) -> dt.datetime:
    """When the doubted reading of `row` was observed."""
    return dt.datetime.fromisoformat(row.aside["observed_at"]) if row.aside else row.observed_at


def waits(row: Snapshot) -> bool:
    """Whether something in `row` waits for a second reading or an editor."""
    return row.quality == Quality.SUSPECT or row.aside is not None


def judge(snapshot: Snapshot, *, accept: bool, by: Any) -> bool:
    """Let an editor's word stand on a figure, doubted or not; whether that changed anything. Audited.

    Accepting publishes the row, or the reading set aside beside it. Rejecting drops the reading set aside, or else
    hides the row, a published one too; the same figure seen again that day stays out.
    Raises Snapshot.DoesNotExist where the row was deleted meanwhile.
    """
    with transaction.atomic():
        if not Snapshot.objects.filter(pk=snapshot.pk).exists():
            raise Snapshot.DoesNotExist
        return _judge([snapshot.pk], lambda row: _decided(row, accept=accept), accept=accept, by=by).changed > 0


def judge_waiting(tickets: Collection[Ticket], *, accept: bool, by: Any) -> Verdict:
    """Accept or reject what waits as the `tickets` saw it; what was judged or read again meanwhile stays. Audited.

    At most AT_ONCE of them; accounts are held CHUNK at a time, so a decision cut off stands for its first part.
    """
    seen = {ticket.snapshot: ticket for ticket in islice(tickets, AT_ONCE)}

    def decide(row: Snapshot) -> bool:
        return waits(row) and Ticket.of(row) == seen[row.pk] and _decided(row, accept=accept)

    done = _judge(list(seen), decide, accept=accept, by=by)
    return replace(done, left=max(len(tickets) - AT_ONCE, 0))


def undo(judgement: Judgement, by: Any) -> tuple[int, int]:
    """Give the figures of `judgement` back what they were; how many got it, and how many have changed since. Audited.

    Raises UndoRefused for another person's decision, an old one, and one that was taken back already.
    """
    _check(judgement, by)
    before = dict(judgement.figures.values_list("snapshot_id", "before"))
    restored = 0

    def decide(row: Snapshot) -> bool:
        left = Snapshot(pk=row.pk)
        _restore(left, before[row.pk])
        _decided(left, accept=judgement.accepted)
        if _state(left) != _state(row):
            return False
        _restore(row, before[row.pk])
        return True

    def note(states: dict[int, State]) -> None:
        nonlocal restored
        restored += len(states)
        happened(by, "snapshots.undo", _target(states), _detail(states) | {"was": judgement.word})

    _change(list(before), decide, note)
    Judgement.objects.standing().filter(pk=judgement.pk).update(undone_at=clock.now())
    return restored, len(before) - restored


def _check(judgement: Judgement, by: Any) -> None:
    if judgement.undone_at is not None:
        raise UndoRefused("This decision was taken back already.")
    if judgement.by_id != by.pk:
        raise UndoRefused("Only the person who decided can take a decision back.")
    if clock.now() - judgement.at > UNDO_WITHIN:
        hours = UNDO_WITHIN // dt.timedelta(hours=1)
        raise UndoRefused(f"This decision is more than {hours} hours old and stands.")


def _judge(ids: Collection[int], decide: Callable[[Snapshot], bool], *, accept: bool, by: Any) -> Verdict:
    """Write down a decision together with what it changes."""
    judgement: Judgement | None = None
    changed: set[int] = set()

    def note(states: dict[int, State]) -> None:
        nonlocal judgement
        judgement = judgement or Judgement.objects.create(by=by, accepted=accept)
        figures = [JudgedFigure(judgement=judgement, snapshot_id=pk, before=state) for pk, state in states.items()]
        JudgedFigure.objects.bulk_create(figures)
        happened(by, f"snapshots.{'accept' if accept else 'reject'}", _target(states), _detail(states))
        changed.update(states)

    _change(ids, decide, note)
    return Verdict(judgement, len(changed), tuple(sorted(set(ids) - changed)))


def _target(states: dict[int, State]) -> str:
    return f"snapshot:{next(iter(states))}" if len(states) == 1 else f"{len(states)} snapshots"


def _detail(states: dict[int, State]) -> dict[str, Any]:
    about = Snapshot.objects.filter(pk__among=states).order_by("account_id").values_list("account_id", flat=True)
    days = sorted({state["date"] for state in states.values()})
    return {"count": len(states), "ids": list(states)[:NAMED], "days": days, "accounts": list(about.distinct())}


def _change(ids: Collection[int], decide: Callable[[Snapshot], bool], note: Callable[[dict[int, State]], None]) -> None:
    """Let `decide` change each row; in the same transaction `note` writes down how the changed ones were before."""
    in_order = Snapshot.objects.filter(pk__in=list(ids)).order_by("account_id", "date")
    found = list(in_order.values_list("pk", "account_id"))
    for chunk in (found[at : at + CHUNK] for at in range(0, len(found), CHUNK)):
        with transaction.atomic():
            held = LatestSnapshot.objects.hold(account for _, account in chunk)
            forget_figures(held)
            rows = list(Snapshot.objects.filter(pk__in=[pk for pk, _ in chunk], account_id__in=list(held)))
            before = {row.pk: _state(row) for row in rows}
            if changed := [row for row in rows if decide(row)]:
                _store(held, changed, before)
                note({row.pk: before[row.pk] for row in changed})


def _store(held: dict[int, LatestSnapshot], rows: list[Snapshot], before: dict[int, State]) -> None:
    """Write `rows`, then what hangs on them: totals and latest rows."""
    counted = [(row, before[row.pk]) for row in rows]
    for quality in Quality.values:  # most rows become alike: one plain statement takes them all
        alike = [row.pk for row in rows if row.aside is None and row.quality == quality]
        Snapshot._base_manager.filter(pk__in=alike).update(quality=quality, aside=None)
    Snapshot._base_manager.bulk_update([row for row in rows if row.aside is not None], ["quality", "aside"])
    refigured = [row for row, state in counted if _state(row)["figures"] != state["figures"]]
    Snapshot._base_manager.bulk_update(refigured, [*FIGURES, "observed_at", "source", "read_from"])
    was = {(row.account_id, row.date): state["figures"]["followers"] for row, state in counted if _published(state)}
    now = {(row.account_id, row.date): row.followers for row in rows if row.quality == Quality.PUBLISHED}
    recount(held, was, now, beside(held, was, now))
    accounts = {row.account_id for row in rows}
    LatestSnapshot.objects.refresh({account: held[account] for account in accounts})


def _published(state: State) -> bool:
    return bool(state["quality"] == Quality.PUBLISHED)


def _decided(row: Snapshot, *, accept: bool) -> bool:
    """Enter the decision in `row`, unsaved; whether that changed it."""
    before = row.quality, row.aside
    if accept:
        row.release()
    elif row.aside:
        row.aside = None
    else:
        row.quality = Quality.REJECTED
    return before != (row.quality, row.aside)


def _state(row: Snapshot) -> State:
    """Everything a decision can change, as JSON."""
    return {
        "date": row.date.isoformat() if row.date else "",
        "quality": str(row.quality),
        "aside": row.aside,
        "figures": {
            "observed_at": row.observed_at.astimezone(dt.UTC).isoformat(),
            "source": str(row.source),
            "read_from": row.read_from,
            **{name: getattr(row, name) for name in FIGURES},
        },
    }


def _restore(row: Snapshot, state: State) -> None:
    row.date = dt.date.fromisoformat(state["date"])
    row.quality, row.aside = state["quality"], state["aside"]
    for name, value in state["figures"].items():
        setattr(row, name, dt.datetime.fromisoformat(value) if name == "observed_at" else value)
