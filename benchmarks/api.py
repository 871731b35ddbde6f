"""The API beside bare WSGI, Django's hello world, what most sites ship, raw SQL and the predecessors' way."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.db import connection

from accounts.models import Account
from benchmarks import api_day, serving
from benchmarks.ground import Line
from benchmarks.load import request
from benchmarks.serving import Client, Load, load
from project.roles import Scope
from project.views import make_token
from snapshots.benchmarks import benchmarks as answers_compared
from snapshots.models import Snapshot

ACCOUNTS, DAYS = 3_000, 365
SMALLER = 10  # growth is measured from a tenth of the accounts
CONNECTIONS = (1, 16, 64)
SECONDS = 1.5  # under each load
VARIANTS = (
    64  # accounts and days that cold reads turn through: two at once for the same answer would wait for each other
)
READER = "reader"
GRID, SUMMARY = "/api/grid", "/api/summary"

SHARED = ("platform", "handle", "org_name", "date", "followers", "engagement", "posts", "source", "rounded", "change_7")
"""What every summary says of an account, the moment of observation aside, which is written in two ways."""

Loads = dict[int, Load]


def measure(accounts: int = ACCOUNTS, days: int = DAYS, seconds: float = SECONDS) -> list[Line]:
    """Every variant one after the other on the same data."""
    os.environ |= {"RATE_LIMIT_READS": "1000000000", "SLOW_REQUEST_THRESHOLD": "60", "LOG_LEVEL": "ERROR"}
    token, cookie = reader()
    seed(max(accounts // SMALLER, 1), days)
    small = _cold(token, seconds)
    seed(accounts, days)
    for case in answers_compared():
        if case.check:
            case.check()
    large = _cold(token, seconds)
    peers = _cold_peers(seconds, token)
    lines = [*_warm_lines(_warm(token, cookie, seconds)), *_cold_lines(large, peers), *_growth_lines(small, large)]
    return [*lines, *api_day.measure()]


def seed(accounts: int, days: int) -> None:
    """Fill the database with `accounts` of `days` days instead of what was there, and let PostgreSQL count it."""
    call_command("seed", accounts=accounts, days=days, yes=True)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def reader() -> tuple[str, str]:
    """Headers that prove who asks: a token's, and a session's."""
    user = get_user_model().objects.create_superuser(READER, password=None)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    token = make_token(user, name="benchmark", scope=Scope.READ, expires_at=None)
    return f"Authorization: Bearer {token}", f"Cookie: {settings.SESSION_COOKIE_NAME}={session.session_key}"


# --- Warm ----------------------------------------------------------------------------------------


def _warm(token: str, cookie: str, seconds: float) -> dict[str, Loads]:
    """The grid's first page, which is in the cache, and the same bytes from everybody else."""
    found: dict[str, Loads] = {}
    with serving.serving(serving.OURS) as port:
        body = _body(port, token)
        for name, headers in {
            "ours, token": [token],
            "ours, session": [cookie],
            "ours, token, brotli": [token, "Accept-Encoding: br"],
        }.items():
            found[name] = _loads(port, [request(GRID, *headers)], seconds)
    with _file(body) as file:
        for name, (application, path, headers) in {
            "bare WSGI": ("benchmarks.peers.bare_wsgi", "/", []),
            "Django's hello world": ("benchmarks.peers.hello_django", "/hello", []),
            "usual middleware, session, cache_page": ("benchmarks.peers.usual_django", "/figures", [cookie]),
        }.items():
            with serving.serving(f"{application}:application", PEER_BODY=str(file)) as port:
                found[name] = _loads(port, [request(path, *headers)], seconds)
    return found


def _body(port: int, token: str) -> bytes:
    """The bytes of the warm answer; raises RuntimeError when the second read is no hit."""
    client, header = Client(port), dict([token.split(": ", 1)])
    body = client.get(GRID, **header).body
    state = client.get(GRID, **header).headers.get("x-cache")
    if state != "HIT":
        raise RuntimeError(f"the second read of {GRID} is {state}, not HIT")
    return body


@contextmanager
def _file(body: bytes) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "body"
        path.write_bytes(body)
        yield path


def _loads(port: int, requests: list[str], seconds: float) -> Loads:
    return {count: load(port, requests, count, seconds) for count in CONNECTIONS}


def _warm_lines(found: dict[str, Loads]) -> Iterator[Line]:
    """What the load generator itself could do, then rates with ours against each, and times."""
    ceiling = found["bare WSGI"][max(CONNECTIONS)].ceiling
    yield Line("the load generator, per second of its CPU", "itself", ceiling, "requests/s")
    goals = {"Django's hello world": 2.0, "usual middleware, session, cache_page": 18.0}
    ours = found["ours, token"]
    for name, loads in found.items():
        for count, seen in loads.items():
            case, ratio = f"warm grid, {count} connections", ours[count].rate / seen.rate
            goal = goals.get(name) if count == max(CONNECTIONS) else None
            verdict = ("", None) if goal is None else (f"ours ≥ {goal:g} ×", ratio >= goal)
            yield Line(case, name, seen.rate, "requests/s", ratio, *verdict)
            yield Line(case, name, seen.p50, "ms p50")
            yield Line(case, name, seen.p99, "ms p99")


