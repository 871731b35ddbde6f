"""What answers about figures have in common: the refusal and the page."""

from __future__ import annotations

from ninja import Schema


class Refusal(Schema):
    """Why there is no answer."""

    error: str


class Page(Schema):
    """The envelope of every page. `next` is the cursor for `after`; a total that is a lower bound says so."""

    total: int
    page: int
    per_page: int
    pages: int
    total_is_lower_bound: bool = False
    next: str = ""
