"""What the documents name exists: tests, commands, and the figures that they promise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent


def test_every_test_that_the_security_page_names_exists() -> None:
    named, file = [], ""
    for word in re.findall(r"`([\w./…]+(?:::\w+)?)`", (ROOT / "docs" / "security.md").read_text()):
        part, _, test = word.partition("::")
        file = part if part.endswith(".py") else file
        if test or (part.endswith(".py") and part.startswith("test_")):
            named.append((file if file.startswith("tests/") else f"tests/project/{file}", test))
    assert len(named) > 30
    gone = [(file, test) for file, test in named if f"def {test}" not in (ROOT / file).read_text()]
    assert gone == []


@pytest.mark.req("A33")
def test_page_on_performance_shows_each_query_before_and_after_with_both_plans() -> None:
    plans = (ROOT / "docs" / "performance.md").read_text().partition("\n## Plans\n")[2]
    measured = re.findall(r"^\| (.+?) \| ([\d,.]+) \| ([\d,.]+) \| [\d,.]+ × \|", plans, re.MULTILINE)
    assert len(measured) >= 8
    for question, _, _ in measured:
        shown = plans.partition(f"\n### {question}\n")[2].partition("\n### ")[0]
        assert re.findall(r"^(Naive|Ours):\n```\n\w.+ ms\)$", shown, re.MULTILINE) == ["Naive", "Ours"], question


PLANNED = {
    *("Create: index migration", "Create: query profiling", "Create: monitoring"),
    "Create: build of style sheets and scripts (optional)",
    *("Change: models", "Change: the administrators' routes", "Change: helpers for pictures"),
    *("Change: what makes the application", "Change: configuration", "Change: requirements"),
    "Change: the dashboard's template",
}


@pytest.mark.req("B95", "B114")
def test_page_on_performance_keeps_each_phase_before_and_after() -> None:
    """Each phase that saves something has rows, and in every row less is needed after it."""
    page = (ROOT / "docs" / "performance.md").read_text()
    section = page.partition("## Before and after, phase by phase\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| phase (\d): .+ \| ([\d.,]+) \| ([\d.,]+) \| .+ \|", section, flags=re.MULTILINE)
    assert {phase for phase, _, _ in rows} == {"1", "2", "3", "4", "6", "7"}
    worse = [row for row in rows if float(row[2].replace(",", "")) >= float(row[1].replace(",", ""))]
    assert (worse, "`make bench-phases`" in section) == ([], True)


@pytest.mark.req("B71")
def test_every_counterpart_of_the_first_plan_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text().partition("\n## What the first plan named\n")[2]
    rows = dict(re.findall(r"^\| ((?:Create|Change): .+?) \| (.+) \|$", page, re.MULTILINE))
    assert rows.keys() == PLANNED
    for part, here in rows.items():
        named = re.findall(r"`([\w./]+\.\w+)`(?: \((`\w+`(?:, `\w+`)*)\))?", here)
        assert named, part
        for path, names in named:
            code = (ROOT / path).read_text()
            gone = [
                name
                for name in re.findall(r"\w+", names)
                if not re.search(rf"^ *(def|class) {name}\b|^ *{name} = ", code, re.MULTILINE)
            ]
            assert gone == [], f"{part}: {path} has no {gone}"


@pytest.mark.req("A89")
def test_every_command_that_the_documents_name_exists() -> None:
    pages = [path.read_text() for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    code = "\n".join(
        part for page in pages for part in re.findall(r"^```sh\n.+?^```|`[^`\n]+`", page, re.DOTALL | re.MULTILINE)
    )
    made, managed = (set(re.findall(rf"\b{start} ([a-z][\w-]*)", code)) for start in ("make", r"manage\.py"))
    assert {"run", "test"} <= made <= set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"up", "import_roster"} <= managed <= get_commands().keys()


@pytest.mark.req("A89")
def test_make_run_installs_what_is_pinned_before_it_starts_the_product(tmp_path: Path) -> None:
    command = ["make", "--dry-run", "run", f"VENV={tmp_path / 'fresh'}"]
    steps = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    order = [steps.index(step) for step in ("-m venv", "--require-hashes -r requirements.txt", "manage.py up")]
    assert order == sorted(order)
