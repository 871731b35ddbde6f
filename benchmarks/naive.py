"""What the two predecessors did for the same questions, put into Django's ORM line by line. Frozen: never improve it.

Their summary took the rows of the single latest day as objects; their history loaded all days of a handle found
without regard to case; their grid counted all rows, sorted them by date, platform and handle, and skipped to the page
by OFFSET. All built dictionaries and lists row by row and dates by strftime, and serialised with the standard library.
"""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Max

from accounts.models import Account
from snapshots.models import Quality, Snapshot


def summary() -> str:
    """JSON of one object per row of the latest day."""
    published = Snapshot.objects.filter(quality=Quality.PUBLISHED)
    latest = published.aggregate(latest=Max("date"))["latest"]
    objects: list[dict[str, Any]] = []
    for row in published.filter(date=latest).select_related("account__organization"):
        objects.append(  # noqa: PERF401  # as they did
            {
                "platform": row.account.platform,
                "handle": row.account.handle,
                "org_name": row.account.organization.name,
                "followers": row.followers,
                "engagement": row.engagements,
                "posts": row.posts,
            }
        )
    return json.dumps(objects)


def history(platform: str, handle: str) -> str:
    """JSON of three lists over all days of one account."""
    account = Account.objects.get(platform=platform, handle__iexact=handle)
    rows = list(Snapshot.objects.filter(account=account, quality=Quality.PUBLISHED).order_by("date"))
    return json.dumps(
        {
            "dates": [row.date.strftime("%Y-%m-%d") for row in rows],
            "followers": [row.followers for row in rows],
            "engagement": [row.engagements for row in rows],
        }
    )


def grid(page: int, per_page: int) -> str:
    """JSON of one page of rows of ten columns, and where it stands."""
    rows = Snapshot.objects.filter(quality=Quality.PUBLISHED).select_related("account__organization")
    total = rows.count()
    start = (page - 1) * per_page
    found = rows.order_by("-date", "account__platform", "account__handle")[start : start + per_page]
    data = [
        [
            row.account.platform,
            row.account.handle,
            row.account.organization.name,
            row.date.strftime("%Y-%m-%d"),
            row.followers,
            row.engagements,
            row.posts,
            row.likes,
            row.comments,
            row.shares,
        ]
        for row in found
    ]
    pages = -(-total // per_page)
    return json.dumps(
        {"data": data, "pagination": {"page": page, "per_page": per_page, "total": total, "pages": pages}}
    )
