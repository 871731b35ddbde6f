"""python -m benchmarks.growing ACCOUNTS DAYS SECONDS: cold p50 in ms, by question, on the database of DATABASE_URL.

The database is migrated, and seeded unless an earlier run has done so: then its comment says it.
"""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402  # the settings come first
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import Account  # noqa: E402
from benchmarks import api, serving  # noqa: E402
from benchmarks.load import request  # noqa: E402
from snapshots.models import Snapshot  # noqa: E402

FAR = 1_000  # the page far from the first, where there are as many
SEEDED = "seeded"


def main() -> None:
    """Print what each question takes."""
    accounts, days, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    call_command("migrate", verbosity=0)
    _fill(accounts, days)
    get_user_model().objects.filter(username=api.READER).delete()
    token, _ = api.reader()
    with serving.serving(serving.OURS, **serving.uncached()) as port:
        asked = _questions(serving.Client(port), token)
        found = {
            case: serving.load(port, [request(path, token) for path in paths], 1, seconds).p50
            for case, paths in asked.items()
        }
    print(json.dumps(found))


def _fill(accounts: int, days: int) -> None:
    with connection.cursor() as cursor:
        name = connection.settings_dict["NAME"]
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() == (SEEDED,):
            return
        print(f"Seeding {accounts:,} accounts of {days} days into {name} …", file=sys.stderr, flush=True)
        api.seed(accounts, days)
        cursor.execute(f'COMMENT ON DATABASE "{name}" IS %s', [SEEDED])


def _questions(client: serving.Client, token: str) -> dict[str, list[str]]:
    """By case the addresses that are asked for in turn."""
    longest = Account.objects.exclude(latest__days=None).order_by("-latest__days", "-pk")
    named = longest.values_list("platform", "handle")[: api.VARIANTS]
    days = Snapshot.objects.order_by("-date").values_list("date", flat=True).distinct()[: api.VARIANTS]
    header = dict([token.split(": ", 1)])
    far = min(FAR, json.loads(client.get(api.GRID, **header).body)["pages"])
    before = json.loads(client.get(f"{api.GRID}?page={far - 1}", **header).body)
    return {
        "grid": [api.GRID],
        "grid, newest figures": [f"{api.GRID}?day=latest"],
        "grid of a day": [f"{api.GRID}?day={day}" for day in days],
        "grid, linked page": [f"{api.GRID}?page={far}&after={before['next']}"],
        "grid, bare page": [f"{api.GRID}?page={far}"],
        "history of all days": [f"/api/history/{platform}/{handle}" for platform, handle in named],
        "summary": [api.SUMMARY],
        "summary, sums by platform": [f"{api.SUMMARY}?group=platform"],
    }


if __name__ == "__main__":
    main()
