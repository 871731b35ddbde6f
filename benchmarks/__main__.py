"""python -m benchmarks NAME: side by side, each by itself."""

from __future__ import annotations

import argparse
import importlib
import sys
from contextlib import nullcontext

from benchmarks import ground

SIZES = ("accounts", "seconds", "days", "items", "database", "rounds", "users", "rows")
ALONE = {"images", "day"}  # these need no database, or start their own
KEPT_AS = {"day": "load", "overhead": "perf", "kept_series": "kept"}  # as their make targets are called


def main() -> int:
    """Run one benchmark; 1 when a goal of its own was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    choices = ["gather", "recording", "drain", "api", "growth", "pages", "images", "items", "day", "overhead"]
    choices += ["phases", "plans", "migrations", "partitions", "sizing", "kept_series"]
    parser.add_argument("bench", choices=choices)
    parser.add_argument("--accounts", type=int, help="how many (default: as goals have it)")
    parser.add_argument(
        "--seconds",
        type=float,
        help="drain: the ideal time (120); api: under each load (1.5); growth: for each question (5); day: (120)",
    )
    parser.add_argument("--days", type=int, help="api, growth, pages, sizing: of figures (default: 365, 100, 30, 30)")
    parser.add_argument(
        "--items", type=int, help="items: how many (100,000), with three times as many photos; day: beside the demo's"
    )
    parser.add_argument("--users", type=int, help="day: how many people (40)")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="pages: of one with figures, which stay as they are; day: sqlite or postgres",
    )
    parser.add_argument("--rounds", type=int, help="images: for each photo and way (7); overhead: of each case (120)")
    parser.add_argument("--rows", type=int, help="migrations, partitions: figures (5,000,000)")
    given = parser.parse_args()
    if given.database and given.bench not in {"pages", "day"}:
        parser.error("--database is for pages and day alone: the others write figures")
    sizes = {name: value for name in SIZES if (value := getattr(given, name)) is not None}
    with nullcontext() if given.bench in ALONE else ground.servers(given.database):
        lines = importlib.import_module(f"benchmarks.{given.bench}").measure(**sizes)
        return ground.report(KEPT_AS.get(given.bench, given.bench), lines)


if __name__ == "__main__":
    sys.exit(main())
