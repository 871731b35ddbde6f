"""Where a job stands and who goes first."""

from __future__ import annotations

from django.db import models


class JobState(models.TextChoices):
    """Where a job stands. Due and leased are open; each account has at most one open job."""

    DUE = "due", "Waiting"
    LEASED = "leased", "Being fetched"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    DEAD = "dead", "Given up"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (JobState.DUE, JobState.LEASED)


class Rank(models.IntegerChoices):
    """Who goes first; waiting moves every job forward, so nothing starves (see AHEAD in scraping.planning)."""

    REQUESTED = 0, "Requested by a user"
    CORE = 1, "Core account"
    RETRY = 2, "Failed and due again"
    ACTIVE = 3, "Recently active"
    REST = 4, "All others"
