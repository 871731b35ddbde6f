"""The predecessor's way: five threads, a call of `requests` for each account, a look-up and a write for each."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

django.setup()

import requests  # noqa: E402  # after setup
from django.db import connection  # noqa: E402

from accounts.models import Account  # noqa: E402
from benchmarks.peers.usage import Usage  # noqa: E402
from perf import clock  # noqa: E402
from snapshots.models import Snapshot  # noqa: E402

THREADS = 5


def scrape(url: str, account: Account) -> None:
    """Fetch one profile and upsert its row of the day."""
    profile: dict[str, Any] = requests.get(
        f"{url}/truthsocial.com/api/v1/accounts/lookup", params={"acct": account.handle}, timeout=30
    ).json()
    figures = {
        "observed_at": clock.now(),
        "source": "simulated",
        "followers": profile["followers_count"],
        "following": profile["following_count"],
        "posts": profile["statuses_count"],
    }
    rows = Snapshot._base_manager
    if not rows.filter(account=account, date=clock.today()).update(**figures):
        rows.bulk_create([Snapshot(account=account, date=clock.today(), **figures)])


def main(url: str, count: int) -> int:
    """Scrape `count` accounts; how many have a row."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda account: scrape(url, account), Account.objects.order_by("pk")[:count]))
        list(pool.map(lambda _: connection.close(), range(THREADS)))
    return Snapshot._base_manager.filter(date=clock.today()).count()


if __name__ == "__main__":
    usage = Usage()
    usage.tell(main(sys.argv[1], int(sys.argv[2])))
