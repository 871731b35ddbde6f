"""The parts of a whole run, and the files that each needs: importing all of them takes longer than many a part."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Three processes on two cores: tests wait for servers and deadlines of others nearly half of their time.
BY_MODULE = ["-n", "3", "--dist", "worksteal"]  # a module stays where its world is, until a process has no more
IN_PAIRS = ["-n", "2", "--dist", "worksteal"]  # a browser beside each of the two works as much as waits
BY_TEST = ["-n", "3", "--dist", "load", "--maxschedchunk", "1"]  # of tests that have their own world each
COLLECTED = pytest.StashKey[list[pytest.Item]]()
"""Everything that a run has collected, also what its -m leaves out; see conftest.py."""


@dataclass(frozen=True)
class Part:
    """One run of pytest: the tests that bear `mark`, all that none runs apart for "", with `options`."""

    title: str
    mark: str
    options: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def selection(self) -> list[str]:
        """What pytest is told so that it runs these tests."""
        if not self.mark:
            return []
        apart = "" if self.mark in APART else f" and not ({' or '.join(APART)})"
        return ["-m", self.mark + apart, *map(str, files(self.mark))]


APART = ("browser", "timed", "chaos", "drill")
PARTS = [
    Part("All apps, on PostgreSQL and Valkey", "", BY_MODULE),
    Part(
        "What must hold on both databases, on SQLite",
        "both_dbs",
        BY_MODULE,
        {"TEST_DATABASE_URL": "sqlite:///:memory:"},
    ),
    Part("In a browser", "browser", IN_PAIRS),
    Part("Time floors", "timed"),
    Part("Killing processes", "chaos", BY_TEST),
]


def files(mark: str) -> list[Path]:
    """The files whose tests may bear `mark`: it stands in them. Backwards, so that test_up.py, the longest, begins."""
    found = sorted(TESTS.rglob("test_*.py"), reverse=True)
    return [path for path in found if f"mark.{mark}" in path.read_text()]
