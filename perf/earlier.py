"""Puts what a benchmark measured beside what an earlier run of it did."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perf.benchmark import Row


class NotAResult(Exception):
    """A file holds no result of a benchmark; the message names it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run: the machine, and the median milliseconds by bench, case and variant."""

    machine: str
    medians: dict[tuple[str, str, str], float]


def read(path: Path) -> Earlier:
    """The run that `manage.py benchmark` wrote to `path`: of one app, or of all. Raises NotAResult."""
    try:
        told: dict[str, Any] = json.loads(path.read_text())
        rows = {(row.get("bench", told["bench"]), row["case"], row["variant"]): row["value"] for row in told["rows"]}
        return Earlier(told["machine"], rows)
    except OSError as error:
        raise NotAResult(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotAResult(f"{path} is no result of a benchmark. Give a file that an earlier run wrote.") from error


def markdown(bench: str, rows: Sequence[Row], earlier: Earlier) -> str:
    """The rows beside those of the earlier run as a Markdown table; what was measured only once has a dash there."""
    return "\n".join(_lines(bench, rows, earlier.medians))


def _lines(bench: str, rows: Sequence[Row], medians: dict[tuple[str, str, str], float]) -> Iterator[str]:
    yield "| Case | Variant | Before, ms | Now, ms | Now against before |"
    yield "|---|---|---:|---:|---:|"
    for row in rows:
        before = medians.get((bench, row.case, row.variant))
        change = f"{row.median / before:.2f} ×" if before else "–"
        yield f"| {row.case} | {row.variant} | {_figure(before)} | {_figure(row.median)} | {change} |"
    now = {(row.case, row.variant) for row in rows}
    for (label, case, variant), before in medians.items():
        if label == bench and (case, variant) not in now:
            yield f"| {case} | {variant} | {_figure(before)} | – | – |"


def _figure(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:,.3g}"
