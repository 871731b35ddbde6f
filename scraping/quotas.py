"""How much of each platform's quota is spent, counted from the permits as the limiter would rebuild them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Aggregate, F, Max, Q, Sum
from django.db.models.functions import Coalesce

from accounts.platforms import PLATFORMS
from perf import clock, recording
from scraping.connectors import connector_for, credential_for
from scraping.connectors.base import Connector, Window
from scraping.models import PermitBlock


@dataclass(frozen=True, slots=True)
class Quota:
    """How much of one of a platform's windows is spent. `free_at` is when all of it is free again."""

    window: Window
    used: int
    free_at: datetime

    @property
    def calls(self) -> int:
        """How many calls the window holds."""
        return self.window.calls

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return max(0, self.calls - self.used)

    @property
    def share(self) -> float:
        """The spent part, 1 when nothing is left."""
        return self.used / self.calls


def quotas_of(platforms: Collection[str]) -> dict[str, Quota]:
    """The fullest window of each platform that has one."""
    return {name: max(found, key=lambda quota: quota.share) for name, found in windows_of(platforms).items()}


def tell() -> None:
    """Record the spent share of each platform's fullest window, for the performance pages."""
    for name, quota in quotas_of(PLATFORMS).items():
        recording.gauge("outgoing.quota", quota.share, platform=name)


def windows_of(platforms: Collection[str]) -> dict[str, list[Quota]]:
    """Every window of each platform that has any (one limited per host or account has none of its own). One query."""
    now = clock.now()
    windows = {
        f"{name}_{number}": (name, window, _opened(window, now))
        for name, connector in ((name, connector_for(name)) for name in platforms)
        if isinstance(connector, Connector) and not (connector.per_host or connector.per_account)
        for number, window in enumerate(connector.windows_for(credential_for(name)))
    }
    spent = _spent(windows)
    quotas: dict[str, list[Quota]] = {}
    for key, (name, window, _) in windows.items():
        used, last = spent[key]
        quotas.setdefault(name, []).append(Quota(window, used, _frees(window, last or now)))
    return quotas


def _spent(windows: Mapping[str, tuple[str, Window, datetime]]) -> dict[str, tuple[int, datetime | None]]:
    """Calls spent in each window and when the last of them counts from, as the limiter would rebuild them."""
    if not windows:
        return {}
    asked: dict[str, Aggregate] = {}
    for key, (name, _, opened) in windows.items():
        within = Q(platform=name, counts_from__gte=opened)
        asked[f"{key}_sum"] = Sum(F("calls") - Coalesce("returned", 0), filter=within)
        asked[f"{key}_max"] = Max("counts_from", filter=within)
    blocks = PermitBlock.objects.annotate(counts_from=Coalesce("settled_at", "expires_at"))
    earliest = min(opened for _, _, opened in windows.values())
    found = blocks.filter(expires_at__gte=earliest).aggregate(**asked)
    return {key: (found[f"{key}_sum"] or 0, found[f"{key}_max"]) for key in windows}


def _opened(window: Window, now: datetime) -> datetime:
    """Since when calls count: the last `seconds`, or since midnight in the window's zone."""
    if not window.zone:
        return now - timedelta(seconds=window.seconds)
    return datetime.combine(clock.today(window.zone), time(), ZoneInfo(window.zone))


def _frees(window: Window, last: datetime) -> datetime:
    if not window.zone:
        return last + timedelta(seconds=window.seconds)
    return datetime.combine(clock.today(window.zone) + timedelta(days=1), time(), ZoneInfo(window.zone))
