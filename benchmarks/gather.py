"""Gathering against the fake platforms: ours beside Scrapy, five threads with requests, and bare aiohttp."""

from __future__ import annotations

import os
from datetime import timedelta
from tempfile import NamedTemporaryFile
from typing import Any

from django.db import connection

from accounts.models import Account, Organization
from benchmarks import ground
from benchmarks.ground import Line
from perf import clock
from scraping import ledger
from scraping.models import ScrapeJob
from snapshots.models import Snapshot

ACCOUNTS, IN_FLIGHT, LATENCY = 20_000, 500, [0.05, 0.2]
SINGLE, BATCHED = "truth_social", ("bluesky", "x")
PATHS = {SINGLE: "truthsocial.com/api/v1/accounts/lookup?acct="}
FEWER = 50  # the predecessor's way takes minutes for a thousand accounts; its speed does not depend on their number


def measure(accounts: int = ACCOUNTS) -> list[Line]:
    """Every variant on the same fakes, one after the other."""
    with ground.quick_fakes(LATENCY, (SINGLE, *BATCHED)) as url:
        os.environ |= {
            "FAKE_PLATFORMS_URL": url,
            "SCRAPE_PAGE_PLATFORMS": SINGLE,
            "SCRAPE_WORKERS": str(IN_FLIGHT),
            "X_TOKEN": "benchmark",
            "X_MONTHLY_BUDGET_USD": "1000000000",
        }
        ours = _ours(SINGLE, accounts)
        batched = {name: _ours(name, accounts) for name in BATCHED}
        aiohttp = _peer("bare_aiohttp", url, accounts)
        scrapy = _peer("with_scrapy", url, max(accounts // 4, 500))
        _emptied()
        _seeded(SINGLE, fewer := max(accounts // FEWER, 50))
        threads = ground.run("benchmarks.peers.five_threads", url, fewer)
    return _lines(ours, batched, scrapy, aiohttp, threads)


def _peer(name: str, url: str, accounts: int) -> dict[str, Any]:
    """What a peer takes that only fetches the addresses of so many accounts."""
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(f"{url}/{PATHS[SINGLE]}user{n}" for n in range(accounts)))
        file.flush()
        return ground.run(f"benchmarks.peers.{name}", file.name, IN_FLIGHT)


def _ours(platform: str, accounts: int) -> dict[str, Any]:
    """A night in the middle of a year: names and ids are known, yesterday's figures are there."""
    _emptied()
    _seeded(platform, accounts)
    for day in (clock.today() - timedelta(days=1), clock.today()):
        ledger.request_scrape(Account.objects.all(), None)
        ScrapeJob.objects.open().update(date=day)
        _analyze()
        took = ground.run("benchmarks.gathering_worker", platform)
    stored = Snapshot.objects.published().filter(date=clock.today()).count()
    if stored != accounts:
        raise RuntimeError(f"{stored} of {accounts} accounts of {platform} have a figure")
    return took


def _emptied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_account, accounts_organization, scraping_permitblock CASCADE")


def _analyze() -> None:
    """As autovacuum does between two nights."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _seeded(platform: str, count: int) -> None:
    owners = Organization.objects.bulk_create([Organization(name=f"Office {n}") for n in range(49)])
    suffix = ".bsky.social" if platform == "bluesky" else ""
    handles = [f"user{n}{suffix}" for n in range(count)]
    rows = [
        Account(platform=platform, handle=handle, handle_key=handle, organization=owners[n % 49])
        for n, handle in enumerate(handles)
    ]
    Account.objects.bulk_create(rows, batch_size=2_000)


def _lines(
    ours: dict[str, Any],
    batched: dict[str, dict[str, Any]],
    scrapy: dict[str, Any],
    aiohttp: dict[str, Any],
    threads: dict[str, Any],
) -> list[Line]:
    """Speeds and CPU of all, with the goals of goals.md."""
    goals = {"Scrapy, fetch only": (scrapy, 8.0), "bare aiohttp, fetch only": (aiohttp, 0.6)}
    print(f"Accounts asked for: ours and aiohttp {ours['accounts']:,}, Scrapy {scrapy['accounts']:,}, ", end="")
    print(f"5 threads {threads['accounts']:,}: the slower ones fewer, as their speed does not depend on the number.")
    goals["5 threads with requests, recording"] = (threads, 70.0)
    speed, cpu = _speed(ours), _cpu(ours)
    lines = [Line("one account a call", "ours, recording", speed, "accounts/s")]
    for name, (took, goal) in goals.items():
        ratio = speed / _speed(took)
        stated = f"ours ≥ {goal:g} ×"
        lines.append(Line("one account a call", name, _speed(took), "accounts/s", ratio, stated, ratio >= goal))
    lines.append(Line("one account a call", "ours, recording", cpu, "CPU s per 1,000", None, "≤ 0.6", cpu <= 0.6))
    for name, (took, _) in goals.items():
        spent = _cpu(took)
        share = ("ours ≤ 1/6", cpu <= spent / 6) if took is threads else ("", None)
        lines.append(Line("one account a call", name, spent, "CPU s per 1,000", cpu / spent, *share))
    for name, took in batched.items():
        speed = _speed(took)
        goal = ("≥ 10,000", speed >= 10_000)
        lines.append(Line(f"batches ({name})", "ours, recording", speed, "accounts/s", None, *goal))
        lines.append(Line(f"batches ({name})", "ours, recording", _cpu(took), "CPU s per 1,000"))
    return lines


def _speed(took: dict[str, Any]) -> float:
    return float(took["accounts"] / took["seconds"])


def _cpu(took: dict[str, Any]) -> float:
    return float(took["cpu"] / took["accounts"] * 1000)
