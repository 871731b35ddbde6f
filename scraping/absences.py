"""Why accounts have no figure of a day, for the coverage that snapshots shows: what became of the day's jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from accounts.models import Account
from perf import clock
from scraping.models import JobState, Recheck, ScrapeJob
from scraping.outcomes import OK, label
from snapshots.coverage import Absence

HELD = "on_hold"
NOT_ASKED = Absence("not_asked", "It was not asked for on that day.")
NOT_YET = Absence("not_yet", "It has not been asked for today yet.")
FETCHING = Absence("fetching", "Being fetched now.")
REMOVED = Absence("removed", "A figure was fetched, and has been taken out since.")
WAITING = "waiting"


def why_missing(accounts: Sequence[int], day: date) -> dict[int, Absence]:
    """For each of `accounts` what its newest job of `day` says; without one, whether it is held or asked rarely."""
    jobs = ScrapeJob.objects.filter(account__among=accounts, date=day).with_reasons().order_by("pk")
    known = dict.fromkeys(accounts, NOT_ASKED)
    known |= _asked_rarely(accounts, day) | _held(accounts)
    return known | {job.account_id: _said(job) for job in jobs}


def why_missing_days(account: Account, days: Sequence[date]) -> dict[date, Absence]:
    """The same for the `days` of one account, each by the newest job that there still is of it."""
    if not days:
        return {}
    asked = ScrapeJob.objects.filter(account=account, date__range=(min(days), max(days)))
    jobs = {job.date: job for job in asked.with_reasons().order_by("pk")}
    rarely = Recheck.objects.filter(account=account).first()
    held = Absence(HELD, account.get_held_display()) if account.held and account.is_active else None
    return {day: _of_day(day, jobs.get(day), rarely, held) for day in days}


def _of_day(day: date, job: ScrapeJob | None, rarely: Recheck | None, held: Absence | None) -> Absence:
    if job:
        return _said(job)
    if rarely and rarely.since <= day < rarely.next_on:
        return _rarely(rarely)
    return (held or NOT_YET) if day == clock.today() else NOT_ASKED


def _said(job: ScrapeJob) -> Absence:
    if job.state == JobState.LEASED:
        return FETCHING
    if job.state == JobState.DUE:
        return Absence(job.why or WAITING, label(job.why) or "Waiting for its turn", job.waits_until)
    return REMOVED if job.outcome == OK else Absence(job.outcome, label(job.outcome))


def _asked_rarely(accounts: Sequence[int], day: date) -> dict[int, Absence]:
    """Those that the platform answered for without a figure, and that are planned after `day` again."""
    rows = Recheck.objects.filter(account__among=accounts, since__lte=day, next_on__gt=day)
    return {row.account_id: _rarely(row) for row in rows}


def _rarely(row: Recheck) -> Absence:
    return Absence(row.outcome, f"{label(row.outcome)}, since {row.since}; asked again on {row.next_on}")


def _held(accounts: Sequence[int]) -> dict[int, Absence]:
    rows = Account.objects.filter(pk__among=accounts).on_hold()
    return {row.pk: Absence(HELD, row.get_held_display()) for row in rows}
