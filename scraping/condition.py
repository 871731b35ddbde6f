"""How each platform is: healthy, degraded, unhealthy, at rest until when and why, or off; and what a person can do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db.models import Count, Q

from accounts.platforms import PLATFORMS, Platform
from perf import clock
from scraping import heartbeats
from scraping.connectors import Unavailable, connector_for, warning_for
from scraping.connectors.base import Trouble
from scraping.models import Attempt, JobState, PlatformState
from scraping.outcomes import RULES, Waiting, label

PERIOD = timedelta(days=1)  # whose tries say how a platform is
HEALTHY_PERCENT, DEGRADED_PERCENT = 95, 80
UNHEALTHY_IN_A_ROW, CRITICAL_IN_A_ROW = 3, 5
SILENT = timedelta(minutes=2)  # both kinds of process say that they live every ten seconds
GOOD = frozenset(outcome for outcome, rule in RULES.items() if rule.state is JobState.DONE)
"""Outcomes of tries that the platform answered, if only that there is nothing to see."""

NEEDS_A_PERSON: dict[str, str] = {
    Trouble.DEAD_TOKEN: "Set a new {token}, restart the workers, then resume.",
    Trouble.NO_CREDENTIAL: "Set {token} and restart the workers.",
    Trouble.NO_CREDITS: "Buy credits from the platform, then resume.",
    Waiting.BUDGET_SPENT: "Raise X_MONTHLY_BUDGET_USD, restart the workers and resume, or wait for the month's end.",
    Waiting.NO_BUDGET: "Set X_MONTHLY_BUDGET_USD to what may be spent a month, and restart the workers.",
    Waiting.LIMITS_UNAVAILABLE: "Start the Redis at BROKER_URL. Nothing is fetched without counting.",
    Waiting.LIMITS_EVICT: "Set maxmemory-policy noeviction on the Redis at BROKER_URL.",
}
"""What a person has to do about a pause, by its reason; all others end by themselves."""


class State(StrEnum):
    """How a platform is, in the words of the page."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"
    CRITICAL = "critical"
    PAUSED = "paused"
    OFF = "off"
    UNTRIED = "no try yet"


