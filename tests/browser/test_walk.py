"""Every page, for everybody, wide and on a phone: nothing complains, nothing sticks out, axe finds nothing.

A new page is covered as soon as it stands in the URLs; one with a new row in its address needs that row in ROWS. Who
would see the same as somebody before does not look at it again, but everybody has a look at the first page.
"""

from __future__ import annotations

import re
from itertools import cycle

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import get_resolver

from perf import clock
from project.models import AccessToken
from scraping.models import Sample
from tests import factories
from tests.browser.conftest import WIDE, too_wide
from tests.project.asking import Asked
from tests.project.reads import VOLATILE
from tests.project.test_matrix import SAMPLES, walk
from tests.workitems.photo_files import picture
from workitems.deciding import Act, Wanted, decide
from workitems.models import WorkItem
from workitems.reviewing import comment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

APART = re.compile(r"^(api/|admin/|silk/|__debug__/|healthz|readyz)")  # pages of the framework, and no pages
ROWS = {
    "accounts:edit": lambda world: world.subject.pk,
    "scraping:run": lambda world: world.run.pk,
    "scraping:sample": lambda world: world.sample.pk,
    "snapshots:account": lambda world: "subject",
    "token-revoke": lambda world: world.token.pk,
    **dict.fromkeys(("workitems:item", "workitems:edit", "workitems:receipt"), lambda world: world.item.number),
}
"""The last parameter of the pages about one row; those of SAMPLES lead nowhere."""

PARTS = 3  # in which the pages are walked, so that the suite's processes share them
AXE_CORE = Axe().axe_script
AXE = {
    "resultTypes": ["violations"],
    "elementRef": False,
    "preload": False,  # it would fetch imported sheets again, as if they lay beside the page
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
JUDGE = """(options) => axe.run(document, options).then(({ violations }) => violations.flatMap(
  ({ id, nodes }) => nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 160)}`)))"""
BOTH_THEMES = {"/", "/accounts/", "/accounts/x/subject/"}
LOOK = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const told = (element) => element.outerHTML.slice(0, 100);
  const labelled = (e) => e.ariaLabel || e.labels?.length || e.getAttribute("aria-labelledby");
  const named = (e) => labelled(e) || e.title || e.textContent.trim() || e.querySelector("img:not([alt=''])")?.alt;
  const inline = "style, [onclick], [onload], script:not([src]):not([type='application/json'])";
  const controls = "a[href], button, summary, select, textarea, input:not([type=hidden])";
  const twice = all("[id]").map((e) => e.id).filter((id, at, ids) => ids.indexOf(id) !== at);
  return [
    ...(document.title.split(" · ")[0].trim() ? [] : ["no title"]),
    ...(all("h1").length === 1 ? [] : [`${all("h1").length} h1`]),
    ...all(inline).map((e) => `inline: ${told(e)}`),
    ...all(controls).filter((e) => e.checkVisibility() && !named(e)).map((e) => `no name: ${told(e)}`),
    ...twice.map((id) => `twice: #${id}`),
  ];
}"""


class Whole(Asked):
    """That world with a sample of an answer, tokens of the administrator's, and items in several states."""

    def __init__(self):
        super().__init__()
        self.token, _ = AccessToken.objects.make(self.root, "walker", "read")
        self.crew = self.item.submitter
        for name in ("renditions/a.jpg", "renditions/a_thumb.jpg"):  # what the row of its photo speaks of
            if not default_storage.exists(name):
                default_storage.save(name, ContentFile(picture(576, 432)))
        back = factories.item(self.crew, photos=2)
        decide(back, Wanted(Act.SEND_BACK, "Photo 2 is blurred"), by=self.reviewer, version=1)
        comment(self.item, "Which seal?", by=self.reviewer)
        WorkItem.objects.filter(pk=factories.item(self.crew).pk).move_to_bin(self.root)
        self.sample = Sample.objects.create(
            platform="x", kind="page", step="read", account=self.subject, accounts=1, outcome="unparsable",
            status=200, content_type="text/html", body="<p>Please log in</p>", size=20, taken_at=clock.now(),
        )  # fmt: skip

    def pages(self, person, part):
        """The address of every whole page of that part that `person` gets, and what stands on it; nobody is None."""
        client = Client()
        if person:
            client.force_login(person)
        turns = cycle(range(PARTS))  # by pages, not by addresses: most of these are none for most people
        for name, route, _ in walk(get_resolver().url_patterns):
            if APART.match(route):
                continue
            parts = re.split(r"<(?:\w+:)?(\w+)>", route)
            values = [SAMPLES[parameter] for parameter in parts[1::2]]
            if name in ROWS:
                values[-1] = str(ROWS[name](self))
            path = "/" + "".join(part for pair in zip(parts[::2], [*values, ""], strict=True) for part in pair)
            answer = client.get(path)
            if answer.status_code == 200 and b"<main" in (whole := answer.getvalue()):
                assert b" style=" not in whole, path
                if next(turns) == part:
                    yield path, VOLATILE.sub(b"", whole).partition(b"<main")[2]
        yield "/nothing/", b"no such page"


def faults(page, path, *, whole):
    """What is wrong with `path` wide and on a phone; `whole`: with its lazy parts, and for axe."""
    page.set_viewport_size(WIDE)
    page.goto(path)
    page.wait_for_load_state("networkidle" if whole else "load")
    found = page.evaluate(LOOK)
    found += [f"{wider} px wider than {width} px" for width, wider in too_wide(page).items()]
    if whole:
        page.evaluate(AXE_CORE)
        found += page.evaluate(JUDGE, AXE)
    if whole and path in BOTH_THEMES:
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        found += [f"in dark: {one}" for one in page.evaluate(JUDGE, AXE)]
    return [f"{path}: {fault}" for fault in found]


def walked(open_page, world, people, whole, part):
    """What is wrong with the pages of that part for `people`, if no one before them saw it alike; and how many."""
    seen, wrong = set(), []
    for person in people:
        pages = [(path, main) for path, main in world.pages(person, part) if path == "/" or (path, main) not in seen]
        seen.update(pages)
        page = open_page(WIDE, person, reduced_motion="reduce")  # or axe sees colours on their way
        page.provoked += ["/nothing/", "status of 404"]  # others are told by their address
        wrong += [fault for path, _ in pages for fault in faults(page, path, whole=person in whole)]
    return "\n".join(wrong), len({path for path, _ in seen})


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_for_everybody(open_page, part):
    world = Whole()
    people = (world.root, world.editor, world.viewer, None)
    wrong, pages = walked(open_page, world, people, whole=(world.root, None), part=part)
    assert pages > 8
    assert wrong == ""


@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_whole_for_crew_and_reviewers(open_page, part):
    world = Whole()
    wrong, pages = walked(open_page, world, (world.crew, world.reviewer), whole=(world.crew, world.reviewer), part=part)
    assert pages > 4
    assert wrong == ""
