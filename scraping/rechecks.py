"""What a settled answer without a figure, and a change of the account, mean for its next planned check."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.dispatch import receiver

from accounts.signals import accounts_changed
from scraping.models import Recheck
from scraping.outcomes import OK, RARELY, SUSPECT
from scraping.results import Result

ANOTHER_PROFILE = {"platform", "handle", "handle_key", "external_id", "url", "is_active"}
"""Fields of an account after whose change the platform may answer otherwise."""


def note_answers(results: Iterable[Result]) -> None:
    """Put accounts off that were answered without a figure, and plan those with one daily again."""
    absent, present = {}, []
    for result in results:
        if result.outcome in RARELY:
            absent[result.job.account_id] = (result.outcome, result.job.date)
        elif result.outcome in {OK, SUSPECT}:
            present.append(result.job.account_id)
    if absent:
        Recheck.objects.note(absent)
    if present:
        Recheck.objects.filter(account__among=present).delete()


@receiver(accounts_changed)
def ask_changed_accounts_again(*, ids: Collection[int], fields: Collection[str], **_: object) -> None:
    """A corrected handle is worth asking for tomorrow, not in two weeks."""
    if ANOTHER_PROFILE & set(fields):
        Recheck.objects.filter(account__in=ids).delete()
