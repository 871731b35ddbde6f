"""What a benchmark leaves behind: a table, a file and an exit code that agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import ground
from benchmarks.ground import Line


def test_lines_that_come_one_by_one_are_told_kept_and_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ground, "ROOT", tmp_path)
    lines = [Line("list", "ours", 12.0, "ms", None, "≤ 10", False), Line("list", "naive", 90.0, "ms")]
    assert ground.report("tried", iter(lines)) == 1
    kept = json.loads((tmp_path / "var" / "bench" / "tried.json").read_text())
    assert [row["value"] for row in kept["rows"]] == [12.0, 90.0]
    assert "| list | ours | 12 | ms |  | ≤ 10 | **missed** |" in capsys.readouterr().out
