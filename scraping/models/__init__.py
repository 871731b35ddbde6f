"""The ledger: runs, jobs, attempts, permits, rechecks, the state of each platform; and what watching over it keeps."""

from scraping.models.alerts import Alert, AlertMute, AlertQuerySet, Notice, Problem
from scraping.models.attempts import MAX_DETAIL, Attempt
from scraping.models.hours import Bucketed, JobHour, OutcomeHour, RunTotal
from scraping.models.jobs import ScrapeJob
from scraping.models.permits import PermitBlock
from scraping.models.platforms import Heartbeat, PlatformState
from scraping.models.rechecks import Recheck
from scraping.models.runs import RunJob, ScrapeRun
from scraping.models.samples import Sample
from scraping.models.states import OPEN_STATES, JobState, Rank

__all__ = [
    "MAX_DETAIL",
    "OPEN_STATES",
    "Alert",
    "AlertMute",
    "AlertQuerySet",
    "Attempt",
    "Bucketed",
    "Heartbeat",
    "JobHour",
    "JobState",
    "Notice",
    "OutcomeHour",
    "PermitBlock",
    "PlatformState",
    "Problem",
    "Rank",
    "Recheck",
    "RunJob",
    "RunTotal",
    "Sample",
    "ScrapeJob",
    "ScrapeRun",
]
