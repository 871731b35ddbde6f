"""How a try at an account can end, why a job can wait, and what follows from each: the rules as data."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from scraping.connectors.base import Missing, Trouble
from scraping.models import JobState

OK = "ok"
SUSPECT = "suspect"
SECOND_LOOK = timedelta(minutes=31)  # a suspect figure is published by a second one at least 30 minutes later
MAX_ATTEMPTS = 5
MAX_WORKER_DEATHS = 3
FIRST_RETRY = timedelta(seconds=30)  # doubled with each try
LONGEST_RETRY = timedelta(hours=1)
MOST_DOUBLINGS = 20  # more than LONGEST_RETRY takes, and few enough for a timedelta to hold
LONGEST_PAUSE = timedelta(hours=24)
RECHECK = timedelta(minutes=5)  # how soon something that a person has to set right is looked at again


class Waiting(StrEnum):
    """Why nothing may be fetched now."""

    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    CIRCUIT = "circuit_open"
    PROBING = "probing"
    LIMITS_UNAVAILABLE = "limits_unavailable"
    LIMITS_REBUILDING = "limits_rebuilding"
    LIMITS_EVICT = "limits_evict"
    NEW_DAY = "new_day"
    NO_BUDGET = "no_budget"
    BUDGET_SPENT = "budget_spent"
    DEAD_TOKEN = "dead_token"
    NO_CREDENTIAL = "no_credential"
    NO_CONNECTOR = "no_connector"
    PAGE_OFF = "page_off"
    SCHEMA_DRIFT = "schema_drift"


class Ended(StrEnum):
    """Why a job ended without the platform's doing."""

    WORKER_DIED = "worker_died"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows from an outcome: the job's state when it is over, after `attempts` tries (0 = never, it waits)."""

    label: str
    state: JobState = JobState.DEAD
    attempts: int = MAX_ATTEMPTS


# The platform answered: trying again gives the same.
_ANSWERED = (JobState.DONE, 1)
# Something of ours has to change first: a person may retry.
_BROKEN = (JobState.FAILED, 1)

RULES: dict[str, Rule] = {
    OK: Rule("Figure stored", *_ANSWERED),
    SUSPECT: Rule("An unlikely figure, stored and not published", *_ANSWERED),
    Missing.HIDDEN: Rule("The profile hides its count", *_ANSWERED),
    Missing.NOT_FOUND: Rule("No such profile", *_ANSWERED),
    Missing.SUSPENDED: Rule("Suspended by the platform", *_ANSWERED),
    Missing.RENAMED: Rule("Renamed; the new name is unknown", *_ANSWERED),
    Missing.UNSUPPORTED_PROFILE: Rule("A kind of profile without a public count", *_ANSWERED),
    Missing.REASSIGNED: Rule("The handle now belongs to somebody else", *_ANSWERED),
    Missing.FROM_BATCH: Rule("The platform left it out of its answer", JobState.DONE, 2),
    Missing.POSTPONED: Rule("The platform put it off"),
    Missing.BLOCKED: Rule("The platform showed a wall instead of the profile", JobState.DEAD, 3),
    Missing.UNPARSABLE: Rule("The answer could not be read", *_BROKEN),
    Missing.WANTS_TOKEN: Rule("It opens to a token only, and there is none for it", *_BROKEN),
    Trouble.RATE_LIMITED: Rule("The platform asked us to slow down", attempts=0),
    Trouble.SERVER_ERROR: Rule("The platform's server failed"),
    Trouble.TIMEOUT: Rule("No answer in time"),
    Trouble.CONNECTION: Rule("The connection broke"),
    Trouble.DEADLINE: Rule("Not finished within 30 seconds"),
    Trouble.REFUSED: Rule("The platform refused the call", *_BROKEN),
    Trouble.FORBIDDEN_ADDRESS: Rule("The answer led to an address we do not visit", *_BROKEN),
    Trouble.TOO_LARGE: Rule("The answer was larger than 2 MiB", *_BROKEN),
    Trouble.DEAD_TOKEN: Rule("The credential is no longer accepted", attempts=0),
    Trouble.NO_CREDENTIAL: Rule("No credential is set", *_BROKEN),
    Trouble.NO_CREDITS: Rule("The credits bought from the platform are used up", attempts=0),
    Waiting.QUOTA: Rule("Waiting for the platform's quota", attempts=0),
    Waiting.CIRCUIT: Rule("Paused after failures in a row", attempts=0),
    Waiting.PROBING: Rule("One call is trying whether the platform is well again", attempts=0),
    Waiting.LIMITS_UNAVAILABLE: Rule("Redis, which counts the limits, cannot be reached", attempts=0),
    Waiting.LIMITS_REBUILDING: Rule("The limits are being rebuilt", attempts=0),
    Waiting.LIMITS_EVICT: Rule("The limits' Redis may evict keys; set maxmemory-policy noeviction", attempts=0),
    Waiting.NEW_DAY: Rule("A new day has begun on the platform's bill: prices are looked up again", attempts=0),
    Waiting.BUDGET_SPENT: Rule("The month's budget is spent", attempts=0),
    Waiting.NO_BUDGET: Rule("Set a budget: X_MONTHLY_BUDGET_USD", attempts=0),
    Waiting.NO_CONNECTOR: Rule("No connector reads this platform", *_BROKEN),
    Waiting.PAGE_OFF: Rule("Reading this platform's public pages is off", *_BROKEN),
    Waiting.SCHEMA_DRIFT: Rule("Paused: its answers can no longer be read", attempts=0),
    Ended.WORKER_DIED: Rule("The worker died"),
    Ended.CANCELLED: Rule("Cancelled", JobState.CANCELLED, 1),
    Ended.SKIPPED: Rule("Skipped: it would have had to wait for longer than its run does", JobState.CANCELLED, 1),
    Ended.INACTIVE: Rule("The account is no longer active", JobState.CANCELLED, 1),
}

