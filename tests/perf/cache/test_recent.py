"""What was used last stays, up to a weight."""

from __future__ import annotations

from perf.cache.recent import Recent


def test_what_was_not_used_the_longest_goes_first() -> None:
    recent: Recent[str, str] = Recent(2)
    recent.put("a", "1")
    recent.put("b", "2")
    assert recent.get("a") == "1"
    recent.put("c", "3")
    assert [recent.get(key) for key in "abc"] == ["1", None, "3"]


def test_weights_are_summed_and_given_back() -> None:
    recent: Recent[str, bytes] = Recent(10, len)
    recent.put("a", b"12345")
    recent.put("a", b"1")
    recent.put("b", b"123456789")
    assert (recent.get("a"), recent.get("b")) == (b"1", b"123456789")
    recent.put("c", b"1")
    assert [recent.get(key) for key in "abc"] == [None, b"123456789", b"1"]
    recent.clear()
    recent.put("d", b"1234567890")
    assert (len(recent), recent.get("d")) == (1, b"1234567890")


def test_what_is_heavier_than_everything_is_not_kept_nor_what_it_replaces() -> None:
    recent: Recent[str, bytes] = Recent(3, len)
    recent.put("a", b"12")
    recent.put("a", b"1234")
    assert recent.get("a") is None
