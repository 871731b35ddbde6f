"""The numbered links in HTML."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import RequestFactory

from perf import pagination
from perf.pagination import page_number, paginate


@pytest.fixture
def shown(db):
    """A function that renders the links of one page of 95 users, 5 a page, under an address."""
    User.objects.bulk_create(User(username=f"user{number:02}") for number in range(95))

    def show(address: str) -> str:
        request = RequestFactory().get(f"/users/{address}")
        page = paginate(
            User.objects.all(),
            order=["username"],
            page=page_number(request.GET.get("page")),
            per_page=5,
            after=request.GET.get("after", ""),
        )
        template = Template('{% include "perf/_pages.html" with noun="users" %}')
        html = template.render(Context({"request": request, "page": page}))
        return re.sub(r"\s+", " ", html)

    return show


def test_links_keep_filters_sort_search_and_size(shown):
    html = shown("?status=open&search=a%26b&per_page=5&page=2&after=x")
    address = re.search(r'<a href="([^"]+)" rel="next">', html)[1]
    query = parse_qs(unescape(address).lstrip("?"))
    assert (query["status"], query["search"], query["per_page"], query["page"]) == (["open"], ["a&b"], ["5"], ["3"])
    assert query["after"] != ["x"]


def test_the_current_page_is_marked_and_the_ends_are_disabled(shown):
    first, middle, last = shown(""), shown("?page=10"), shown("?page=19")
    assert 'aria-disabled="true">Previous</span>' in first
    assert "aria-disabled" not in middle
    assert 'aria-disabled="true">Next</span>' in last
    assert re.findall(r'aria-current="page">(\d+)<', middle) == ["10"]
    assert re.findall(r">(\d+|…)<", middle) == ["1", "…", "8", "9", "10", "11", "12", "…", "19"]


def test_showing_says_which_rows(shown):
    assert "Showing 1 to 5 of 95 users" in shown("")
    assert "Showing 91 to 95 of 95 users" in shown("?page=19")
    assert "No users to show" in shown("?page=20")


def test_one_page_needs_no_links(shown):
    User.objects.filter(username__gt="user03").delete()
    html = shown("")
    assert "<ul>" not in html
    assert "Showing 1 to 4 of 4 users" in html
    User.objects.filter(username__gt="user00").delete()
    assert "Showing 1 of 1 user <" in shown("")


def test_a_long_list_says_more_than(shown, monkeypatch):
    monkeypatch.setattr(pagination, "COUNT_MAX", 90)
    html = shown("?page=10")
    assert "of more than 90 users" in html
    assert re.findall(r">(\d+|…)<", html) == ["1", "…", "8", "9", "10", "11", "12", "…"]
