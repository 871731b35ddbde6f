"""Every page, for everybody, wide and on a phone: nothing complains, nothing sticks out, axe finds nothing.

A new page is covered as soon as it stands in the URLs; one with a new row in its address needs that row in ROWS.
"""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.urls import get_resolver

from perf import clock
from perf.access import ANYONE, SIGNED_IN
from project.models import AccessToken
from scraping.models import Sample
from tests.browser.conftest import PHONE, WIDE, overflow
from tests.project.asking import Asked
from tests.project.test_matrix import SAMPLES, walk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

APART = re.compile(r"^(api/|admin/|silk/|__debug__/|healthz|readyz)")  # pages of the framework, and no pages
ROWS = {
    "accounts:edit": lambda world: world.subject.pk,
    "scraping:run": lambda world: world.run.pk,
    "scraping:sample": lambda world: world.sample.pk,
    "snapshots:account": lambda world: "subject",
    "token-revoke": lambda world: world.token.pk,
}
"""The last parameter of the pages about one row; those of SAMPLES lead nowhere."""

AXE = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
BOTH_THEMES = {"/", "/accounts/", "/accounts/x/subject/"}
LOOK = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (element) => element.outerHTML.slice(0, 100);
  const labelled = (e) => e.ariaLabel || e.labels?.length || e.getAttribute("aria-labelledby");
  const named = (e) => labelled(e) || e.title || e.textContent.trim();
  const inline = "style, [onclick], [onload], script:not([src]):not([type='application/json'])";
  const controls = "a[href], button, summary, select, textarea, input:not([type=hidden])";
  return [
    ...(document.title.split(" · ")[0].trim() ? [] : ["no title"]),
    ...(all("h1").length === 1 ? [] : [`${all("h1").length} h1`]),
    ...all(inline).map((e) => `inline: ${told(e)}`),
    ...all(controls).filter((e) => e.checkVisibility() && !named(e)).map((e) => `no name: ${told(e)}`),
  ];
}"""
IDS = "() => [...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at)"


class Whole(Asked):
    """That world with a sample of an answer, and tokens of the administrator's."""

    def __init__(self):
        super().__init__()
        self.token, _ = AccessToken.objects.make(self.root, "walker", "read")
        self.sample = Sample.objects.create(
            platform="x", kind="page", step="read", account=self.subject, accounts=1, outcome="unparsable",
            status=200, content_type="text/html", body="<p>Please log in</p>", size=20, taken_at=clock.now(),
        )  # fmt: skip

    def pages(self):
        """The address and the policy of every whole page of ours, as its administrator sees them."""
        client = signed_in(self.root)
        for name, route, pattern in walk(get_resolver().url_patterns):
            if APART.match(route):
                continue
            parts = re.split(r"<(?:\w+:)?(\w+)>", route)
            values = [SAMPLES[parameter] for parameter in parts[1::2]]
            if name in ROWS:
                values[-1] = str(ROWS[name](self))
            path = "/" + "".join(part for pair in zip(parts[::2], [*values, ""], strict=True) for part in pair)
            answer = client.get(path)
            if answer.status_code == 200 and b"<main" in b"".join(answer):
                yield path, pattern.callback.policy


def signed_in(person):
    """A client of `person`'s, or of nobody's."""
    client = Client()
    if person:
        client.force_login(person)
    return client


def may(person, policy):
    """Whether `policy` lets `person` in, None being nobody."""
    if person is None or policy == ANYONE:
        return policy == ANYONE
    return policy == SIGNED_IN or person.has_perms(policy)


def faults(page, path, *, patient):
    """What is wrong with `path` wide and on a phone; the patient wait until its lazy parts are there."""
    page.set_viewport_size(WIDE)
    page.goto(path)
    page.wait_for_load_state("networkidle" if patient else "load")
    found = page.evaluate(LOOK) + [f"twice: #{name}" for name in page.evaluate(IDS)]
    for size in (WIDE, PHONE):
        page.set_viewport_size(size)
        if (wider := overflow(page)) > 0:
            found.append(f"{wider} px wider than {size['width']} px")
    return [f"{path}: {fault}" for fault in found]


def violations(page, path):
    """What axe finds on the page that is open."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{path}: {one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"][:3]]


def test_every_page_is_whole_for_everybody(open_page, live_server):
    world, wrong = Whole(), []
    pages = list(world.pages())
    assert len(pages) > 20
    own = f"/tokens/{world.token.pk}/revoke/"  # nobody else's
    for person in (world.root, world.editor, world.viewer, None):
        page = open_page(WIDE, reduced_motion="reduce")  # or axe sees colours on their way
        for cookie in signed_in(person).cookies.values():
            page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        for path in [path for path, policy in pages if may(person, policy) and (person is world.root or path != own)]:
            wrong += faults(page, path, patient=person is world.root)
            if person in (world.root, None):
                wrong += violations(page, path)
            if person is world.root and path in BOTH_THEMES:
                page.evaluate("document.documentElement.dataset.theme = 'dark'")
                wrong += violations(page, f"{path} in dark")
    assert not wrong, "\n".join(wrong)
