"""What waits for one person, above the list: the items that were sent back to them, under the reviewer's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from perf.cache import cached_fragment, key, user_of
from workitems.cache import WORKITEMS
from workitems.models import StatusChange, WorkItem
from workitems.workflow import WITH_CREW, Status

SHOWN = 5  # items sent back, with the words


@dataclass(frozen=True, slots=True)
class Desk:
    """Items that were sent back to a person, newest first, each with `sent_back_by` and `sent_back_at`.

    `more`: whether there are more of them; `waiting`: how many of theirs wait for review.
    """

    sent_back: Sequence[WorkItem]
    more: bool
    waiting: int


def desk_of(user: Any) -> Desk:
    """The desk of `user`. Two queries."""
    steps = StatusChange.objects.filter(work_item=OuterRef("pk"), new_status__in=WITH_CREW)
    last = steps.order_by("-changed_at", "-pk")
    by, at = (Subquery(last.values(name)[:1]) for name in ("changed_by_name", "changed_at"))
    found = list(WorkItem.objects.sent_back_to(user).annotate(sent_back_by=by, sent_back_at=at)[: SHOWN + 1])
    waiting = WorkItem.objects.waiting_for(user).filter(status=Status.SUBMITTED).count()
    return Desk(found[:SHOWN], len(found) > SHOWN, waiting)


def desk(request: HttpRequest) -> SafeString:
    """The same as HTML; kept for the person, and forgotten as lists of items are."""

    def rendered() -> str:
        return render_to_string("workitems/_assigned.html", {"desk": desk_of(request.user)})

    return cached_fragment(WORKITEMS, key("workitems:desk"), rendered, vary=user_of(request))
