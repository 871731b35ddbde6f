"""Rechecks: accounts that a platform answered for without a figure are planned more and more rarely."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from django.db import models

from accounts.models import Account

DAYS = (1, 2, 4, 8, 14)  # days until the next planned check, after the first such answer in a row, the second, …


class RecheckQuerySet(models.QuerySet["Recheck"]):
    """Rechecks of accounts."""

    def note(self, answers: Mapping[int, tuple[str, date]]) -> None:
        """Remember answers without a figure: account id → (outcome, the day it is for). A day's second counts once."""
        known = self.in_bulk(answers)
        rows: list[Recheck] = []
        for account_id, (outcome, day) in sorted(answers.items()):
            row = known.get(account_id) or Recheck(account_id=account_id, since=day, seen_on=day, times=0)
            if row.times == 0 or row.seen_on < day:
                row.times, row.seen_on = row.times + 1, day
            row.outcome = outcome
            row.next_on = row.seen_on + timedelta(days=DAYS[min(row.times, len(DAYS)) - 1])
            rows.append(row)
        fields = ["outcome", "times", "seen_on", "next_on"]
        Recheck.objects.bulk_create(rows, update_conflicts=True, unique_fields=["account"], update_fields=fields)


class Recheck(models.Model):
    """When an account without a figure is planned again. An editor's request asks at once; a figure removes the row."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="+")
    outcome = models.CharField(max_length=30)
    times = models.PositiveSmallIntegerField(help_text="Days in a row with such an answer.")
    since = models.DateField(help_text="The first of them.")
    seen_on = models.DateField(help_text="The last of them.")
    next_on = models.DateField(help_text="Not planned before this day.")

    objects = RecheckQuerySet.as_manager()

    def __str__(self) -> str:
        return f"account {self.account_id} on {self.next_on}"