NAMES = {"worker": "worker", "beat": "scheduler"}
TONES = {
    State.HEALTHY: "good",
    State.DEGRADED: "wait",
    State.UNHEALTHY: "bad",
    State.CRITICAL: "bad",
    State.PAUSED: "wait",
    State.OFF: "",
    State.UNTRIED: "",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """How one platform is, why, until when where it rests, and what a person can do ("" when there is nothing)."""

    state: State
    tries: int
    good: int
    in_a_row: int  # failed calls since the last good one
    why: str = ""
    reason: str = ""  # the outcome behind a pause, such as dead_token
    until: datetime | None = None
    todo: str = ""

    @property
    def tone(self) -> str:
        """How the state is marked beside its word."""
        return TONES[self.state]


@dataclass(frozen=True, slots=True)
class Banner:
    """Something a person has to know or do before gathering is whole; `platform` can be resumed from it."""

    text: str
    todo: str
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A kind of process, when it was last at work, and whether that is too long ago."""

    process: str
    seen_at: datetime | None
    silent: bool


def conditions(platforms: Collection[str]) -> dict[str, Condition]:
    """How each of `platforms` is; two queries, however many."""
    since = clock.now() - PERIOD
    tried = Attempt.objects.filter(platform__in=platforms, started_at__gte=since).order_by().values_list("platform")
    counted = tried.annotate(tries=Count("id"), good=Count("id", filter=Q(outcome__in=GOOD)))
    counts = {name: (tries, good) for name, tries, good in counted}
    rows = PlatformState.objects.filter(platform__in=platforms, host="").with_now()
    states = {row.platform: row for row in rows}
    return {name: _condition(name, *counts.get(name, (0, 0)), states.get(name)) for name in platforms}


def _condition(name: str, tries: int, good: int, state: PlatformState | None) -> Condition:
    in_a_row = state.circuit if state else 0
    connector = connector_for(name)
    if isinstance(connector, Unavailable):
        return Condition(State.OFF, tries, good, in_a_row, connector.reason, connector.code)
    if state and state.paused_until and state.paused_until > state.now:
        todo = NEEDS_A_PERSON.get(state.why, "").format(token=f"{name.upper()}_TOKEN")
        why = label(state.why)
        return Condition(State.PAUSED, tries, good, in_a_row, why, state.why, state.paused_until, todo)
    found, why = _measured(tries, good, in_a_row)
    return Condition(found, tries, good, in_a_row, why)


def _measured(tries: int, good: int, in_a_row: int) -> tuple[State, str]:
    """The state that the tries of the last day and the failures in a row come to, with those numbers in words."""
    if in_a_row >= UNHEALTHY_IN_A_ROW:
        state = State.CRITICAL if in_a_row >= CRITICAL_IN_A_ROW else State.UNHEALTHY
        return state, f"{in_a_row} failed calls in a row"
    if not tries:
        return State.UNTRIED, "No try in the last 24 hours"
    said = f"{good:,} of {tries:,} tries answered in 24 hours"
    if good * 100 >= tries * HEALTHY_PERCENT:
        return State.HEALTHY, said
    return (State.DEGRADED if good * 100 >= tries * DEGRADED_PERCENT else State.UNHEALTHY), said


def pulses() -> list[Pulse]:
    """When a worker and beat were last at work."""
    seen, late = heartbeats.seen(), clock.now() - SILENT
    return [Pulse(name, at := seen.get(name), at is None or at < late) for name in heartbeats.PROCESSES]


def banners(found: Mapping[str, Condition], waiting: Mapping[str, int], beats: Iterable[Pulse]) -> list[Banner]:
    """What a person has to do or to know now: silent processes, pauses that end by nobody else's doing, site's terms.

    `waiting` has the due jobs of each platform.
    """
    silent = [pulse for pulse in beats if pulse.silent]
    shown = [_silence(silent)] if silent else []
    for name, condition in found.items():
        if condition.todo:
            shown.append(_stopped(PLATFORMS[name], condition, waiting.get(name, 0)))
    if _lacks_budget(found):
        text = "X is paid per account and nothing is spent without a budget."
        shown.append(Banner(text, NEEDS_A_PERSON[Waiting.NO_BUDGET]))
    pages = [PLATFORMS[name].label for name in found if warning_for(name)]
    if pages:
        text = f"Public pages of {', '.join(pages)} are read, which their terms may forbid."
        shown.append(Banner(text, "Take a platform out of SCRAPE_PAGE_PLATFORMS to stop."))
    return shown


def _silence(silent: Sequence[Pulse]) -> Banner:
    """One banner for all processes that say nothing."""
    names = " and no ".join(NAMES[pulse.process] for pulse in silent)
    commands = ", ".join(f"celery --app project {pulse.process}" for pulse in silent)
    seen = [pulse.seen_at for pulse in silent if pulse.seen_at is not None]
    if not seen:
        return Banner(f"No {names} has been at work yet: nothing is fetched.", f"Start one: {commands}.")
    minutes = int((clock.now() - max(seen)).total_seconds() // 60)
    span = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return Banner(f"No {names} for {span}. Jobs are kept and wait.", f"Start one: {commands}.")


def _stopped(platform: Platform, condition: Condition, jobs: int) -> Banner:
    kept = f" {jobs:,} account{'s wait' if jobs != 1 else ' waits'}; nothing is lost." if jobs else ""
    why = condition.why[:1].lower() + condition.why[1:]
    return Banner(f"{platform.label}: {why}.{kept}", condition.todo, platform.name)


def _lacks_budget(found: Mapping[str, Condition]) -> bool:
    """Whether a platform that costs money could be read but for a budget, and no pause says so already."""
    if settings.X_MONTHLY_BUDGET_USD is not None:
        return False
    could = (name for name, one in found.items() if one.state is not State.OFF and not one.todo)
    return any(_is_billed(name) for name in could)


def _is_billed(name: str) -> bool:
    connector = connector_for(name)
    return not isinstance(connector, Unavailable) and connector.billed
