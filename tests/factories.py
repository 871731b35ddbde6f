"""Rows that tests start from: people by role, organisations, accounts. Every argument has a working default."""

from __future__ import annotations

import datetime as dt
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.core.management import call_command

from accounts.models import Account, Organization
from perf import clock
from snapshots.models import Snapshot, Source
from workitems.models import Photo, WorkItem
from workitems.workflow import submit

PASSWORD = "correct horse battery"
_numbers = count(1)


def user(role: str = "", **fields: Any) -> AbstractUser:
    """A user in the group `role` (none: signed in, nothing more), with PASSWORD as password."""
    fields.setdefault("username", f"{role or 'user'}{next(_numbers)}")
    person: AbstractUser = get_user_model().objects.create_user(password=fields.pop("password", PASSWORD), **fields)
    if role:
        person.groups.add(_group(role))
    return person


def _group(role: str) -> Group:
    """The role's group; a test that empties the database empties the groups too."""
    if not Group.objects.filter(name=role).exists():
        call_command("sync_roles", verbosity=0)
    return Group.objects.get(name=role)


def organization(name: str = "") -> Organization:
    """The organisation of that name, or a new one."""
    return Organization.objects.get_or_create(name=name or f"Office {next(_numbers)}")[0]


def account(platform: str = "x", handle: str = "", **fields: Any) -> Account:
    """An account on `platform`; its organisation is made unless `organization` is given."""
    if "organization" not in fields:
        fields["organization"] = organization()
    return Account.objects.create(platform=platform, handle=handle or f"handle{next(_numbers)}", **fields)


def snapshot(
    of: Account | None = None, date: dt.date | None = None, followers: int | None = 1_000, **fields: Any
) -> Snapshot:
    """A published day of an account (a new one, today, unless given), with latest row and totals."""
    fields.setdefault("source", Source.OBSERVED)
    fields.setdefault("observed_at", clock.now())
    day = date or clock.today()
    return Snapshot.objects.create(account=of or account(), date=day, followers=followers, **fields)


def item(by: AbstractUser | None = None, photos: int = 0, **fields: Any) -> WorkItem:
    """A submitted work item of `by` (a new crew member), with rows, but no files, of `photos` ready photos."""
    words = {"location": "Engine room", "description": "Valve leaks", "detail": "Replace the seal"}
    made = submit(WorkItem(**words | fields), by or user("crew"))
    for position in range(photos):
        photo(made, position=position)
    WorkItem.objects.filter(pk=made.pk).recount()
    made.refresh_from_db()
    return made


def photo(of: WorkItem, **fields: Any) -> Photo:
    """A row of a ready photo of an item, without files; the caller counts anew."""
    paths = {"original": "originals/a.jpg", "rendition": "renditions/a.jpg", "thumbnail_path": "renditions/a_thumb.jpg"}
    values = {"sha256": "0" * 64, "size": 9, "width": 576, "height": 432, "state": Photo.State.READY}
    return Photo.objects.create(work_item=of, **paths | values | fields)
