"""Figures that wait for a second look, and decisions on them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import BeforeValidator, Field

from accounts.filters import known_platform
from perf.access import requires
from perf.answers import Page, Refusal
from perf.pagination import page_number, page_size, paginate
from snapshots import judging, suspects
from snapshots.models import Judgement, Snapshot

router = Router(tags=["figures"])
SUSPECTS_PER_PAGE, MAX_SUSPECTS_PER_PAGE = 50, 200
MAX_JUDGED = 1_000  # figures that one request may name


class SuspectRow(Schema):
    """A doubted reading and the published figure it is compared with. `ticket` is what a decision names."""

    ticket: str
    platform: str
    handle: str
    date: dt.date
    before: int | None
    before_on: dt.date | None
    followers: int | None
    rounded: bool
    source: str
    observed_at: dt.datetime
    why: Literal["leap", "fall", "overtaken"]
    second_look_from: dt.datetime
    confirmable: bool


class SuspectPage(Page):
    """A page of doubted figures, newest day first."""

    data: list[SuspectRow]


class SuspectFilters(Schema):
    """Which doubted figures; junk in `page` or `per_page` means the default."""

    platform: Annotated[str, BeforeValidator(known_platform)] = Field("", description="A platform's name or alias.")
    day: dt.date | None = None
    page: str = "1"
    per_page: str = ""
    after: str = ""


class JudgeIn(Schema):
    """What to decide on which readings, by their tickets."""

    verdict: Literal["accept", "reject"]
    tickets: list[str] = Field(min_length=1, max_length=MAX_JUDGED)


class Judged(Schema):
    """What came of it: `judgement` takes it back; `conflicts` are rows that no longer waited as their tickets say."""

    judgement: int | None
    changed: int
    conflicts: list[int]


class Undone(Schema):
    """How many figures are again what they were, and how many had changed since and stayed."""

    restored: int
    kept: int


@router.get("/suspects", response=SuspectPage, exclude_unset=True, summary="Figures that wait for a second look")
@requires("snapshots.view_snapshot")
def suspect_list(request: HttpRequest, filters: Query[SuspectFilters]) -> dict[str, Any]:
    """Stored and in no total until a second reading agrees or an editor accepts them."""
    chosen = suspects.Filters(filters.platform, filters.day)
    page = paginate(
        suspects.waiting(chosen.narrow(Snapshot.objects.visible_to(request.user))),
        order=suspects.ORDER,
        page=page_number(filters.page),
        per_page=page_size(filters.per_page, SUSPECTS_PER_PAGE, MAX_SUSPECTS_PER_PAGE),
        after=filters.after,
    )
    return page.envelope([_suspect(row) for row in suspects.explained(list(page.object_list))])


@router.post("/suspects/judge", response=Judged, summary="Accept or reject doubted figures")
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def judge(request: HttpRequest, wanted: JudgeIn) -> dict[str, Any]:
    """What was judged or read again since its ticket was given stays as it is and is named among the conflicts."""
    tickets = [ticket for raw in wanted.tickets if (ticket := judging.Ticket.find(raw))]
    if len(tickets) < len(wanted.tickets):
        raise HttpError(400, "A ticket is not one that /api/suspects gave. Nothing was changed.")
    done = judging.judge_waiting(tickets, accept=wanted.verdict == "accept", by=request.user)
    judgement = done.judgement.pk if done.judgement else None
    return {"judgement": judgement, "changed": done.changed, "conflicts": list(done.conflicts)}


@router.post("/judgements/{pk}/undo", response={200: Undone, 409: Refusal}, summary="Take one's decision back")
@requires("snapshots.view_snapshot", "snapshots.judge_snapshots")
def undo(request: HttpRequest, pk: int) -> dict[str, Any]:
    """Within 24 hours, and only one's own; what has changed since the decision stays."""
    try:
        restored, kept = judging.undo(get_object_or_404(Judgement.objects.of(request.user), pk=pk), request.user)
    except judging.UndoRefused as refused:
        raise HttpError(409, str(refused)) from refused
    return {"restored": restored, "kept": kept}


def _suspect(suspect: suspects.Suspect) -> dict[str, Any]:
    """A doubted figure as the API shows it."""
    names = ("ticket", "before", "before_on", "followers", "rounded", "observed_at", "confirmable")
    account = suspect.row.account
    return {name: getattr(suspect, name) for name in names} | {
        "platform": account.platform,
        "handle": account.handle,
        "date": suspect.row.date,
        "source": suspect.source.lower(),
        "why": suspect.why.value,
        "second_look_from": suspect.second_look,
    }
