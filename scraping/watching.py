"""What can be wrong with gathering: one condition per kind of alert, each computed from the rows as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Min, QuerySet

from perf import clock
from scraping import drift, heartbeats, limits
from scraping.connectors import CONNECTORS, connector_for, credential_for
from scraping.connectors.base import Connector, Window
from scraping.models import Alert, Attempt, JobState, PlatformState, Problem, ScrapeJob, ScrapeRun
from scraping.outcomes import ANSWERED, STOPS, Waiting
from scraping.planning import Night

LONG_PAUSE = timedelta(hours=1)
COVERAGE = 0.95  # of the night's plan that should be answered when the window ends
OLD = timedelta(days=1)  # a job that has been due for longer is backlog
DAY = timedelta(days=1)
BUDGET_STEPS = (80, 100)  # per cent

# Pauses that somebody chose, or that have an alert of their own.
QUIET_PAUSES = (
    Waiting.NO_CREDENTIAL,
    Waiting.NO_CONNECTOR,
    Waiting.PAGE_OFF,
    Waiting.NO_BUDGET,
    Waiting.DEAD_TOKEN,
    Waiting.SCHEMA_DRIFT,
    Waiting.BUDGET_SPENT,
)


def dead_tokens() -> Iterator[Problem]:
    """Platforms that refused our credential and have answered nothing since."""
    for state in PlatformState.objects.filter(host="", why=Waiting.DEAD_TOKEN, paused_until__isnull=False):
        refused_at = (state.paused_until or clock.now()) - STOPS[Waiting.DEAD_TOKEN]
        if not _answered_since(state.platform, refused_at):
            yield _about(Alert.Kind.DEAD_TOKEN, state.platform)


def long_pauses() -> Iterator[Problem]:
    """Platforms and hosts paused for more than LONG_PAUSE, in one pause or in many without an answer between them."""
    now, known = clock.db_instant(), _open_keys(Alert.Kind.PAUSED)
    for state in PlatformState.objects.paused().exclude(why__in=QUIET_PAUSES):
        until, key = state.paused_until or now, str(state)
        starving = (
            not state.host and _waits(state.platform, now) and not _answered_since(state.platform, now - LONG_PAUSE)
        )
        if key in known or until - now > LONG_PAUSE or starving:
            detail = {"until": until.isoformat(), "why": state.why, "host": state.host}
            yield _about(Alert.Kind.PAUSED, state.platform, key, **detail)


def _waits(platform: str, now: datetime) -> bool:
    """Whether a job of `platform` has been due for LONG_PAUSE."""
    return ScrapeJob.objects.filter(platform=platform, state=JobState.DUE, due_at__lte=now - LONG_PAUSE).exists()


def coverage() -> Iterator[Problem]:
    """The last night's plan, if too little of it was answered when its window ended and still is."""
    now = clock.db_instant()
    today = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    ended = [night for night in map(Night.of, (today, today - DAY)) if night.end <= now]
    plans = ScrapeRun.objects.filter(kind=ScrapeRun.Kind.PLANNED).exclude(state=ScrapeRun.State.CANCELLED)
    # A plan that was made after its window, as on the first day, could not be done within it.
    run = plans.filter(date=ended[0].day, created_at__lt=ended[0].end).progress().first() if ended else None
    if run is None:
        return
    planned = run.total_jobs - run.cancelled_jobs
    if run.done_jobs < COVERAGE * planned:
        count = {"planned": planned, "answered": run.done_jobs}
        yield Problem(Alert.Kind.COVERAGE, str(run.date), detail={**count, "run": run.pk, "day": str(run.date)})


def backlog() -> Iterator[Problem]:
    """Platforms with jobs that have been due for longer than OLD, or with more than their limits let through today."""
    now = clock.db_instant()
    for platform, jobs, oldest in _due():
        connector = connector_for(platform)
        if not isinstance(connector, Connector):
            continue
        fits = fits_today(connector)
        if oldest <= now - OLD or (fits is not None and jobs > fits):
            yield Problem(
                Alert.Kind.BACKLOG, platform, platform, {"jobs": jobs, "oldest": oldest.isoformat(), "fits": fits}
            )


