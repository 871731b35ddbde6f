"""Accounts on hold: somebody else may answer under their handle, so nothing is fetched until a person decides."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models import Q

from accounts.writing import Row, WritingQuerySet, chunked
from perf.clock import now
from perf.events import happened

if TYPE_CHECKING:
    from accounts.models import Person


class Hold(models.TextChoices):
    """Why nothing is fetched for an account although it is active."""

    REASSIGNED = "reassigned", "The handle now belongs to somebody else"


class HoldQuerySet(WritingQuerySet[Row]):
    """What may be fetched and what is on hold; both changes, each announced once for all its rows."""

    def scrapable(self) -> Self:
        """Active accounts that are not on hold: those that are planned and may be requested."""
        return self.filter(is_active=True, held="")

    def on_hold(self) -> Self:
        """Active accounts that wait for a person's decision, the longest first."""
        return self.filter(~Q(held=""), is_active=True).order_by("held_at", "pk")

    def hold(self, ids: Collection[int], why: str) -> int:
        """Fetch nothing more for those of the accounts `ids` that are not on hold yet, because of `why`; how many.

        Audited.
        """
        with transaction.atomic():
            held: list[int] = []
            for part in chunked(sorted(ids)):
                held += self.filter(pk__in=part)._locked_ids(held="")
            self._write(held, {"held"}, held=why, held_at=now())
            if held:
                happened(None, "accounts.hold", f"{len(held)} accounts", {"ids": held, "why": why})
        return len(held)

    def release(self, by: Person, *, accept_new_id: bool) -> int:
        """Fetch those of these accounts that are on hold again; how many that were.

        With `accept_new_id` the id they were known by is forgotten, so that the next scrape learns the present one;
        their figures stay and go on. Without it only answers under the known id will count.
        """
        forgotten: dict[str, Any] = {"external_id": ""} if accept_new_id else {}
        with transaction.atomic():
            ids = self.exclude(held="")._locked_ids()
            self._write(ids, {"held", *forgotten}, held="", held_at=None, **forgotten)
            if ids:
                detail = {"count": len(ids), "ids": ids, "accept_new_id": accept_new_id}
                happened(by, "accounts.release", f"{len(ids)} accounts", detail)
        return len(ids)
