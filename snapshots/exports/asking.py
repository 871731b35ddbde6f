"""Asking for an export that a worker writes, and taking it back."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from perf.events import happened
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, State

OPEN_MAX = 2  # exports of one person that wait or are written
KEPT_MAX = 10  # files of one person


class Refused(Exception):
    """Why no export was started, as a sentence."""


@transaction.atomic
def ask(
    kind: str, filters: ExportFilters, user: AbstractBaseUser | AnonymousUser, *, compressed: bool = False
) -> ExportJob:
    """The export that `user` wants: the open one that was asked for alike, or a new one. Audited.

    Refused when the user has OPEN_MAX under way, or KEPT_MAX files. A worker finds the row by itself.
    """
    people = get_user_model()._default_manager.select_for_update()
    owner = people.get(pk=user.pk)  # type: ignore[misc]  # signed in; locked, so that two requests count one another
    mine = ExportJob.objects.of(user)
    wanted: dict[str, Any] = {"kind": kind, "compressed": compressed, "filters": filters.given()}
    under_way = list(mine.open())
    for job in under_way:
        if all(getattr(job, name) == value for name, value in wanted.items()):
            return job
    if len(under_way) >= OPEN_MAX:
        raise Refused(f"You have {OPEN_MAX} exports under way. Wait for one of them or cancel it. Nothing was started.")
    if mine.filter(state=State.DONE).count() >= KEPT_MAX:
        raise Refused(f"You keep {KEPT_MAX} files. Delete one that you have downloaded. Nothing was started.")
    happened(user, "snapshots.export", kind, wanted["filters"])
    return ExportJob.objects.create(owner=owner, total=filters.most(), **wanted)


@transaction.atomic
def take_back(job: ExportJob, user: AbstractBaseUser | AnonymousUser) -> None:
    """Cancel the export or delete its file; a worker that writes it stops within seconds. Audited."""
    happened(user, "snapshots.export_deleted", str(job.pk), {"state": job.state})
    job.delete()