def _due() -> QuerySet[ScrapeJob, tuple[str, int, datetime]]:
    """Platform, jobs due now and since when the oldest; jobs of runs that a person paused are not meant."""
    due = ScrapeJob.objects.filter(state=JobState.DUE, due_at__lte=clock.db_now()).not_paused()
    return due.order_by().values_list("platform").annotate(jobs=Count("pk"), oldest=Min("due_at"))


def fits_today(connector: Connector) -> int | None:
    """How many accounts the platform's limits let through until midnight in TIME_ZONE, at best; None without one.

    What counts per host or account is not known beforehand.
    """
    windows = connector.windows_for(credential_for(connector.platform))
    if connector.per_host or connector.per_account or not windows:
        return None
    midnight = datetime.combine(clock.today() + DAY, time(), ZoneInfo(settings.TIME_ZONE))
    seconds = max((midnight - clock.now()).total_seconds(), 0.0)
    return connector.batch_size * min(_calls(window, seconds) for window in windows)


def _calls(window: Window, seconds: float) -> int:
    """Calls that `window` lets through in the next `seconds`: one window's worth, and more as it passes."""
    return window.calls if window.zone else int(window.calls * (1 + seconds / window.seconds))


def budgets() -> Iterator[Problem]:
    """The steps of the month's budgets that are reached; the last one too where what is left pays for no call."""
    now = clock.now().astimezone(UTC)
    for platform in CONNECTORS:
        meter = limits.budget(platform)
        if meter is None:
            continue
        for step in BUDGET_STEPS:
            if meter.spent * 100 >= meter.budget * step or (step == 100 and _waits_for_money(platform, now)):
                detail = {"spent": f"{meter.spent:.2f}", "budget": f"{meter.budget:.2f}", "step": step}
                detail["month"] = f"{now:%B %Y}"
                yield Problem(Alert.Kind.BUDGET, f"{platform} {step} {now:%Y-%m}", platform, detail)


def _waits_for_money(platform: str, now: datetime) -> bool:
    """Whether the last that was heard of `platform` this month is that its budget is spent."""
    month = now.replace(day=1, hour=0, minute=1, second=0, microsecond=0)  # last month's pause ended with the month
    spent = PlatformState.objects.filter(platform=platform, host="", why=Waiting.BUDGET_SPENT, paused_until__gt=month)
    state = spent.first()
    return state is not None and not _answered_since(platform, state.paused_until or now)


def silences() -> Iterator[Problem]:
    """Kinds of process that were not seen for ten minutes."""
    last, known = heartbeats.seen(), _open_keys(Alert.Kind.SILENT)
    quiet = heartbeats.silent(last)
    if "worker" in quiet and "beat" in known and "beat" in last:
        quiet |= {"beat": last["beat"]}  # nothing is known of it: what was said stands
    return (silence(process, at) for process, at in quiet.items())


def silence(process: str, at: datetime) -> Problem:
    """That `process` was last seen at `at`."""
    return Problem(Alert.Kind.SILENT, process, detail={"seen": at.isoformat()})


def _answered_since(platform: str, at: datetime) -> bool:
    return (
        Attempt.objects.filter(platform=platform, started_at__gt=at, outcome__in=ANSWERED).exclude(step="none").exists()
    )


def _open_keys(kind: str) -> set[str]:
    return set(Alert.objects.open().filter(kind=kind).values_list("key", flat=True))


def _about(kind: str, platform: str, key: str = "", **detail: object) -> Problem:
    """A problem of one platform, with how many accounts wait for it."""
    waiting = ScrapeJob.objects.filter(platform=platform, state=JobState.DUE).count()
    return Problem(kind, key or platform, platform, {**detail, "waiting": waiting})


CONDITIONS: dict[str, Callable[[], Iterable[Problem]]] = {
    Alert.Kind.DEAD_TOKEN: dead_tokens,
    Alert.Kind.PAUSED: long_pauses,
    Alert.Kind.COVERAGE: coverage,
    Alert.Kind.BACKLOG: backlog,
    Alert.Kind.BUDGET: budgets,
    Alert.Kind.SCHEMA_DRIFT: drift.problems,
    Alert.Kind.SILENT: silences,
}
