"""Schema drift: a platform whose answers can no longer be read rests, is probed now and then, and goes on by itself.

The open alert is the state. What could not be read meanwhile is asked for again once answers can be read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.models import Account
from accounts.platforms import PLATFORMS
from perf import clock
from scraping import ledger, pauses
from scraping.connectors.base import Missing
from scraping.models import Alert, AlertQuerySet, Attempt, JobState, PlatformState, Problem, ScrapeJob
from scraping.outcomes import ANSWERED, Waiting

logger = logging.getLogger(__name__)

WINDOW = timedelta(hours=6)
DAY = timedelta(days=1)  # no clock of a worker is thought to be more wrong
ENOUGH = 20  # accounts that were asked for; of fewer, all of the platform's and none readable
FEWEST = 3  # odd accounts are no drift
SHARE = 0.5  # of them that could not be read
REST = timedelta(hours=3)  # from one probe to the next
PROBE = 5  # accounts that one probe asks for
READ = ANSWERED - {Missing.UNPARSABLE, Missing.BLOCKED}  # a wall says nothing of the shape behind it


def stands(platform: str) -> bool:
    """Whether `platform` was found to have drifted and is not known to be well again."""
    return _alerts().open().filter(key=platform).exists()


def problems() -> Iterator[Problem]:
    """Platforms that drifted; a new one is paused, a rested one judged by its probes, an ended one caught up with."""
    known = set()
    for alert in _alerts().open():
        known.add(alert.platform)
        if _goes_on(alert):
            yield Problem(alert.kind, alert.key, alert.platform, alert.detail)
    for platform, tried, unread in _counts(clock.now() - WINDOW):
        if platform not in known and unread >= FEWEST and _drifted(platform):
            pauses.pause(platform, clock.now() + REST, Waiting.SCHEMA_DRIFT)
            logger.warning("%s: %d of %d accounts could not be read: paused", platform, unread, tried)
            yield Problem(Alert.Kind.SCHEMA_DRIFT, platform, platform, {"tried": tried, "unread": unread})


def judge(platform: str) -> bool:
    """Let `platform` rest again if its probes still cannot be read; returns whether they can."""
    rested = PlatformState.objects.filter(platform=platform, host="").exclude(paused_until=None).first()
    counts = _since_rest(platform, rested.paused_until) if rested and rested.paused_until else []
    for _, tried, unread in counts:
        if unread >= SHARE * tried:
            pauses.pause(platform, clock.now() + REST, Waiting.SCHEMA_DRIFT)
            return False
    return bool(counts)


def _goes_on(alert: Alert) -> bool:
    """Whether the drift behind `alert` still stands."""
    state = PlatformState.objects.filter(platform=alert.platform, host="").first()
    if state and PlatformState.objects.paused().filter(pk=state.pk).exists():
        return True
    ended_by_a_person = state is None or state.paused_until is None  # pauses.resume alone empties it
    if not ended_by_a_person and not judge(alert.platform):
        return True
    _catch_up(alert)
    return False


@transaction.atomic
def _catch_up(alert: Alert) -> None:
    """End the pause and ask again for every account whose newest job ended because it could not be read."""
    PlatformState.objects.filter(platform=alert.platform, host="").update(paused_until=None, why="")
    newest = ScrapeJob.objects.filter(account=OuterRef("pk")).order_by("-pk")
    unread = Attempt.objects.filter(
        platform=alert.platform, outcome=Missing.UNPARSABLE, started_at__gte=alert.opened_at - WINDOW
    )
    accounts: QuerySet[Any] = Account.objects.active().filter(pk__in=unread.values("account"))
    missed = accounts.annotate(
        job_state=Subquery(newest.values("state")[:1]), job_outcome=Subquery(newest.values("outcome")[:1])
    ).filter(job_state=JobState.FAILED, job_outcome=Missing.UNPARSABLE)
    if missed.exists():
        ledger.request_scrape(Account.objects.filter(pk__among=[*missed.values_list("pk", flat=True)]), None)


def _drifted(platform: str) -> bool:
    """Whether what was asked of `platform` lately, since its last drift ended, is unreadable enough."""
    ended = _alerts().closed().filter(key=platform).values_list("closed_at", flat=True).first()
    since = clock.now() - WINDOW
    for _, tried, unread in _counts(max(since, ended) if ended else since, platform):
        everybody = tried == unread and tried >= Account.objects.active().filter(platform=platform).count()
        return unread >= FEWEST and unread >= SHARE * tried and (tried >= ENOUGH or everybody)
    return False


def _since_rest(platform: str, at: datetime) -> list[tuple[str, int, int]]:
    """As _counts, of the jobs that ended since `at` by the database's clock, however wrong that of their worker is."""
    return _counts(at - DAY, platform, job__finished_at__gt=at)


def _counts(since: datetime, platform: str = "", **which: Any) -> list[tuple[str, int, int]]:
    """Platform, accounts that answered since then, and those of them that could not be read."""
    platforms = [platform] if platform else [*PLATFORMS]  # named, because the index begins with it
    asked = READ | {Missing.UNPARSABLE}
    tries = Attempt.objects.filter(platform__in=platforms, started_at__gte=since, outcome__in=asked, **which)
    unread = Count("account", distinct=True, filter=Q(outcome=Missing.UNPARSABLE))
    answered = tries.exclude(step="none").order_by().values_list("platform")
    return list(answered.annotate(tried=Count("account", distinct=True), unread=unread))


def _alerts() -> AlertQuerySet:
    return Alert.objects.filter(kind=Alert.Kind.SCHEMA_DRIFT)