# --- Cold ----------------------------------------------------------------------------------------


def _questions() -> dict[str, tuple[list[str], list[str]]]:
    """By case: paths of ours, and those of the peers that ask the same."""
    longest = Account.objects.order_by("-latest__days", "-pk").exclude(latest__days=None)
    named = list(longest.values_list("platform", "handle")[:VARIANTS])
    days = Snapshot.objects.order_by("-date").values_list("date", flat=True).distinct()[:VARIANTS]
    return {
        "grid": ([GRID], ["/grid"]),
        "grid of a day": ([f"{GRID}?day={day}" for day in days], [f"/grid?day={day}" for day in days]),
        "history of all days": (
            [f"/api/history/{platform}/{handle}" for platform, handle in named],
            [f"/history?platform={platform}&handle={handle}" for platform, handle in named],
        ),
        "summary": ([SUMMARY], ["/summary"]),
    }


def _cold(token: str, seconds: float) -> dict[str, Loads]:
    """Ours with a cache that keeps nothing."""
    with serving.serving(serving.OURS, **serving.uncached()) as port:
        return {
            case: _cold_loads(port, [request(path, token) for path in ours], seconds)
            for case, (ours, _) in _questions().items()
        }


def _cold_loads(port: int, requests: list[str], seconds: float) -> Loads:
    """One connection where there is one answer: several at once would wait for each other."""
    counts = CONNECTIONS if len(requests) > 1 else CONNECTIONS[:1]
    return {count: load(port, requests, count, seconds) for count in counts}


def _cold_peers(seconds: float, token: str) -> dict[str, dict[str, Loads]]:
    """Raw SQL, which gives the same rows as ours, and the predecessors' way, one connection at a time."""
    found: dict[str, dict[str, Loads]] = {}
    for name, module in {"raw SQL and orjson": "raw_sql", "predecessors' way": "naive_django"}.items():
        with serving.serving(f"benchmarks.peers.{module}:application") as port:
            if module == "raw_sql":
                _compare(port, token)
            found[name] = {
                case: _peer_loads(port, [request(path) for path in theirs], seconds, naive=module != "raw_sql")
                for case, (_, theirs) in _questions().items()
                if module == "raw_sql" or case != "grid of a day"
            }
    return found


def _peer_loads(port: int, requests: list[str], seconds: float, *, naive: bool) -> Loads:
    if naive:  # it takes seconds for one answer where there are many rows
        return {1: load(port, requests, 1, max(seconds, 10.0))}
    return _cold_loads(port, requests, seconds)


def _compare(port: int, token: str) -> None:
    """Raises RuntimeError unless raw SQL gives the rows that ours gives."""
    theirs, header = Client(port), dict([token.split(": ", 1)])
    with serving.serving(serving.OURS, **serving.uncached()) as own:
        ours = Client(own)
        for case, (paths, same) in _questions().items():
            pair = (json.loads(ours.get(paths[0], **header).body), json.loads(theirs.get(same[0]).body))
            if _rows(pair[0]) != _rows(pair[1]):
                raise RuntimeError(f"{case}: raw SQL and ours give different rows")


def _rows(answer: Any) -> Any:
    """What an answer of either side says, whatever it wraps it in; days without a figure left out."""
    if isinstance(answer, list):
        return [[row[name] for name in SHARED] for row in answer]
    if "dates" in answer:
        days = zip(answer["dates"], answer["followers"], answer["engagement"], strict=True)
        return [list(day) for day in days if day[1] is not None]
    return answer["data"]


def _cold_lines(ours: dict[str, Loads], peers: dict[str, dict[str, Loads]]) -> Iterator[Line]:
    """Times of ours as multiples of raw SQL's, and how many times as long the predecessors' way takes."""
    least = {"grid": 60.0, "history of all days": 4.0, "summary": 20.0}
    for case, loads in ours.items():
        for count, seen in loads.items():
            title = f"cold {case}, {count} connections"
            yield Line(title, "ours", seen.p50, "ms p50")
            yield Line(title, "ours", seen.p99, "ms p99")
            yield Line(title, "ours", seen.rate, "requests/s")
            for name, found in peers.items():
                if (theirs := found.get(case, {}).get(count)) is None:
                    continue
                yield Line(title, name, theirs.rate, "requests/s")
                if name.startswith("raw"):
                    goal = ("ours ≤ 2 ×", seen.p50 <= 2 * theirs.p50) if count == 1 else ("", None)
                    yield Line(title, name, theirs.p50, "ms p50", seen.p50 / theirs.p50, *goal)
                else:
                    ratio = theirs.p50 / seen.p50
                    yield Line(title, name, theirs.p50, "ms p50", ratio, f"≥ {least[case]:g} ×", ratio >= least[case])


def _growth_lines(small: dict[str, Loads], large: dict[str, Loads]) -> Iterator[Line]:
    """The same cold reads with ten times the accounts. The summary grows with them: it names every one."""
    for case in ("grid", "grid of a day", "history of all days"):
        before, after = small[case][1].p50, large[case][1].p50
        ratio = after / before
        yield Line(f"growth ×{SMALLER}, cold {case}", "ours", after, "ms p50", ratio, "≤ 1.3 ×", ratio <= 1.3)
