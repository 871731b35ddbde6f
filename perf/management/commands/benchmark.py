"""manage.py benchmark: times every app's cases and prints them beside each other."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from perf.benchmark import ITERATIONS, Case, NothingToMeasure, Row, Unequal, markdown, measure, report
from perf.discovery import discovered


class Command(BaseCommand):
    """See `help`."""

    help = (
        "Times the cases of every app's benchmarks.py, each way beside the others on the same rows and with equal "
        "answers, and writes bench/<app>.json into the data folder. Nothing it writes to the database stays."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("apps", nargs="*", help="labels of apps; all by default")
        parser.add_argument("--iterations", type=int, default=ITERATIONS, help="runs of each variant at most")
        parser.add_argument("--seconds", type=float, default=10.0, help="time for one case at most")
        parser.add_argument("--list", action="store_true", help="name the cases and stop")

    def handle(self, *, apps: list[str], iterations: int, seconds: float, **options: Any) -> None:
        found = {label: list(module.benchmarks()) for label, module in discovered("benchmarks")}
        if unknown := sorted(set(apps) - set(found)):
            raise CommandError(f"no benchmarks in {', '.join(unknown)}; there are some in {', '.join(found)}")
        measured = 0
        for label in apps or found:
            if options["list"]:
                self.stdout.write("\n".join(f"{label}: {case.name}" for case in found[label]))
                continue
            rows = [row for case in found[label] for row in self._measured(case, iterations, seconds)]
            measured += len(rows)
            if rows:
                self._tell(label, rows)
        if not measured and not options["list"]:
            raise CommandError("there was nothing to measure")

    def _measured(self, case: Case, iterations: int, seconds: float) -> list[Row]:
        self.stderr.write(f"{case.name} …")
        try:
            return measure(case, iterations=iterations, seconds=seconds)
        except NothingToMeasure as reason:
            self.stderr.write(f"{case.name}: left out, {reason}")
            return []
        except Unequal as error:
            raise CommandError(str(error)) from error

    def _tell(self, label: str, rows: list[Row]) -> None:
        made = report(label, rows)
        folder = Path(settings.DATA_DIR) / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{label}.json"
        path.write_text(json.dumps(made, indent=1) + "\n")
        self.stdout.write(f"### {label}\n\n{made['machine']}\n\n{markdown(rows)}\n\n{path}\n")
