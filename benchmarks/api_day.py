"""A day of forty people over real HTTP while a scrape and editors write: what the cache answers and saves."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import StringIO
from itertools import accumulate
from random import Random

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command

from accounts.models import Account
from benchmarks import serving
from benchmarks.ground import Line
from benchmarks.serving import Client
from perf import clock
from project.roles import Scope
from project.views import make_token
from snapshots.models import LatestSnapshot, Source
from snapshots.recording import Sighting, record

USERS, READS, COMMITS, EDITS = 40, 3_000, 200, 20
ZIPF, TRACKED = 1.1, 10_000
NIGHT_READS = 20  # of the reads, while the scrape runs: somebody is always awake
SITTINGS, BETWEEN_EDITS = 4, 2  # an editor sits down and changes some accounts, with so many reads from one to the next
SHARES = {"summary": 60, "grid": 35, "history": 5}  # of a hundred reads: people watch overviews
SUMMARIES = ("?group=total", "?group=platform", "?group=organization")
GRIDS = ("?day=latest", "", "?day=latest&sort=-followers")
SEED = 4
HIT_RATE, SAVED = 0.95, 0.90
_COUNT = re.compile(r'desc="(\d+) queries"')


def measure() -> list[Line]:
    """The day once with the cache and once, without the writes, with none: hit rate and queries saved."""
    tokens = list(_people())
    paths = list(reads(Random(SEED)))  # noqa: S311  # nothing secret
    states, queries = _live(paths, tokens)
    with serving.serving(serving.OURS, **serving.uncached()) as port:
        client = Client(port)
        spent = sum(_queries(client, path, tokens[n % USERS])[1] for n, path in enumerate(paths))
    hits = sum(state in {"HIT", "STALE"} for state in states)
    rate, saved = hits / len(states), 1 - queries / spent
    title = f"a day: {USERS} people, {READS} reads, {COMMITS} commits of a scrape, {EDITS} edits"
    return [
        Line(title, "answered from the cache", rate, "of reads", None, f"≥ {HIT_RATE:g}", rate >= HIT_RATE),
        Line(title, "queries without a cache", spent, "queries"),
        Line(title, "ours", queries, "queries", queries / spent, f"{SAVED:.0%} cut", saved >= SAVED),
    ]


def _people() -> Iterator[str]:
    """Tokens of viewers."""
    call_command("sync_roles", verbosity=0, stdout=StringIO())
    group = Group.objects.get(name="viewer")
    for number in range(USERS):
        user = get_user_model().objects.create_user(f"viewer{number}")
        user.groups.add(group)
        yield make_token(user, name="day", scope=Scope.READ, expires_at=None)


def reads(chance: Random) -> Iterator[str]:
    """The addresses of the day's reads, in order: overviews by turns of taste, histories by Zipf's law."""
    tracked = list(Account.objects.active().order_by("pk").values_list("platform", "handle")[:TRACKED])
    shares = list(accumulate(1 / rank**ZIPF for rank in range(1, len(tracked) + 1)))
    for kind in chance.choices(list(SHARES), list(SHARES.values()), k=READS):
        if kind == "history":
            platform, handle = tracked[bisect_left(shares, chance.random() * shares[-1])]
            yield f"/api/history/{platform}/{handle}?days=90"
        else:
            yield f"/api/{kind}{chance.choice(SUMMARIES if kind == 'summary' else GRIDS)}"


def _live(paths: list[str], tokens: list[str]) -> tuple[list[str], int]:
    """Read while others write: X-Cache of each answer, and the queries of all."""
    states, queries = [], 0
    due = writes(len(paths))
    with serving.serving(serving.OURS) as port:
        client = Client(port)
        for number, path in enumerate(paths):
            for write in due.get(number, ()):
                write()
            state, count = _queries(client, path, tokens[number % USERS])
            states.append(state)
            queries += count
    return states, queries


def writes(count: int) -> dict[int, list[Callable[[], object]]]:
    """What is written before which of `count` reads: the night's commits first, editors' changes over the day."""
    accounts = list(LatestSnapshot.objects.known().order_by("pk").values_list("account_id", "followers"))
    size = -(-len(accounts) // COMMITS)
    due: dict[int, list[Callable[[], object]]] = defaultdict(list)
    for number in range(COMMITS):
        part = accounts[number * size : (number + 1) * size]
        due[number * NIGHT_READS // COMMITS].append(partial(_scraped, part))
    for number in range(EDITS):
        sitting, place = divmod(number, EDITS // SITTINGS)
        at = NIGHT_READS + sitting * (count - NIGHT_READS) // SITTINGS + place * BETWEEN_EDITS
        due[at].append(partial(_edited, accounts[number][0], f"Team {number}"))
    return due


def _scraped(accounts: Sequence[tuple[int, int | None]]) -> None:
    """One commit of a scrape: today's figures of some accounts."""
    now = clock.now()
    record(Sighting(pk, clock.today(), now, Source.SIMULATED, (count or 0) + 1) for pk, count in accounts)


def _edited(account: int, team: str) -> None:
    """One change by an editor."""
    row = Account.objects.get(pk=account)
    row.owner_team = team
    row.save()


def _queries(client: Client, path: str, token: str) -> tuple[str, int]:
    """X-Cache of one answer and how many queries it took, as the product itself says."""
    answer = client.get(path, Authorization=f"Bearer {token}")
    told = _COUNT.search(answer.headers["server-timing"])
    if told is None:
        raise RuntimeError(f"{path} does not say how many queries it took")
    return answer.headers["x-cache"], int(told[1])
