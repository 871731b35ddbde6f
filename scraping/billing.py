"""Who was paid for already, where a platform bills what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Exists, OuterRef

from accounts.models import FormerHandle
from scraping.connectors.base import Missing
from scraping.models import Attempt
from scraping.outcomes import OK, SUSPECT


def paid_on(platform: str, day: date, account_ids: Sequence[int]) -> frozenset[int]:
    """Those of the accounts whose jobs were claimed and read on `day` (UTC): the platform bills each user once a day.

    A call that found nobody before one that failed was read by no job; under another handle or id it is another user.
    The claim is on the database's clock and comes before the call, so a wrong clock or a late midnight makes nobody
    paid who is not.
    """
    midnight = datetime.combine(day, time(), UTC)
    renamed = FormerHandle.objects.filter(account=OuterRef("account"), retired_at__gte=OuterRef("started_at"))
    later = Attempt.objects.filter(account=OuterRef("account"), started_at__gte=OuterRef("started_at"))
    read = Attempt.objects.filter(
        ~Exists(renamed),
        ~Exists(later.filter(outcome=Missing.REASSIGNED)),
        platform=platform,
        account__in=account_ids,
        job__started_at__gte=midnight,
        job__outcome__in=(OK, SUSPECT),
        outcome=OK,
        started_at__gte=midnight - timedelta(days=1),  # of a wrong clock too; so few rows that the index finds them
    )
    return frozenset(read.values_list("account_id", flat=True))