# Outcomes that stop the whole platform until a person or the calendar changes something, and how long it rests.
STOPS: dict[str, timedelta] = {
    Trouble.DEAD_TOKEN: RECHECK,
    Trouble.NO_CREDENTIAL: RECHECK,
    Trouble.NO_CREDITS: timedelta(hours=1),
}
# Outcomes of an account that the platform spoke of: its credential, its limit and the way to it are well.
ANSWERED = frozenset({OK, SUSPECT, *Missing} - {Missing.POSTPONED})
# Outcomes of whole calls that count towards the circuit.
FAILURES = frozenset({Trouble.SERVER_ERROR, Trouble.TIMEOUT, Trouble.CONNECTION})
CIRCUIT_FAILURES = 5
CIRCUIT_REST = timedelta(seconds=60)  # doubled with each probe that fails
LONGEST_CIRCUIT_REST = timedelta(hours=1)
PROBE = timedelta(seconds=60)  # longer than any call lasts: should its worker die, another probes then
# Why nothing can be read of a platform at all: its jobs end at once, and today's are promised again once it can.
UNREADABLE = frozenset({Waiting.NO_CONNECTOR, Waiting.NO_CREDENTIAL, Waiting.PAGE_OFF})
# The platform answered that there is no figure: the account is planned more and more rarely.
RARELY = frozenset(
    {
        Missing.NOT_FOUND,
        Missing.SUSPENDED,
        Missing.HIDDEN,
        Missing.RENAMED,
        Missing.UNSUPPORTED_PROFILE,
        Missing.FROM_BATCH,
    }
)


def label(outcome: str) -> str:
    """What `outcome` means, for people; empty for none."""
    return RULES[outcome].label if outcome else ""


def back_off(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long to wait after try number `attempts` (from 1): doubling with up to 20 % of jitter, or what was asked.

    A `retry_after` of 0 or None falls through to the doubling; none exceeds LONGEST_PAUSE.
    """
    if retry_after and retry_after > 0:
        return min(timedelta(seconds=retry_after), LONGEST_PAUSE)
    wait: timedelta = min(FIRST_RETRY * 2 ** min(max(attempts - 1, 0), MOST_DOUBLINGS), LONGEST_RETRY)
    return wait * (1 + 0.2 * random.random())  # noqa: S311 - spreads retries, guards nothing
