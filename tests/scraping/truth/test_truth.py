"""A few hundred labelled bodies per connector in the suite; `make fuzz-truth` reads ten thousand."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from scraping.connectors import EVERY
from scraping.connectors.base import Missing, Reading
from tests.scraping import truth
from tests.scraping.truth.__main__ import MAKERS, WRONG, judged, run
from tests.scraping.truth.labels import Asked, Body

CONNECTORS = {type(connector).__name__: connector for connector in EVERY}
BODIES = 300


@pytest.mark.parametrize("name", sorted(MAKERS.keys() & CONNECTORS.keys()))
def test_no_body_gives_a_wrong_figure_or_a_false_zero(name):
    seen = run(name, CONNECTORS[name], BODIES, show=3)
    assert {kind: seen[kind] for kind in WRONG} == dict.fromkeys(WRONG, 0)
    assert seen["right"] > BODIES / 3
    assert seen["rightly none"] > BODIES / 10


class _Guesser:
    """A connector that says zero whatever it reads."""

    def batches(self, targets):
        return [targets]

    def parse(self, batch, response):
        return {target.handle: Reading(followers=0) for target in batch}


class _Mute(_Guesser):
    def parse(self, batch, response):
        return {target.handle: Missing.BLOCKED for target in batch}


@pytest.mark.parametrize(
    ("connector", "expected"),
    [(_Guesser(), {"false zero": 1, "right": 1}), (_Mute(), {"missed": 1, "rightly none": 1})],
)
def test_judge_sees_what_a_connector_does_wrong(connector, expected):
    number = 0 if "right" in expected else 5
    known = judged(connector, Body([Asked("a")], {"a": number}, b""))
    assert known + judged(connector, Body([Asked("b")], {"b": None}, b"")) == expected


def test_makers_know_no_connector():
    for module in ("labels", "apis", "profiles", "pages"):
        tree = ast.parse((Path(truth.__file__).parent / f"{module}.py").read_text())
        froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not [name for name in froms | plain if name.startswith("scraping")]
