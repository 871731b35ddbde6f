"""Jobs that end without a call: their platform cannot be read, or their run does not wait for so long."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from accounts.platforms import PLATFORMS
from perf import clock
from scraping.connectors import Unavailable, connector_for
from scraping.ledger import finish_runs
from scraping.models import JobState, RunJob, ScrapeJob, ScrapeRun
from scraping.outcomes import Ended
from scraping.planning import CHUNK, chunks, hand_over


def give_up() -> int:
    """End what cannot be read and what its runs do not wait for; returns how many jobs that were."""
    return sum(end_unreadable(name) for name in PLATFORMS) + skip_impatient()


def end_unreadable(platform: str) -> int:
    """End the due jobs of a platform that nothing can read, as failed for that reason; how many, 0 where it can be.

    The next plan promises the day's jobs again once a connector, a credential or the page setting is there.
    """
    connector = connector_for(platform)
    if not isinstance(connector, Unavailable):
        return 0
    return _end(ScrapeJob.objects.due(platform), JobState.FAILED, connector.code)


def skip_impatient() -> int:
    """End what the runs in a hurry would have to wait for longer than they do; how many jobs that were.

    A job that another run waits for goes on there, and the hurried run says how many those were.
    """
    skipped = 0
    for run in ScrapeRun.objects.open().filter(mode__in=ScrapeRun.PATIENCE):
        beyond = clock.db_now(ScrapeRun.PATIENCE[ScrapeRun.Mode(run.mode)])
        late = ScrapeJob.objects.filter(runjob__run=run).waiting_beyond(beyond)
        # Listed first: else all that waits may be compared with all runs, to find the few of this one.
        for chunk in chunks(late.order_by("id").values_list("id", flat=True)):
            jobs = ScrapeJob.objects.filter(pk__among=chunk).waiting_beyond(beyond)
            hand_over(run, RunJob.objects.filter(run=run, job__in=jobs.wanted_besides(run).values("pk")))
            skipped += _end(jobs.wanted_only_by(run), JobState.CANCELLED, Ended.SKIPPED)
        finish_runs()
    return skipped


def _end(jobs: QuerySet[ScrapeJob], state: str, outcome: str) -> int:
    """Close `jobs`, in chunks; what another process holds at the moment is left to the next call."""
    ended = 0
    while True:
        with transaction.atomic():
            free = jobs.select_for_update(skip_locked=True, of=("self",)).order_by("id")
            locked = list(free.values_list("id", flat=True)[:CHUNK])
            # Looked at again now that nobody can change them: a new run may have come to want one meanwhile.
            ids = list(jobs.filter(pk__among=locked).values_list("id", flat=True))
            closed = {"state": state, "outcome": outcome, "finished_at": clock.db_now(), "lease_until": None}
            ScrapeJob.objects.filter(pk__in=ids).update(**closed)
        finish_runs(ids)
        ended += len(ids)
        if len(locked) < CHUNK:
            return ended
