from __future__ import annotations

import re
from pathlib import Path

import pytest

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
