"""Whatever somebody stores or sends is shown as text: 500 payloads in every field that a page shows, with no policy.

The Content-Security-Policy would stop most of them; it is bypassed here, so that escaping alone has to hold.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.contrib import admin
from django.urls import resolve, reverse

from project.models import SignIn
from tests.browser.payloads import PAYLOADS
from tests.browser.posted import Posted, posted
from tests.browser.stored import store_everywhere
from tests.project import test_matrix as matrix

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

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
def world(transactional_db: None) -> dict[str, Any]:
    """A payload in every field."""
    return store_everywhere()


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


def answer_with(page: Any, there: Posted) -> str:
    """Have the browser shown what a form was answered with, at the address that it would be at; that address."""
    address = there.address.partition("#")[0]
    page.route(
        lambda url: urlsplit(url).path == urlsplit(address).path,
        lambda route: route.fulfill(status=there.status, content_type="text/html; charset=utf-8", body=there.html),
        times=1,
    )
    return address


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

    def look(address: str) -> int:
        answer = page.goto(address, wait_until="networkidle" if address.count("/") < 3 else "load")
        became.extend(f"{address}: {found}" for found in page.evaluate(FOUND))
        text = page.evaluate(TEXT)
        shown.update(payload for payload in PAYLOADS if payload in text)
        return int(answer.status)

    for address in addresses(world):
        status = look(address)
        failed += [f"{status} {address}"] if status >= (500 if address.startswith(NOT_FOUND) else 400) else []
    for there in posted(world, client):
        status = look(answer_with(page, there))
        failed += [f"{status} {there.name}"] if status != there.status else []
    context.clear_cookies()
    failed += [address for address in SIGNED_OUT if look(address) >= 400]
    context.close()
    assert (ran, became, failed) == ([], [], []), failed
    assert len(shown) > 450, "the pages do not show what was stored"
