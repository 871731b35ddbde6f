"""Names of cached answers."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perf.cache import Family, key
from perf.cache.keys import with_parameters

ODD = ["a", "A", "a b", "a:b", "a/b", "a?b", "a%3Ab", "a%20b", "a&b=c", "a=b", "ä", "", ":", "a:", " a"]


@pytest.mark.req("A3")
@pytest.mark.parametrize(("one", "other"), list(combinations(ODD, 2)))
def test_odd_handles_do_not_collide(one, other):
    assert key("history", "x", one) != key("history", "x", other)


@pytest.mark.req("A3")
@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_only_equal_parts_make_equal_keys(one, other):
    assert (key(*one) == key(*other)) == (one == other)


@pytest.mark.req("A3")
def test_keys_read_as_their_root_and_parameters():
    assert key("summary", "latest") == "summary:latest"
    assert key("history", "x", "cdcgov") == "history:x:cdcgov"
    assert key("grid", "all", sort="-date", page=2) == "grid:all?page=2&sort=-date"


def test_parameters_keep_one_order():
    assert key("grid", a=1, b=2) == key("grid", b=2, a=1)


def test_a_parameter_not_given_is_left_out():
    assert key("grid", "all", platform=None) == "grid:all"


def test_a_value_cannot_pass_for_another_parameter():
    assert key("grid", a="1&b=2") != key("grid", a="1", b="2")
    assert key("grid", a="1,2") != key("grid", a=["1", "2"])


def test_a_handle_cannot_pass_for_a_parameter():
    assert with_parameters("history:x:a?page=2", {}) != with_parameters("history:x:a", {"page": 2})


def test_long_parameters_make_a_short_key_of_their_own():
    one, other = key("grid", search="a" * 500), key("grid", search="a" * 499 + "b")
    assert one != other
    assert len(one) < 50


def test_a_version_holds_every_family_once():
    accounts = Family("accounts", 900)
    grid = Family("grid", 300, depends_on=(accounts,))
    both = Family("page", 300, depends_on=(grid, accounts))
    assert both.names() == ("accounts", "grid", "page")


def test_a_member_depends_on_its_family_and_what_that_depends_on():
    history = Family("history", 600, depends_on=(Family("accounts", 900),))
    member = history.of("x:cdcgov")
    assert member.names() == ("accounts", "history", "history:x:cdcgov")
    assert (member.timeout, member.subject) == (600, "history")
