"""System checks: settings that would fail later, told at start with what to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.http.request import validate_host

from scraping.connectors import PAGES
from scraping.connectors.base import CallFailed
from scraping.fetch import checked_url, own_host

SCRAPE_WORKERS_MAXIMUM = 1_000  # calls in flight in one process; 500 are measured (make bench-gather)
WORKER_PROCESSES_MAXIMUM = 64
WINDOW = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
POSITIVE = (
    "SLOW_REQUEST_THRESHOLD",
    "SLOW_QUERY_THRESHOLD",
    "CACHE_TTL_SUMMARY",
    "CACHE_TTL_HISTORY",
    "CACHE_TTL_GRID",
    "CACHE_TTL_ACCOUNTS",
    "CACHE_TTL_WORKITEMS",
    "CACHE_TTL_STATS",
    "CACHE_TTL_DEFAULT",
    "ITEMS_PER_PAGE",
    "MAX_ITEMS_PER_PAGE",
    "LEASE_SECONDS",
    "SCRAPE_ATTEMPT_DAYS",
    "NOTICE_DAYS",
    "PERF_MAX_SHARE",
)


@register(Tags.compatibility)
def check_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """All messages about the settings, worst first as they are found."""
    return [*_cache(), *_addresses(), *_gathering(), *_webhooks(), *_text_messages(), *_numbers(), *_folders()]


def _cache() -> Iterator[CheckMessage]:
    if not settings.REDIS_URL:
        yield Warning(
            "REDIS_URL is not set: every process keeps a cache of its own.",
            hint="Fine for one development process. Set REDIS_URL=redis://localhost:6379/0 for more.",
            id="tidemark.W001",
        )
    if settings.REDIS_URL and settings.BROKER_URL == settings.REDIS_URL:
        yield Warning(
            "BROKER_URL and REDIS_URL are the same database: a cache that evicts would lose queued work and limits.",
            hint="Leave BROKER_URL unset (it takes the next database), or give it a Redis with noeviction.",
            id="tidemark.W003",
        )


def _addresses() -> Iterator[CheckMessage]:
    base = urlsplit(settings.BASE_URL)
    if base.scheme not in {"http", "https"} or not base.hostname:
        yield Error(
            f"BASE_URL {settings.BASE_URL!r} is not an address.",
            hint="Write it as people type it, such as https://tidemark.example.org",
            id="tidemark.E004",
        )
    elif not validate_host(base.hostname, settings.ALLOWED_HOSTS):
        yield Error(
            f"BASE_URL names the host {base.hostname!r}, which is not in ALLOWED_HOSTS: every page would answer 400.",
            hint=f"Set ALLOWED_HOSTS={','.join([*settings.ALLOWED_HOSTS, base.hostname])}",
            id="tidemark.E005",
        )
    if base.scheme == "http" and base.hostname not in {"127.0.0.1", "localhost", "::1"}:
        yield Warning(
            "BASE_URL is plain http: passwords and sessions can be read on the way.",
            hint="Put TLS in front and set BASE_URL=https://…; cookies then become Secure and HSTS is sent.",
            id="tidemark.W002",
        )
    if settings.S3_ENDPOINT_URL and not urlsplit(settings.S3_ENDPOINT_URL).scheme.startswith("http"):
        yield Error(
            f"S3_ENDPOINT_URL {settings.S3_ENDPOINT_URL!r} is not an address.",
            hint="Write it with its scheme and without the bucket, such as https://s3.example.org",
            id="tidemark.E015",
        )
    for proxy in settings.TRUSTED_PROXIES:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            yield Error(
                f"TRUSTED_PROXIES holds {proxy!r}, which is no address or network.",
                hint="Write addresses or networks, such as TRUSTED_PROXIES=10.0.0.5,10.1.0.0/16",
                id="tidemark.E006",
            )


def _gathering() -> Iterator[CheckMessage]:
    if not 1 <= settings.SCRAPE_WORKERS <= SCRAPE_WORKERS_MAXIMUM:
        yield Error(
            f"SCRAPE_WORKERS is {settings.SCRAPE_WORKERS}; it may be 1 to {SCRAPE_WORKERS_MAXIMUM}.",
            hint="Platforms limit calls, not workers: 5 is enough for thousands of accounts, 500 for 100,000.",
            id="tidemark.E001",
        )
    if not 1 <= settings.WORKER_PROCESSES <= WORKER_PROCESSES_MAXIMUM:
        yield Error(
            f"WORKER_PROCESSES is {settings.WORKER_PROCESSES}; it may be 1 to {WORKER_PROCESSES_MAXIMUM}.",
            hint="Each takes up to 200 MB and fetches SCRAPE_WORKERS accounts at once: one per processor is enough.",
            id="tidemark.E012",
        )
    if not WINDOW.fullmatch(settings.SCRAPE_WINDOW) or len(set(settings.SCRAPE_WINDOW.split("-"))) != 2:
        yield Error(
            f"SCRAPE_WINDOW {settings.SCRAPE_WINDOW!r} cannot be read.",
            hint="Write two different times of day, such as SCRAPE_WINDOW=02:00-05:00",
            id="tidemark.E002",
        )
    for name in settings.SCRAPE_PAGE_PLATFORMS:
        if name not in PAGES:
            yield Warning(
                f"SCRAPE_PAGE_PLATFORMS names {name!r}, whose public pages nothing reads.",
                hint=f"Names that work: {', '.join(sorted(PAGES))}.",
                id="tidemark.W004",
            )
    budget = settings.X_MONTHLY_BUDGET_USD
    if budget is not None and budget <= 0:
        yield Error(
            f"X_MONTHLY_BUDGET_USD is {budget}; a budget is above zero.",
            hint="Leave it unset to switch the X connector off.",
            id="tidemark.E007",
        )


def _webhooks() -> Iterator[CheckMessage]:
    for name in ("ALERT_WEBHOOK", "WORKITEM_WEBHOOK"):
        url = getattr(settings, f"{name}_URL")
        if not url:
            continue
        try:
            checked_url(url, own_host(url))
        except CallFailed as problem:
            yield Error(
                f"{name}_URL cannot be posted to: {problem.detail}.",
                hint="Write a public address such as https://hooks.example.org/tidemark",
                id="tidemark.E010",
            )
        if not getattr(settings, f"{name}_SECRET"):
            yield Error(
                f"{name}_URL is set without {name}_SECRET: what is posted could be anybody's.",
                hint=f"Set {name}_SECRET to a long random text that the receiver knows too.",
                id="tidemark.E011",
            )


def _text_messages() -> Iterator[CheckMessage]:
    names = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM")
    missing = [name for name in names if not getattr(settings, name)]
    if missing and len(missing) < len(names):
        yield Error(
            f"Text messages need {', '.join(names)}. Not set: {', '.join(missing)}.",
            hint="Set all three, or none to send no text messages.",
            id="tidemark.E013",
        )


def _numbers() -> Iterator[CheckMessage]:
    for name in POSITIVE:
        if getattr(settings, name) <= 0:
            yield Error(
                f"{name} is {getattr(settings, name)}; it must be above zero.",
                hint=f"Remove {name} from the environment to get its default.",
                id="tidemark.E003",
            )
    if settings.ITEMS_PER_PAGE > settings.MAX_ITEMS_PER_PAGE:
        yield Error(
            f"ITEMS_PER_PAGE ({settings.ITEMS_PER_PAGE}) is above MAX_ITEMS_PER_PAGE ({settings.MAX_ITEMS_PER_PAGE}).",
            hint="Raise MAX_ITEMS_PER_PAGE or lower ITEMS_PER_PAGE.",
            id="tidemark.E008",
        )


def _folders() -> Iterator[CheckMessage]:
    for name in ("DATA_DIR", "MEDIA_ROOT"):
        if not _may_write(Path(getattr(settings, name))):
            yield Error(
                f"{name} {getattr(settings, name)} cannot be written to.",
                hint=f"Make it writable for the user that runs Tidemark, or set {name} to another folder.",
                id="tidemark.E009",
            )


def _may_write(folder: Path) -> bool:
    """Whether `folder` can be written to, or made where it does not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
