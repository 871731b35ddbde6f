"""What an export was asked for, in words."""

from __future__ import annotations

import pytest

from snapshots.exports.filters import PAGING, ExportFilters
from snapshots.exports.wording import WORDS, told


def test_every_filter_has_words() -> None:
    named = {field.alias or name for name, field in ExportFilters.model_fields.items()} - PAGING
    assert WORDS.keys() == named | {"today"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "all figures"),
        ({"tag": ["flu"], "platform": "x", "day": "latest"}, "newest figures · X · tagged flu"),
        ({"core": False, "active": True}, "accounts that are not core · active accounts"),
        ({"freshness": "late", "today": "2026-11-02", "q": "cdc"}, "late · as of 2 Nov 2026 · “cdc”"),
        ({"sort": "-followers", "day": "2026-01-31"}, "figures of 31 Jan 2026 · sorted by followers, descending"),
    ],
)
def test_filters_are_told_in_one_line(given: dict[str, object], words: str) -> None:
    assert told(given) == words
