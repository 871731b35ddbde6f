"""Static files are collected when they change and left alone when they do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.contrib.staticfiles import finders

from project.statics import LARGE, QuickCompressor, collect_when_changed


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


@pytest.mark.parametrize("size", [LARGE // 2, LARGE * 2])
def test_compressed_files_unpack_to_themselves(size: int) -> None:
    data = b"tide" * (size // 4)
    assert brotli.decompress(QuickCompressor().compress_brotli(data)) == data
