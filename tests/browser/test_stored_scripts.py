"""Whatever somebody stores is shown as text: 500 payloads in every field that a page shows, with no policy.

The Content-Security-Policy would stop most of them; it is bypassed here, so that escaping alone has to hold.
"""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import cycle
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.urls import resolve, reverse

from accounts.batches import RosterImport
from accounts.checking import check_roster
from accounts.models import Account, FormerHandle, Tag
from accounts.rosters import read_roster
from perf import clock
from perf.events import happened
from project.models import AccessToken, SignIn
from scraping.models import Alert, Attempt, PlatformState, Sample, ScrapeJob, ScrapeRun
from snapshots.models import ImportBatch, Note
from tests import factories
from tests.browser.payloads import PAYLOADS
from tests.project import test_matrix as matrix
from workitems import uploads
from workitems.models import CannedReason, Comment, Notice, Revision, StatusChange, WorkItem

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

EVERYTHING = "\n".join(PAYLOADS)
DETECTOR = "Object.defineProperty(window, 'xss', {value: (n) => { told(String(n)); return '' }})"
FOUND = """() => [
  ...[...document.querySelectorAll('[data-xss]')].map((e) => e.outerHTML),
  ...[...document.querySelectorAll('*')].flatMap((e) => [...e.attributes].filter((a) =>
    a.name.startsWith('on') || a.name.startsWith('hx-on')
    || (['href', 'src', 'action', 'formaction', 'srcdoc', 'data', 'xlink:href'].includes(a.name)
        && /^[\\x00-\\x20]*(javascript|vbscript|data:text)/i.test(a.value))).map((a) => `${a.name}=${a.value}`)),
]"""
TEXT = """document.documentElement.textContent
    + [...document.querySelectorAll('textarea, input')].map((e) => e.value).join(' ')"""

PAGES = (
    "/", "/?q={q}", "/accounts/", "/accounts/?q={q}", "/accounts/?tag={q}&organization={q}&day=all", "/accounts/new/",
    "/accounts/import/", "/exports/", "/figures/suspect/", "/figures/import/", "/scraping/", "/scraping/alerts/",
    "/scraping/samples/", "/scraping/samples/?platform={q}", "/scraping/late/", "/scraping/new/",
    "/scraping/platforms/x/", "/scraping/capacity/", "/workitems/", "/workitems/?q=xss", "/workitems/?q={q}",
    "/workitems/review/", "/workitems/bin/", "/workitems/notices/", "/workitems/documents/",
    "/workitems/new/?location={q}", "/tokens/", "/invitations/", "/performance/", "/performance/findings/",
    "/login/", "/login/code/", "/nothing/{q}", "/api/docs", "/password/", "/password/reset/",
    "/password/reset/sent/", "/password/reset/MQ/{q}/", "/invitation/{q}/", "/sessions/", "/two-steps/",
    "/two-steps/set-up/", "/two-steps/codes/", "/two-steps/off/", "/trend/", "/sidebar/?q={q}", "/pane/?account=x/{q}",
    "/exports/live/", "/notes/new/", "/accounts/organizations/?organization={q}", "/scraping/live/",
    "/scraping/missing/", "/scraping/metrics/", "/workitems/documents/live/", "/performance/routes/{q}/",
    "/performance/cache/", "/performance/queries/", "/performance/queries/{q}/", "/performance/indexes/",
    "/performance/tasks/", "/performance/outgoing/", "/performance/frontend/", "/performance/storage/",
    "/performance/processes/",
)  # fmt: skip
SIGNED_OUT = [f"/login/?next=/{quote(text, safe='')}" for text in PAYLOADS[:3]]
NOT_FOUND = ("/nothing/", "/invitation/", "/performance/routes/", "/performance/queries/", "/accounts/bulk/999/")
"""Addresses that say that nothing is there, and repeat what was asked for or not."""

NO_PAGES = {
    *("healthz", "readyz", "metrics", "snapshots:export-accounts", "snapshots:download-export", "workitems:export"),
    *("accounts:refused", "scraping:sample-text", "workitems:photo", "workitems:document"),
    *("workitems:download-bundle", "scraping:job-sample"),
}
"""What a GET is answered with a file or a line of text; the last leads on to a page."""


