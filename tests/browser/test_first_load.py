"""What production sends on the first load: minified, hashed files that work, within their bytes and nodes."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from playwright.sync_api import expect

from project.statics import IMPORT, worth_minifying
from tests.browser.conftest import WIDE, sign_in
from tests.browser.test_pages import requested

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KB = 1024
SOURCES = Path("static")
HASHED = re.compile(r"\.[0-9a-f]{12}\.(js|css|svg)$")
CHARTS = re.compile(r"/(chart[^/]*|charts/[^/]*|uPlot[^/]*)$")
RULES = """([source, served]) => {
  const rules = (text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    const about = (rule) => rule.selectorText ?? rule.conditionText ?? rule.name;
    const tell = (rule) => [about(rule), [...(rule.style ?? [])], [...(rule.cssRules ?? [])].map(tell)];
    return JSON.stringify([...sheet.cssRules].map(tell));
  };
  return [rules(source), rules(served)];
}"""

LINKS = """(address) => import(address).catch((error) => {
  const misses = error instanceof SyntaxError || error.message.includes("fetch");
  if (misses) throw error;  // others miss only the page that they are written for
})"""


@pytest.fixture
def production(settings, tmp_path):
    """Our static files as production serves them; the folder they are in."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "project.statics.StaticFiles"}}
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    finders.get_finder.cache_clear()
    call_command("collectstatic", interactive=False, verbosity=0)
    yield settings.STATIC_ROOT
    finders.get_finder.cache_clear()


@pytest.fixture
def page(open_page, production, editor, roster):
    """An editor's page whose static files come from `production`."""
    page = open_page(WIDE)
    page.route("**/static/**", lambda route: route.fulfill(path=production / named(route.request.url)))
    sign_in(page, editor)
    return page


def named(url):
    """The name of a static file: its path below STATIC_ROOT."""
    return urlsplit(url).path.removeprefix("/static/")


def weight(production, names):
    """How many bytes the scripts and style sheets among `names` weigh on the wire."""
    return sum((production / f"{name}.br").stat().st_size for name in names if name.endswith((".js", ".css")))


def parts(names):
    """Which of the modules that only some pages need are among `names`."""
    return {part for part in ("charts", "sidebar", "grid") for name in names if re.search(rf"/{part}[./].*js$", name)}


@pytest.mark.req("A57", "A59", "B68", "B69", "B70")
def test_production_loads_little_and_all_of_it_works(page, production):
    urls = requested(page, lambda: (page.goto("/"), page.locator(".chart canvas").first.wait_for()))
    assert {urlsplit(url).netloc for url in urls} == {urlsplit(page.url).netloc}
    names = {named(url) for url in urls if "/static/" in url}
    assert not [name for name in names if worth_minifying(name) and not HASHED.search(name)]
    assert not [name for name in names if re.search(r"\.(woff2?|ttf|otf)$", name)]
    before_charts = {name for name in names if not CHARTS.search(name)}
    assert 0 < weight(production, before_charts) <= 60 * KB
    assert weight(production, before_charts) < weight(production, names) <= 90 * KB
    assert page.locator("*").count() <= 1_500
    assert parts(names) == {"charts", "sidebar"}
    listed = requested(page, lambda: page.goto("/accounts/"))
    assert parts({named(url) for url in listed}) == {"grid"}
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    for source in (*SOURCES.glob("tidemark/**/*.css"), *SOURCES.glob("tidemark/**/*.js")):
        [served] = production.glob(f"{source.relative_to(SOURCES).with_suffix('')}.????????????{source.suffix}")
        written = IMPORT.sub(lambda found, folder=source.parent: (folder / found[1]).read_text(), source.read_text())
        assert served.stat().st_size < len(written.encode())
        if source.suffix == ".css":
            before, after = page.evaluate(RULES, [written, served.read_text()])
            assert after == before, source
        else:
            page.evaluate(LINKS, f"/static/{served.relative_to(production)}")
