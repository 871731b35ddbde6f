"""python -m benchmarks gather|recording|drain: side-by-side runs that are too large for manage.py benchmark."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks import ground


def main() -> int:
    """Run one benchmark; 1 when a goal of its own was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("bench", choices=["gather", "recording", "drain"])
    parser.add_argument("--accounts", type=int, help="how many (default: as goals have it)")
    parser.add_argument("--seconds", type=float, help="drain: the ideal time (default: 120)")
    given = parser.parse_args()
    sizes = {name: value for name in ("accounts", "seconds") if (value := getattr(given, name)) is not None}
    with ground.servers():
        lines = importlib.import_module(f"benchmarks.{given.bench}").measure(**sizes)
        return ground.report(given.bench, lines)


if __name__ == "__main__":
    sys.exit(main())
