"""A world with a payload in every field of text that a page shows."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import cycle
from typing import Any

from accounts.batches import RosterImport
from accounts.checking import check_roster
from accounts.models import Account, FormerHandle, Tag
from accounts.rosters import read_roster
from perf import clock
from perf.events import happened
from project.models import AccessToken
from scraping.models import Alert, Attempt, PlatformState, Sample, ScrapeJob, ScrapeRun
from snapshots.models import ImportBatch, Note
from tests import factories
from tests.browser.payloads import PAYLOADS
from workitems import uploads
from workitems.models import CannedReason, Comment, Notice, Revision, StatusChange, WorkItem

EVERYTHING = "\n".join(PAYLOADS)


def store_everywhere() -> dict[str, Any]:
    """A payload in every field of text that a page shows: each of the 500 in those that take long texts."""
    texts, now = cycle(PAYLOADS), clock.now()
    root = factories.user("admin", username=next(texts)[:150], first_name=next(texts), last_name=next(texts))
    accounts = [_account(texts, at) for at in range(30)]
    first = accounts[0]
    FormerHandle.objects.create(account=first, platform="x", handle=next(texts), handle_key="former")
    Note.objects.bulk_create(
        Note(account=account, day=clock.today(), text=text[:200], author_name=next(texts)[:100])
        for account, text in zip(cycle([None, first]), PAYLOADS[::25], strict=False)
    )
    run = ScrapeRun.objects.create(kind="requested", scope="accounts", created_at=now)
    due = {"due_at": now, "order_at": now, "date": clock.today(), "rank": 0}
    job = ScrapeJob.objects.create(account=first, platform="x", reason="requested", **due)
    call = {"platform": "x", "step": "read", "account": first, "outcome": "unparsable"}
    Attempt.objects.create(
        job=job, started_at=now, seconds=1, worker=next(texts)[:100], detail=next(texts)[:200], **call
    )
    sample = Sample.objects.create(
        kind="api", accounts=1, body=EVERYTHING, size=9, taken_at=now, content_type=next(texts)[:100], **call
    )
    Alert.objects.create(
        kind="paused", key="x", platform="x", opened_at=now,
        detail={"host": next(texts), "why": "dead_token", "waiting": 1,
                "until": (now + timedelta(hours=1)).isoformat()},
    )  # fmt: skip
    PlatformState.objects.create(
        platform="x", host=next(texts), why="dead_token", paused_until=now + timedelta(hours=1)
    )
    rows = [{"platform": "x", "handle": next(texts), "organization": next(texts)} for _ in range(9)]
    given = json.dumps(rows)
    roster = check_roster(read_roster(given), given, name=next(texts), by=root, all_or_nothing=False)
    RosterImport.objects.create(name=next(texts), by=root, state=RosterImport.State.DONE)
    ImportBatch.objects.create(name=next(texts), by=root, state=ImportBatch.State.DONE)
    item = _item(texts, root)
    _history(texts, root, first, item)
    for at in range(12):
        AccessToken.objects.make(root, next(texts)[:100], "read")
        happened(root, next(texts)[:60], next(texts), {next(texts): next(texts), "number": at})
    token, note = AccessToken.objects.first(), Note.objects.first()
    return {"root": root, "account": first, "run": run, "sample": sample, "roster": roster, "item": item,
            "token": token, "note": note}  # fmt: skip


def _history(texts: Any, root: Any, account: Account, item: WorkItem) -> None:
    """What was done to the account and the item, and items on somebody's desk and in the bin."""
    for action in ("accounts.edit", f"accounts.{next(texts)}"[:60]):
        changes = {next(texts): [next(texts), next(texts)]}
        happened(root, action, next(texts), {"id": account.pk, "changes": changes, "fields": [next(texts)]})
    happened(root, "accounts.tag", "", {"id": account.pk, "added": [next(texts)]})
    Revision.objects.create(
        work_item=item, version=2, changes={"detail": [next(texts), next(texts)]}, changed_by_name=next(texts)[:100]
    )
    said = {"name": next(texts), "caption": next(texts)}
    back = factories.item(root, description=next(texts), location=next(texts))
    StatusChange.objects.create(
        work_item=back, new_status="needs_revision", changed_by_name=next(texts)[:100], reason=next(texts)
    )
    theirs = {"status": "needs_revision", "assigned_to": root, "revision_notes": next(texts)}
    WorkItem.objects.filter(pk=back.pk).update(**theirs)
    uploads.promise(back, uploads.Promise(key="k", size=9, sha256="0" * 64, **said), by=root)
    gone = factories.item(root, description=next(texts), location=next(texts))
    WorkItem.objects.filter(pk=gone.pk).update(deleted_at=clock.now(), deleted_by=root)
    Notice.objects.create(
        work_item=item, event="commented", channel="mail", address=next(texts), words="", error=next(texts),
        due_at=clock.now(),
    )  # fmt: skip


def _account(texts: Any, at: int) -> Account:
    """Sound in what its addresses are made of, for no form takes another; payloads in all the rest."""
    words = {name: next(texts) for name in ("display_name", "owner_team", "external_id")}
    made = factories.account(
        "x", f"station{at}", organization=factories.organization(next(texts)), category=next(texts)[:100],
        bio=EVERYTHING if at == 0 else next(texts), **words,
    )  # fmt: skip
    Account.objects.filter(pk=made.pk).update(handle=next(texts).replace("/", "|") if at else made.handle)
    made.tags.add(Tag.objects.create(name=next(texts)[:50]))
    factories.snapshot(made, followers=1_000 * (at + 1))
    return made


def _item(texts: Any, root: Any) -> WorkItem:
    words = {name: next(texts) for name in ("location", "equipment", "ofm")}
    item = factories.item(root, description=next(texts), detail=EVERYTHING, **words)
    for position in range(6):
        named = {"caption": next(texts), "original_name": next(texts), "uploaded_by_name": next(texts)[:100]}
        factories.photo(item, position=position, verdict_reason=next(texts), verdict="retake", **named)
    for start in range(0, 500, 25):
        said = "\n".join(PAYLOADS[start : start + 25])
        Comment.objects.create(work_item=item, author=root, author_name=next(texts)[:100], text=said)
    Notice.objects.create(
        work_item=item, event="commented", channel="mail", recipient=root, address=next(texts), words=EVERYTHING,
        by_name=next(texts)[:100], due_at=clock.now(),
    )  # fmt: skip
    CannedReason.objects.create(status="needs_revision", text=next(texts))
    WorkItem.objects.filter(pk=item.pk).update(
        submitter_name=next(texts)[:100], assigned_to_name=next(texts)[:100], reviewer_name=next(texts)[:100],
        revision_notes=EVERYTHING, internal_notes=EVERYTHING,
    )  # fmt: skip
    return item
