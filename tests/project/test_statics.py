"""Static files are collected when they change and left alone when they do not."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import brotli
import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory

from perf.clock import now
from project.statics import (
    KEPT,
    LARGE,
    QuickCompressor,
    StaticFilesMiddleware,
    collect_when_changed,
    minified,
    worth_minifying,
)


@pytest.fixture
def source(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A folder with one static file, which is all there is."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "page.js").write_text("one")
    settings.STATICFILES_DIRS = [folder]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "static"
    finders.get_finder.cache_clear()
    yield folder
    finders.get_finder.cache_clear()


def as_in_production(settings: Any) -> None:
    """Collect by the storage that production has; tests usually serve the sources."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "project.statics.StaticFiles"}}


def test_unchanged_files_are_not_collected_again(source: Path) -> None:
    assert (collect_when_changed(), collect_when_changed()) == (True, False)


def test_changed_file_is_collected(source: Path, settings: Any) -> None:
    collect_when_changed()
    (source / "page.js").write_text("two, longer")
    assert collect_when_changed()
    assert (settings.STATIC_ROOT / "page.js").read_text() == "two, longer"


def test_interrupted_collection_is_done_again(source: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    collect_when_changed()
    (source / "more.js").write_text("more")
    with monkeypatch.context() as patch:
        patch.setattr("project.statics.call_command", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            collect_when_changed()
    assert collect_when_changed()


def test_file_collected_later_is_served_by_a_process_that_started_before(source: Path, settings: Any) -> None:
    as_in_production(settings)
    collect_when_changed()
    served = StaticFilesMiddleware(lambda request: HttpResponse(status=404))
    first = staticfiles_storage.url("page.js")
    (source / "page.js").write_text("two, longer")
    collect_when_changed()
    second = staticfiles_storage.url("page.js")
    assert second != first
    answers = {url: served(RequestFactory().get(url)) for url in (first, second)}
    assert b"".join(answers[second]) == b"two, longer"
    assert b"".join(answers[first]) == b"one"  # pages that are open still ask for it
    for absent in ("/static/page.000000000000.js", "/static/../source/page.000000000000.js", "/static/page.js"):
        assert served(RequestFactory().get(absent)).status_code == 404


def test_files_of_versions_long_gone_are_forgotten(source: Path, settings: Any) -> None:
    collect_when_changed()
    old = settings.STATIC_ROOT / "gone" / "page.js"
    recent = settings.STATIC_ROOT / "recent.js"
    old.parent.mkdir()
    for path, age in ((old, KEPT), (recent, KEPT / 2)):
        path.write_text("before")
        os.utime(path, ((now() - age).timestamp() - 60,) * 2)
    (source / "page.js").write_text("two")
    collect_when_changed()
    assert not old.exists()
    assert recent.exists()
    assert not settings.STATIC_ROOT.with_name("static.new").exists()


@pytest.mark.parametrize("size", [LARGE // 2, LARGE * 2])
def test_compressed_files_unpack_to_themselves(size: int) -> None:
    data = b"tide" * (size // 4)
    assert brotli.decompress(QuickCompressor().compress_brotli(data)) == data


MODULE = """// What a minifier of yesterday spoils.
import { read } from "./data.js";
export const found = (words) => /a  b \\/\\/ c/.exec(words) ?? `x  ${words ? `y // ${read}` : "z"}`;
export { read as ask } from "./data.js";
"""


def test_production_serves_smaller_files_and_leaves_the_sources(source: Path, settings: Any) -> None:
    (source / "more.css").write_text("/* why */\na > b {\n  color: #ffffff;\n}\n")
    (source / "all.css").write_text('/* both */\n@import "more.css";\n@import "last.css";\n')
    (source / "last.css").write_text("b { color: #ffffff; }\n")
    (source / "data.js").write_text("export const read = 1;\n")
    (source / "page.js").write_text(MODULE)
    as_in_production(settings)
    collect_when_changed()
    served = {path.name.split(".")[0]: path.read_text() for path in settings.STATIC_ROOT.glob("*.*[sj]s")}
    assert served["more"] == "a>b{color:#fff}"
    assert served["all"] == "a>b{color:#fff}b{color:#fff}"
    assert len(served["page"]) < len(MODULE) == len((source / "page.js").read_text())
    assert "/a  b \\/\\/ c/" in served["page"]
    assert served["page"].count("./data.") == 2
    assert "./data.js" not in served["page"]


@pytest.mark.req("A39")
def test_browsers_are_sent_files_compressed_beforehand_and_keep_them_for_good(source: Path, settings: Any) -> None:
    (source / "page.js").write_text("export const tide = [" + "1, " * 500 + "];\n")
    as_in_production(settings)
    collect_when_changed()
    address, client = staticfiles_storage.url("page.js"), Client()
    assert re.fullmatch(r"/static/page\.[0-9a-f]{12}\.js", address)
    file = settings.STATIC_ROOT / Path(address).name
    for encoding, ending, unpacked in (("br", ".br", brotli.decompress), ("gzip", ".gz", gzip.decompress)):
        answer = client.get(address, headers={"accept-encoding": encoding})
        assert (answer["Content-Encoding"], answer["Vary"]) == (encoding, "Accept-Encoding")
        assert answer["Cache-Control"] == "max-age=315360000, public, immutable"
        sent = answer.getvalue()
        assert sent == file.with_name(file.name + ending).read_bytes()
        assert unpacked(sent) == file.read_bytes()


def test_assets_tells_what_it_saved_and_refuses_where_it_saves_nothing(
    source: Path, settings: Any, capsys: Any
) -> None:
    with pytest.raises(CommandError, match="DEBUG=0"):
        call_command("assets")
    as_in_production(settings)
    (source / "page.js").write_text("export const one = 1; // the first\n")
    call_command("assets")
    assert capsys.readouterr().out.startswith("1 style sheets and scripts: 35 bytes written, 19 minified, ")


@pytest.mark.parametrize(
    ("name", "worth"),
    [
        ("tidemark/base.css", True),
        ("workitems/list.js", True),
        ("tidemark/base.min.css", False),
        ("vendor/htmx/htmx.js", False),
        ("admin/js/core.js", False),
        ("tidemark/mark.svg", False),
    ],
)
def test_only_our_own_scripts_and_sheets_are_minified_and_only_once(name: str, worth: bool) -> None:
    assert worth_minifying(name) is worth


def test_without_a_minifier_files_stay_as_they_are() -> None:
    with mock.patch.dict("sys.modules", {"minify": None}):
        assert minified("page.js", MODULE) == MODULE
