"""Whatever somebody stores is shown as text: 500 payloads in every field that a page shows, with no policy.

The Content-Security-Policy would stop most of them; it is bypassed here, so that escaping alone has to hold.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.batches import RosterImport
from accounts.models import Account, FormerHandle, Tag
from perf import clock
from perf.events import happened
from project.models import AccessToken
from scraping.models import Alert, Attempt, PlatformState, Sample, ScrapeJob, ScrapeRun
from snapshots.models import Note
from tests import factories
from tests.browser.payloads import PAYLOADS
from workitems.models import CannedReason, Comment, Notice, WorkItem

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
    "/login/?next={q}", "/nothing/{q}", "/api/docs",
)  # fmt: skip


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
    roster = RosterImport.objects.create(name=next(texts), by=root, state=RosterImport.State.values[0])
    item = _item(texts, root)
    for at in range(12):
        AccessToken.objects.make(root, next(texts)[:100], "read")
        happened(root, next(texts)[:60], next(texts), {next(texts): next(texts), "number": at})
    return {"root": root, "account": first, "run": run, "sample": sample, "roster": roster, "item": item}


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
        f"/workitems/review/?item={item.number}",
    ]  # fmt: skip
    asked = [page.format(q=quote(text)) for page, text in zip(PAGES, cycle(PAYLOADS[::7]), strict=False)]
    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in admin.site._registry]
    forms = [reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
             for row in (item, account, world["root"], account.organization)]  # fmt: skip
    return [*of_item, *of_account, *others, *asked, *lists, *forms]


def test_no_stored_text_runs_or_becomes_markup(
    browser: Any, live_server: Any, world: dict[str, Any], client: Any
) -> None:
    ran: list[str] = []
    context = browser.new_context(base_url=live_server.url, bypass_csp=True)
    context.expose_binding("told", lambda source, number: ran.append(f"{source['page'].url}: {number}"))
    context.add_init_script(DETECTOR)
    client.force_login(world["root"])
    [cookie] = client.cookies.values()
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page = context.new_page()
    page.on("dialog", lambda dialog: ran.append(f"{page.url}: {dialog.message}"))
    page.set_content("<img data-xss src=x onerror=xss(0)>")
    page.wait_for_function("document.images[0].complete")
    assert (len(page.evaluate(FOUND)), len(ran)) == (2, 1), "the detector sees nothing"
    ran.clear()
    became, failed, shown = [], [], set()
    for address in addresses(world):
        answer = page.goto(address, wait_until="networkidle" if address.count("/") < 3 else "load")
        failed += [f"{answer.status} {address}"] if answer.status >= 500 else []
        became += [f"{address}: {found}" for found in page.evaluate(FOUND)]
        text = page.evaluate(TEXT)
        shown |= {payload for payload in PAYLOADS if payload in text}
    context.close()
    assert (ran, became, failed) == ([], [], []), failed
    assert len(shown) > 450, "the pages do not show what was stored"
