"""The performance pages by subject: the tabs on each of them."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse


class Section(NamedTuple):
    """One tab: its words, and the URL name of the page it leads to."""

    label: str
    route: str


SECTIONS = [
    Section("Overview", "perf:performance"),
    Section("Findings", "perf:findings"),
    Section("Queries", "perf:queries"),
    Section("Indexes", "perf:indexes"),
    Section("Cache", "perf:cache"),
    Section("Storage", "perf:storage"),
    Section("Processes", "perf:processes"),
]
"""Every tab, from left to right."""


class Tab(NamedTuple):
    """One tab as it stands on a page; `current` is what aria-current says of it, or nothing."""

    label: str
    url: str
    current: str


def tabs(path: str) -> list[Tab]:
    """Every tab on the page at `path`: the page's own is "page", that of the section it stands under "true"."""
    urls = [reverse(section.route) for section in SECTIONS]
    above = max((url for url in urls if path.startswith(url)), key=len, default="")
    here = "page" if above == path else "true"
    return [Tab(section.label, url, here if url == above else "") for section, url in zip(SECTIONS, urls, strict=True)]
