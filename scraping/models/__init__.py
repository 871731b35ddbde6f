"""The ledger: runs, jobs, attempts, permit blocks, rechecks and the state of each platform."""

from scraping.models.attempts import MAX_DETAIL, Attempt
from scraping.models.jobs import ScrapeJob
from scraping.models.permits import PermitBlock
from scraping.models.platforms import Heartbeat, PlatformState
from scraping.models.rechecks import Recheck
from scraping.models.runs import RunJob, ScrapeRun
from scraping.models.states import OPEN_STATES, JobState, Rank

__all__ = [
    "MAX_DETAIL",
    "OPEN_STATES",
    "Attempt",
    "Heartbeat",
    "JobState",
    "PermitBlock",
    "PlatformState",
    "Rank",
    "Recheck",
    "RunJob",
    "ScrapeJob",
    "ScrapeRun",
]
