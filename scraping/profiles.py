"""What platforms say of an account besides its figures: its own id, its words, and that it goes by another name now."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from operator import attrgetter

from accounts.models import FACTS, Account, HandleTaken, Hold
from accounts.platforms import NotAProfile, handle_key
from perf.events import happened
from scraping.connectors.base import Missing
from scraping.results import Result

logger = logging.getLogger(__name__)
_facts_of = attrgetter(*FACTS)


def absorb(results: Iterable[Result]) -> None:
    """Store the profile facts of `results` with their accounts; call it before recording, which locks later rows.

    What an editor wrote stays (see AccountQuerySet.learn). An account whose stable id now answers under another
    handle is renamed, its history with it.
    """
    results = list(results)
    if reassigned := [result.job.account_id for result in results if result.outcome == Missing.REASSIGNED]:
        Account.objects.hold(reassigned, Hold.REASSIGNED)
    facts = {}
    for result in results:
        if _is_known(result):
            continue
        said = {name: getattr(result.reading, name) for name in FACTS} if result.reading else {}
        if result.external_id:
            said["external_id"] = result.external_id
        if any(said.values()) and result.job.account.news_in(said):
            facts[result.job.account_id] = said
        if result.reading and _is_renamed(result.job.account, result.reading.external_id, result.reading.handle):
            _rename(result.job.account_id, result.reading.handle)
    for account_id in Account.objects.learn(facts) if facts else ():
        logger.warning("account %d answers with the platform id of another account", account_id)


def _is_known(result: Result) -> bool:
    """Whether `result` says of the account exactly what is stored: so it is most nights, and it costs least to see."""
    reading, account = result.reading, result.job.account
    if reading is None or result.external_id not in {"", account.external_id}:
        return False
    return reading.handle in {"", account.handle} and _facts_of(reading) == _facts_of(account)


def _is_renamed(account: Account, external_id: str, handle: str) -> bool:
    """Whether the profile with the id we know goes by another handle than the one we know."""
    known = bool(external_id) and external_id == account.external_id
    return known and bool(handle) and handle_key(account.platform, handle) != account.handle_key


def _rename(account_id: int, handle: str) -> None:
    account = Account.objects.filter(pk=account_id).locked().first()
    if account is None:
        return
    before = account.handle
    try:
        account.rename(handle)
        detail = {"id": account.pk, "changes": {"handle": [before, account.handle]}}
        happened(None, "accounts.rename", str(account), detail)
    except (HandleTaken, NotAProfile) as refusal:
        logger.warning("account %d was not renamed: %s", account_id, refusal)
