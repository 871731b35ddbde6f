"""Every file of ours that a spreadsheet opens, filled with texts that would run there: no cell does.

A new one fails the test until it stands in FILES: by its route, by its format in the API's description, or because
another module makes CSV.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from time import monotonic
from typing import Any
from zipfile import ZipFile

import pytest
from django.test import Client

from accounts.checking import check_roster
from accounts.models import Account, Organization, Tag
from accounts.rosters import read_roster
from perf import clock
from project.urls import api
from snapshots.exports import writing
from snapshots.exports.asking import ask
from snapshots.exports.filters import ExportFilters
from tests import factories
from tests.project.test_matrix import addresses
from workitems import documents
from workitems.models import WorkItem

ROOT = Path(__file__).resolve().parents[2]

HOSTILE = (
    *("=1+1", "+1+1", "-1+1", "@SUM(1)", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "\ufe661"),
    *(" =1", "\u2003=1", "\u00a0-1", "\ufeff@1", "\u2060=1", "\x0b=1", "'=1", "\u3000'\u200b+1"),
    *(
        '=HYPERLINK("http://a.example","b")',
        "=cmd|' /C calc'!A0",
        '="a\nb"',
        '-"1",\r\n=1',
        "plain\n=1",
        "a;=1",
        "a\t=1",
    ),
)
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
NUMBER = re.compile(r"-?\d+(\.\d+)?")

WRITERS = {"accounts/checking.py", "accounts/exports.py", "snapshots/exports/formats.py", "workitems/exports.py"}
"""The modules that make lines of CSV; each answers at an address of FILES."""

OTHERWISE = re.compile(r"csv\.(?:writer|DictWriter)|openpyxl|xlsxwriter|odfpy|to_csv|to_excel|\.xlsx|ms-excel")

ROUTES = re.compile(r"csv|export|refused")
"""What the address of a file for spreadsheets has in it."""

NO_FILE = {
    *("/exports/", "/exports/live/", "/exports/start/", "/exports/1/delete/", "/api/exports", "/api/exports/1"),
    *("/api/export.json", "/api/export.ndjson", "/admin/auth/user/1/export/"),
}
"""Addresses that have so, and answer with a page or another file."""


FILES = {
    "/api/accounts.csv": "/api/accounts.csv",
    "/api/export.csv": "/api/export.csv",
    "/api/coverage.csv": "/api/coverage.csv?part=missing&to={last}",
    "/exports/accounts.csv": "/exports/accounts.csv",
    "/workitems/export.csv": "/workitems/export.csv",
    "/accounts/import/1/refused.csv": "/accounts/import/{w.draft.pk}/refused.csv",
    "/api/exports/1/file": "/api/exports/{w.export.pk}/file",
    "/exports/1/file/": "/exports/{w.export.pk}/file/",
}
"""Each file that a spreadsheet opens, by its route's sample address: what is asked for in the world below."""


class World:
    """Nine accounts, four items, refused lines and an export with HOSTILE in every text that a cell may show."""

    def __init__(self) -> None:
        self.root: Any = factories.user(is_superuser=True, password="!")
        crew: Any = factories.user("crew", password="!")
        for at in range(9):
            office = factories.organization(f"Office {at}")
            account = factories.account("x", f"handle{at}", organization=office)
            factories.snapshot(account, clock.today() - timedelta(days=at % 2))
            names = ("handle", "display_name", "external_id", "owner_team", "kind", "category")
            Account._base_manager.filter(pk=account.pk).update(**_texts(Account, names, 3 * at))
            Organization._base_manager.filter(pk=office.pk).update(**_texts(Organization, ("name",), 3 * at + 1))
        tag = Account.objects.filter(pk=account.pk).retag(self.root, add=["tag"])
        assert tag.added
        Tag._base_manager.update(name="=1")
        for at in range(4):
            item = factories.item(crew)
            names = ("location", "equipment", "description", "detail", "ofm", "submitter_name", "assigned_to_name")
            names += ("reviewer_name", "revision_notes")
            WorkItem._base_manager.filter(pk=item.pk).update(**_texts(WorkItem, names, 7 * at))
        roster = StringIO()
        lines = [["no platform", text, text, text, text] for text in HOSTILE]
        csv.writer(roster).writerows([["platform", "handle", "url", "organization", "tags"], *lines])
        rows = read_roster(roster.getvalue().encode())
        self.draft = check_roster(rows, roster.getvalue(), name="r", by=self.root, all_or_nothing=False)
        self.export = ask("csv", ExportFilters(), self.root)
        writing.write_some(monotonic() + 10)


