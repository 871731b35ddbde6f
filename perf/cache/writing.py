"""Forgetting as part of the transaction: readers store nothing while a writer is open, and a kill loses nothing."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from django.db import transaction

from perf.cache.contract import Unreachable
from perf.cache.keys import Family
from perf.cache.store import store

MEMBERS_MAX = 1_000  # members forgotten one by one; more in one call forget their whole family


class Writer:
    """One transaction's mark on the families it changes."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.names: set[str] = set()
        self.done = False

    def open(self, names: set[str]) -> None:
        """Mark `names`, unless this writer has already."""
        new = names - self.names
        if new:
            self.names |= new
            with suppress(Unreachable):  # the store owes a new epoch then
                store().open(new, self.token)

    def close(self) -> None:
        """Give the marked families fresh generations."""
        self.done = True
        with suppress(Unreachable):  # the store owes a new epoch then
            store().close(self.names, self.token)


class _Current(threading.local):
    """The writer of this thread, whose database connection is its own too."""

    writer: Writer | None = None


_current = _Current()


def forget(*families: Family) -> None:
    """Make every answer of `families` stale: at once for readers, for good on commit.

    Call it inside the writing transaction, before or after the write. Outside one it takes effect at once: call
    it after the write. More than MEMBERS_MAX members of one family forget that whole family.
    """
    names = _collapsed(families)
    if not names:
        return
    if not transaction.get_connection().in_atomic_block:
        with suppress(Unreachable):  # the store owes a new epoch then
            store().close(names, "")
        return
    settle()
    if _current.writer is None:
        _current.writer = Writer()
        transaction.on_commit(_current.writer.close, robust=True)
    _current.writer.open(names)


def settle() -> None:
    """Close this thread's writer if its transaction or savepoint was rolled back.

    Django drops the on_commit callback without a word. The marks would go after WRITER_SECONDS by themselves;
    this way a refused form does not switch the cache off for a minute.
    """
    writer = _current.writer
    if writer is None:
        return
    waiting = transaction.get_connection().run_on_commit
    if not writer.done and not any(callback == writer.close for _, callback, _ in waiting):
        writer.close()
    if writer.done:
        _current.writer = None


def _collapsed(families: Iterable[Family]) -> set[str]:
    distinct = set(families)
    members = Counter(family.parent for family in distinct if family.parent)
    return {
        (family.parent if family.parent and members[family.parent] > MEMBERS_MAX else family).name
        for family in distinct
    }
