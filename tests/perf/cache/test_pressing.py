"""Answers that are asked for again are compressed once, as well as can be, and never brought back to life by it."""

from __future__ import annotations

import gzip

import brotli

from perf.cache import cached, forget
from perf.cache.keys import Slot
from perf.cache.ready import PRESS, READY, place_of
from perf.cache.store import store

TEXT = b'{"platform":"x","handle":"someone","followers":12345},' * 40


def record_of(family):
    found = store().read(Slot(family, "a")).record
    assert found is not None
    return found


def test_the_second_reader_has_it_pressed_for_all_that_follow(family):
    cached(family, "a", lambda: TEXT)
    PRESS.wait()
    assert not record_of(family).pressed
    cached(family, "a", lambda: TEXT)
    PRESS.wait()
    record = record_of(family)
    assert (brotli.decompress(record.br), gzip.decompress(record.gzip)) == (TEXT, TEXT)
    assert cached(family, "a", lambda: b"").record == record
    assert READY.get(place_of(Slot(family, "a"))) == record


def test_pressing_ends_no_later_than_the_answer_does(family):
    cached(family, "a", lambda: TEXT)
    before = record_of(family).expires
    cached(family, "a", lambda: TEXT)
    PRESS.wait()
    assert record_of(family).expires == before


def test_an_answer_forgotten_meanwhile_is_not_stored_again(family):
    cached(family, "a", lambda: TEXT)
    old = record_of(family)
    forget(family)
    cached(family, "a", lambda: b"new")
    PRESS.press(Slot(family, "a"), old)
    assert record_of(family).value == b"new"


def test_a_short_answer_is_pressed_to_nothing_smaller(family):
    for _ in range(2):
        cached(family, "a", lambda: b"short")
        PRESS.wait()
    record = record_of(family)
    assert record.pressed
    assert record.body("br") == (b"short", "")