def _texts(model: Any, names: tuple[str, ...], first: int) -> dict[str, str]:
    """A text of HOSTILE for each of `names`, in turn from the `first` on, as long as the column takes."""
    chosen = {name: HOSTILE[(first + at) % len(HOSTILE)] for at, name in enumerate(names)}
    return {name: text[: model._meta.get_field(name).max_length] for name, text in chosen.items()}


def read(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200, path
    assert answer["Content-Type"].startswith("text/csv"), path
    return (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode("utf-8-sig")


def split(text: str) -> Iterator[str]:
    """The cells as LibreOffice offers to read them: ended by commas, semicolons, tabs and lines, unless quoted."""
    for quoted, plain in re.findall(r'"((?:[^"]|"")*)"(?=[,;\t\r\n]|$)|([^,;\t\r\n]+)', text):
        yield quoted.replace('""', '"') or plain


def runs(cell: str) -> bool:
    """Whether some spreadsheet runs `cell`."""
    first = next((char for char in cell if unicodedata.category(char)[0] not in "ZC"), " ")
    return (first in SIGNS or cell.startswith(("\t", "\r", "\n"))) and not NUMBER.fullmatch(cell)


@pytest.mark.django_db
def test_no_cell_of_any_file_runs() -> None:
    world = World()
    client = Client()
    client.force_login(world.root)
    tried = set()
    for path in FILES.values():
        text = read(client, path.format(w=world, last=clock.today()))
        cells = [cell for row in csv.reader(StringIO(text, newline="")) for cell in row]
        ran = [cell for cell in (*cells, *split(text)) if cell and runs(cell)]
        assert ran == [], path
        shown = {cell.removeprefix("'") for cell in cells} | {*cells}
        tried |= (found := shown & {*HOSTILE})
        assert len(found) > 7, path  # or nothing was tried
    assert tried == {*HOSTILE}


def test_every_file_for_spreadsheets_is_tried() -> None:
    routes = {address.path for address in addresses() if ROUTES.search(address.path) and address.policies["GET"]}
    assert {path for path in routes - NO_FILE if "/exportjob/" not in path} == FILES.keys()
    described = {
        f"/api{path}".replace("/api/api", "/api")
        for path, operations in api.get_openapi_schema()["paths"].items()
        for answer in operations.get("get", {}).get("responses", {}).values()
        if "text/csv" in answer.get("content", {})
    }
    assert {re.sub(r"\{kind\}", "csv", re.sub(r"\{pk\}", "1", path)) for path in described} <= FILES.keys()


def test_only_these_modules_make_csv() -> None:
    for path in ROOT.glob("*/**/*.py"):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("accounts/", "perf/", "project/", "scraping/", "snapshots/", "workitems/")):
            source = path.read_text()
            assert name == "perf/spreadsheets.py" or not OTHERWISE.search(source), name
            makes = re.search(r"^from perf\.spreadsheets import .*\blines\b", source, re.MULTILINE)
            assert bool(makes) == (name in WRITERS), name


@pytest.mark.django_db
def test_no_text_of_an_item_becomes_a_field_of_its_word_file() -> None:
    text = '=1+1 { HYPERLINK a } \\h DDEAUTO c:\\\\a "b"\n=1'
    item = factories.item(location=text, description=text, detail=text, ofm=text)
    into = BytesIO()
    documents.write(item, [], into)
    body = ZipFile(into).read("word/document.xml").decode()
    assert "DDEAUTO" in body
    assert not re.findall("w:(?:instrText|fldSimple|fldChar|hyperlink|object|altChunk)", body)
