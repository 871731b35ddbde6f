"""What somebody stored or sent is text too where a form is answered with a page; no browser is needed to see that."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from tests.browser.payloads import PAYLOADS
from tests.browser.posted import posted
from tests.browser.stored import store_everywhere

pytestmark = pytest.mark.django_db

ONLY_POSTED = {
    *(f"workitems/{name}.html" for name in ("_conflict", "_wrong", "bulk", "taken")),
    *("snapshots/judge.html", "snapshots/bulk_edit.html", "admin/delete_selected_confirmation.html"),
}

NUMBERS_ALONE = {"judged, with undo", "edit many, with undo", "many, with undo"}
"""These say how many, and no words; if they ever do, they are looked at."""

RUNS = re.compile(r"[\x00-\x20]*(javascript|vbscript|data:text)", re.IGNORECASE)


class Markup(HTMLParser):
    """Notes what would run in a page, and what its main part says as text: the rest names whoever looks."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []
        self.text = ""
        self.in_main = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        odd = [name for name in given if name.startswith(("on", "hx-on", "data-xss"))]
        odd += [name for name, value in given.items() if name != "value" and RUNS.match(value or "")]
        is_inline = tag == "script" and "src" not in given and given.get("type") != "application/json"
        self.runs += [self.get_starttag_text() or ""] if odd or is_inline else []
        self.in_main |= tag == "main"
        self.handle_data(f" {given.get('value') or ''} ")

    def handle_endtag(self, tag: str) -> None:
        self.in_main &= tag != "main"

    def handle_data(self, data: str) -> None:
        self.text += data if self.in_main else ""


def read(html: str) -> Markup:
    found = Markup()
    found.feed(html)
    found.close()
    return found


def test_reader_sees_what_would_run() -> None:
    blind = [text for text in PAYLOADS[::20] if text.startswith("<") and not read(f"<p>{text}").runs]
    assert blind == []


def test_no_text_becomes_markup_where_a_form_is_answered_with_a_page(client: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {}
    world = store_everywhere()
    client.force_login(world["root"])
    became, silent, names = [], [], set()
    for page in posted(world, client):
        found = read(page.html)
        names |= page.templates
        became += [f"{page.name}: {markup}" for markup in found.runs]
        silent += [] if any(text in found.text for text in PAYLOADS) else [page.name]
    assert became == []
    assert set(silent) == NUMBERS_ALONE
    assert names >= ONLY_POSTED
