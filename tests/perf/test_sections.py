"""The tabs of the performance pages: which one says that it is here."""

from __future__ import annotations

import pytest

from perf import sections
from perf.sections import Section, tabs


@pytest.fixture(autouse=True)
def _sections(monkeypatch):
    two = [Section("Overview", "perf:performance"), Section("Inner", "perf:beacon")]
    monkeypatch.setattr(sections, "SECTIONS", two)


@pytest.mark.parametrize(
    ("path", "current"),
    [
        ("/performance/", ["page", ""]),
        ("/performance/routes/a/", ["true", ""]),
        ("/performance/beacon/", ["", "page"]),
        ("/performance/beacon/7/", ["", "true"]),
        ("/elsewhere/", ["", ""]),
    ],
)
def test_a_page_stands_under_the_tab_that_leads_to_it_or_above_it(path, current):
    assert [tab.current for tab in tabs(path)] == current
    assert [(tab.label, tab.url) for tab in tabs(path)] == [
        ("Overview", "/performance/"),
        ("Inner", "/performance/beacon/"),
    ]
