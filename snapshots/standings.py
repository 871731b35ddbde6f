"""Where accounts stand: their latest figure and the cell they are counted under, held for a recording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q

from snapshots import statements
from snapshots.models import LatestSnapshot


@dataclass(slots=True)
class Standing:
    """An account's latest row as far as recording needs it; see LatestSnapshot for what the fields mean."""

    account_id: int
    platform: str
    organization_id: int
    is_active: bool
    days: int
    date: date | None
    source: str
    followers: int | None

    @property
    def counts(self) -> bool:
        """Whether the totals count its latest day."""
        return self.date is not None and self.followers is not None


_FIELDS = ("account_id", "platform", "organization_id", "is_active", "days", "date", "source", "followers")


def hold(account_ids: Iterable[int]) -> dict[int, Standing]:
    """Lock the latest rows of `account_ids` until the transaction ends, as LatestSnapshot.objects.hold does.

    Rows come as what a recording needs: 100,000 model objects cost more than all else that it does.
    """
    ids = sorted(set(account_ids))
    statements.share_accounts(ids)
    statements.insert_latest(ids)
    locked = LatestSnapshot.objects.filter(pk__among=ids).order_by("account_id").select_for_update()
    held = {row[0]: Standing(*row) for row in locked.values_list(*_FIELDS)}
    _follow(held)
    return held


def _follow(held: dict[int, Standing]) -> None:
    """Count accounts that were moved or switched past the product where they belong now.

    Asked for once the rows are locked: what another transaction changed while we waited is seen.
    """
    cell = Q(platform=F("account__platform"), is_active=F("account__is_active"))
    cell &= Q(organization=F("account__organization"))
    moved = list(LatestSnapshot.objects.filter(~cell, pk__among=held).values_list("pk", flat=True))
    for account, row in LatestSnapshot.objects.hold(moved).items() if moved else ():
        held[account].platform, held[account].organization_id, held[account].is_active = row.cell