@pytest.fixture
def world(transactional_db: None, settings: Any) -> dict[str, Any]:
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


def addresses(world: dict[str, Any]) -> list[str]:
    """Every page that shows what somebody stored, the administration's lists and forms included."""
    item, account = world["item"], world["account"]
    of_item = [reverse(f"workitems:{name}", args=[item.number]) for name in ("item", "edit", "receipt")]
    of_account = [
        reverse("snapshots:account", args=[account.platform, account.handle]),
        f"/?account=x/{account.handle}",
    ]
    others = [
        f"/accounts/edit/{account.pk}/", f"/scraping/attempts/{account.pk}/", f"/accounts/import/{world['roster'].pk}/",
        f"/scraping/samples/{world['sample'].pk}/", f"/scraping/runs/{world['run'].pk}/",
        f"/workitems/review/?item={item.number}", f"/tokens/{world['token'].pk}/revoke/", f"/changes/{account.pk}/",
        f"/notes/{world['note'].pk}/", f"/scraping/standing/{account.pk}/", "/accounts/bulk/999/",
        f"/admin/auth/user/{world['root'].pk}/history/", f"/admin/auth/user/{world['root'].pk}/erase/",
        f"/accounts/bulk/?account={account.pk}&preview=1&set_organization={quote(PAYLOADS[2])}&add_tags=a&set_team=b",
    ]  # fmt: skip
    asked = [page.format(q=quote(text, safe="")) for page, text in zip(PAGES, cycle(PAYLOADS[::7]), strict=False)]
    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry]
    forms = [reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
             for row in (item, account, world["root"], account.organization)]  # fmt: skip
    return [*of_item, *of_account, *others, *asked, *lists, *forms]


def unseen(visited: list[str], client: Any) -> set[str]:
    """The pages, by name, that none of the addresses `visited` is of."""
    seen = {resolve(urlsplit(address).path).view_name for address in visited if "/nothing/" not in address}
    there = {
        route.name
        for route in matrix.addresses()
        if route.policies["GET"] and not route.is_api and not matrix.is_admin(route) and route.name not in NO_PAGES
    } - seen
    return {one.name for one in matrix.addresses() if one.name in there and client.get(one.path).status_code != 405}


def test_no_stored_text_runs_or_becomes_markup(
    browser: Any, live_server: Any, world: dict[str, Any], client: Any
) -> None:
    ran: list[str] = []
    context = browser.new_context(base_url=live_server.url, bypass_csp=True)
    context.expose_binding("told", lambda source, number: ran.append(f"{source['page'].url}: {number}"))
    context.add_init_script(DETECTOR)
    client.force_login(world["root"])
    SignIn.objects.update(agent=PAYLOADS[2])
    assert unseen(addresses(world), client) == set()
    cookie = client.cookies["session"]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.on("dialog", lambda dialog: ran.append(f"{page.url}: {dialog.message}"))
    page.set_content("<img data-xss src=x onerror=xss(0)>")
    page.wait_for_function("document.images[0].complete")
    assert (len(page.evaluate(FOUND)), len(ran)) == (2, 1), "the detector sees nothing"
    ran.clear()
    became, failed, shown = [], [], set()
    for address in [*addresses(world), *SIGNED_OUT]:
        if address in SIGNED_OUT:
            context.clear_cookies()
        answer = page.goto(address, wait_until="networkidle" if address.count("/") < 3 else "load")
        wrong = answer.status >= (500 if address.startswith(NOT_FOUND) else 400)
        failed += [f"{answer.status} {address}"] if wrong else []
        became += [f"{address}: {found}" for found in page.evaluate(FOUND)]
        text = page.evaluate(TEXT)
        shown |= {payload for payload in PAYLOADS if payload in text}
    context.close()
    assert (ran, became, failed) == ([], [], []), failed
    assert len(shown) > 450, "the pages do not show what was stored"
