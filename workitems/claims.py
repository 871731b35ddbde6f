"""Who has an item open: a reviewer's claim with a lease, which others are told of and may take over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from perf.clock import db_now, lease_over
from perf.events import happened
from workitems.models import WorkItem, WorkItemQuerySet
from workitems.workflow import REVIEW, name_of

LEASE = timedelta(minutes=15)
"""How long a claim lasts after the page that holds it was heard of last."""


class Claimed(Exception):
    """Someone else has the item open. `current` is the item as it is, with who and until when."""

    def __init__(self, current: WorkItem) -> None:
        until = f"{timezone.localtime(current.claimed_until):%H:%M}" if current.claimed_until else ""
        super().__init__(f"{current.claimed_by_name} has {current.number} open until {until}.")
        self.current = current


def claim(item: WorkItem, by: Any, *, instead_of: int | None = None) -> WorkItem:
    """Take or renew the claim of `item`; from `instead_of` (a user's id) even while theirs lasts. Raises Claimed.

    Of several who claim at once one gets it: the database compares, by its own clock.
    """
    free = _free_for(by)
    if instead_of is not None:
        free |= Q(claimed_by=instead_of)
    rows = WorkItem.objects.present().filter(free, pk=item.pk)
    if not rows.update(claimed_by=by, claimed_by_name=name_of(by), claimed_until=db_now(LEASE)):
        raise Claimed(WorkItem.objects.get(pk=item.pk))
    if instead_of is not None:
        happened(by, "workitems.take_over", item.number, {"from": instead_of})
    item.refresh_from_db()
    return item


def release(item: WorkItem, by: Any) -> None:
    """Give one's claim up; nothing happens to another's."""
    mine = WorkItem.objects.filter(pk=item.pk, claimed_by=by)
    mine.update(claimed_by=None, claimed_by_name="", claimed_until=None)


def is_claimed_from(item: WorkItem, user: Any) -> bool:
    """Whether someone other than `user` has `item` open, by the database's clock; a query where a claim is known of."""
    if item.claimed_until is None or item.claimed_by_id == user.pk:
        return False
    return not WorkItem.objects.filter(_free_for(user), pk=item.pk).exists()


def refuse_claimed(item: WorkItem, user: Any) -> None:
    """Raise Claimed where someone else has `item` open."""
    if is_claimed_from(item, user):
        raise Claimed(item)


def make_way(item: WorkItem, user: Any, *, take_over: bool = False) -> None:
    """Raise Claimed where another has `item` open and `user` reviews, too, unless it is taken over."""
    if not user.has_perm(REVIEW) or not is_claimed_from(item, user):
        return
    if not take_over:
        raise Claimed(item)
    claim(item, user, instead_of=item.claimed_by_id)


def unclaimed(rows: WorkItemQuerySet, user: Any) -> WorkItemQuerySet:
    """Those of `rows` that nobody but `user` has open."""
    return rows.filter(_free_for(user))


def _free_for(user: Any) -> Q:
    return Q(claimed_until=None) | Q(claimed_by=user) | lease_over("claimed_until", LEASE)
