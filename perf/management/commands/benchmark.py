"""manage.py benchmark: times every app's cases and prints them beside each other, then asks every budgeted route."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from perf import costing, earlier
from perf.benchmark import ITERATIONS, Case, NothingToMeasure, Row, Unequal, machine, markdown, measure, report
from perf.conf import setting
from perf.discovery import discovered
from perf.earlier import Earlier, NotAResult

ALL = "benchmark"
"""The file of all rows of one run."""


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Times the cases of every app's benchmarks.py, each way beside the others on the same rows and with equal "
        "answers, and writes bench/<app>.json, and bench/benchmark.json with all, into the data folder. Then it asks "
        "every route that has a budget, on made-up data in a database of its own, and ends with 1 where queries or "
        "bytes are over it. Nothing it writes to a database stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", help="labels of apps; all by default, and the budgets")
        parser.add_argument("--iterations", type=int, default=ITERATIONS, help="runs of each variant at most")
        parser.add_argument("--seconds", type=float, default=10.0, help="time for one case at most")
        parser.add_argument("--compare", metavar="FILE", type=Path, help="a JSON file that an earlier run wrote")
        shape = parser.add_mutually_exclusive_group()
        shape.add_argument("--json", action="store_true", help="print all rows as JSON and nothing else")
        shape.add_argument("--markdown", action="store_true", help="print Markdown tables (default)")
        parser.add_argument("--no-budgets", action="store_true", help="ask no routes")
        parser.add_argument("--list", action="store_true", help="name the cases and stop")

    def handle(self, *, apps: list[str], iterations: int, seconds: float, **options: Any) -> None:
        found = {label: list(module.benchmarks()) for label, module in discovered("benchmarks")}
        if unknown := sorted(set(apps) - set(found)):
            raise CommandError(f"no benchmarks in {', '.join(unknown)}; there are some in {', '.join(found)}")
        if options["list"]:
            self.stdout.write("\n".join(f"{label}: {case.name}" for label in apps or found for case in found[label]))
            return
        before = self._earlier(options["compare"])
        rows = {label: self._measured(found[label], iterations, seconds) for label in apps or found}
        rows = {label: measured for label, measured in rows.items() if measured}
        routes = [] if apps or options["no_budgets"] else self._asked()
        if not rows and not routes:
            raise CommandError("there was nothing to measure")
        told = self._keep(rows, routes)
        if options["json"]:
            self.stdout.write(json.dumps(told, indent=1))
        else:
            self._tell(rows, routes, before)
        _judge(routes)

    def _earlier(self, path: Path | None) -> Earlier | None:
        try:
            return earlier.read(path) if path else None
        except NotAResult as error:
            raise CommandError(str(error)) from error

    def _measured(self, cases: list[Case], iterations: int, seconds: float) -> list[Row]:
        """The rows of one app, without cases whose data are missing."""
        rows: list[Row] = []
        for case in cases:
            self.stderr.write(f"{case.name} …")
            try:
                rows += measure(case, iterations=iterations, seconds=seconds)
            except NothingToMeasure as reason:
                self.stderr.write(f"{case.name}: left out, {reason}")
            except Unequal as error:
                raise CommandError(str(error)) from error
        return rows

    def _asked(self) -> list[costing.Asked]:
        """What the budgeted routes cost."""
        self.stderr.write("Budgets …")
        try:
            with costing.empty_database(), costing.filled() as client:
                return list(costing.asked(client))
        except costing.NotAsked as error:
            raise CommandError(str(error)) from error

    def _keep(self, rows: dict[str, list[Row]], routes: list[costing.Asked]) -> dict[str, Any]:
        """Write a file for each app and one with everything; what the latter holds."""
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        for label, measured in rows.items():
            (folder / f"{label}.json").write_text(json.dumps(report(label, measured), indent=1) + "\n")
        listed = [{"bench": label} | row.as_json() for label, measured in rows.items() for row in measured]
        told = {"bench": ALL, "machine": machine(), "rows": [*listed, *(route.as_json() for route in routes)]}
        (folder / f"{ALL}.json").write_text(json.dumps(told, indent=1) + "\n")
        return told

    def _tell(self, rows: dict[str, list[Row]], routes: list[costing.Asked], before: Earlier | None) -> None:
        """Print the tables, those against the earlier run beneath each."""
        self.stdout.write(f"{machine()}\n")
        for label, measured in rows.items():
            self.stdout.write(f"### {label}\n\n{markdown(measured)}\n")
            if before:
                self.stdout.write(f"Before: {before.machine}\n\n{earlier.markdown(label, measured, before)}\n")
        if routes:
            self.stdout.write(f"### budgets\n\nEach route asked cold:\n\n{costing.markdown(routes)}\n")
        self.stdout.write(f"{_folder() / f'{ALL}.json'}\n")


def _folder() -> Path:
    return Path(setting("DATA_DIR")) / "bench"


def _judge(routes: list[costing.Asked]) -> None:
    """Raises CommandError, for an exit code of 1, where an answer was over its budget."""
    if over := [excess for route in routes for excess in route.excess]:
        raise CommandError("over budget:\n" + "\n".join(over))
