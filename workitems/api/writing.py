"""Creating and changing items as JSON, by the rules of the crew's forms."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Schema, Status
from pydantic import ConfigDict, Field

from perf.access import requires
from perf.answers import Refusal
from workitems.api.items import ItemOut, item_out, router
from workitems.editing import Conflict, differences, edit
from workitems.forms import TYPED, EditItemForm, NewItemForm
from workitems.models import WorkItem
from workitems.numbers import NumberTaken
from workitems.sending import send


class NewItem(Schema):
    """A new item."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field("", max_length=50, description="Letters, digits, - and _. Empty: the next draft number.")
    location: str = Field(max_length=200)
    description: str = Field(max_length=200)
    detail: str = Field(max_length=10_000)
    ofm: str = Field("", max_length=10_000, description="Operator furnished material.")
    key: str = Field("", max_length=64, description="Your own name of it: sent twice under one key, stored once.")


class ItemEdit(Schema):
    """What to change of an item; what is left out stays. Number, location and equipment are for reviewers."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1, le=2**31 - 1, description="The version that you read.")
    number: str = Field("", max_length=50)
    location: str = Field("", max_length=200)
    equipment: str = Field("", max_length=200)
    description: str = Field("", max_length=2000)
    detail: str = Field("", description="10,000 characters at most, or as many as there are.")
    ofm: str = Field("", description="As detail.")


class Changed(Schema):
    """One thing that somebody changed since the version that was seen."""

    field: str
    label: str
    before: str
    after: str
    by: str
    at: dt.datetime


class ItemConflict(Schema):
    """Why nothing was stored, the item that is there as it is now, and what was changed since the version seen."""

    error: str
    current: ItemOut | None = Field(None, description="None where the item that has the number is in the bin.")
    changed: list[Changed] = []


@router.post(
    "/workitems",
    response={201: ItemOut, 400: Refusal, 409: ItemConflict},
    exclude_unset=True,
    summary="Send an item in",
)
@requires("workitems.add_workitem")
def create_workitem(request: HttpRequest, body: NewItem) -> Status:
    """Store a new item; 409 where its number is taken, with the item that is there, or the key has other words."""
    form = NewItemForm(body.dict() | {"preset": TYPED if body.number else ""})
    if not form.is_valid():
        return Status(400, _invalid(form))
    try:
        item = send(form.given, by=request.user, key=form.cleaned_data["key"])
    except NumberTaken as taken:
        return Status(409, _conflict(taken, taken.existing, request.user))
    return Status(201, item_out(item, request.user))


@router.patch(
    "/workitems/{number:number}",
    response={200: ItemOut, 400: Refusal, 409: ItemConflict},
    exclude_unset=True,
    summary="Change an item",
)
@requires("workitems.change_workitem")
def change_workitem(request: HttpRequest, number: str, body: ItemEdit) -> Status:
    """Set what the body names; 409 with what changed where somebody was faster, and then nothing is stored."""
    item, user = get_object_or_404(WorkItem.objects.visible_to(request.user), number=number), request.user
    given = body.dict(exclude_unset=True)
    form = EditItemForm(given, item=item, user=user, only=given.keys())
    if not item.may_edit(user) or given.keys() - {"version", *form.names}:
        raise PermissionDenied(f"You may not change that of {item.number}.")
    if not form.is_valid():
        return Status(400, _invalid(form))
    try:
        return Status(200, item_out(edit(item, form.given, by=user, version=body.version), user))
    except Conflict as lost:
        return Status(409, _conflict(lost, lost.current, user, since=body.version))
    except NumberTaken as taken:
        return Status(409, _conflict(taken, taken.existing, user))


def _conflict(refused: Exception, there: WorkItem, user: Any, *, since: int | None = None) -> dict[str, Any]:
    """As ItemConflict has it; what is in the bin is shown to nobody."""
    changed = differences(there, since, user) if since else []
    current = None if there.deleted_at else item_out(there, user)
    return {"error": str(refused), "current": current, "changed": [asdict(each) for each in changed]}


def _invalid(form: Form) -> dict[str, Any]:
    """As every refusal of the API is: the sentence, and what is wrong by field."""
    fields = {name: [str(each) for each in wrong] for name, wrong in form.errors.items()}
    return {"error": "; ".join(f"{name}: {' '.join(wrong)}" for name, wrong in fields.items()), "fields": fields}
