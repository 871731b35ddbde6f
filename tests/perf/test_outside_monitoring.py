"""The ways in that docs/operations.md gives to outside monitoring, as it gives them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import Client

from perf import traces
from perf.exposition import SERIES, metric_name
from tests import factories

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text().partition("\n## Outside monitoring\n")[2]
SECTION = PAGE.partition("\n## ")[0]


class Span:
    def __init__(self, name: str, **given: Any) -> None:
        self.name, self.given, self.ended = name, given, 0

    def end(self, *, end_time: int) -> None:
        self.ended = end_time


class Tracer:
    """As much of OpenTelemetry's API as the example uses; keeps the spans."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def start_span(self, name: str, *, start_time: int, attributes: dict[str, Any], context: Any = None) -> Span:
        self.spans.append(Span(name, start_time=start_time, attributes=attributes, context=context))
        return self.spans[-1]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Tracer:
    made = Tracer()
    package, api = ModuleType("opentelemetry"), ModuleType("opentelemetry.trace")
    api.get_tracer = lambda name: made  # type: ignore[attr-defined]
    api.set_span_in_context = lambda span: span  # type: ignore[attr-defined]
    package.trace = api  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "opentelemetry", package)
    monkeypatch.setattr(traces, "ended", [])
    return made


@pytest.mark.req("B115")
def test_the_documented_hook_sends_each_request_with_its_queries_and_lines(
    tracer: Tracer, client: Client, db: None
) -> None:
    (example,) = re.findall(r"^```python\n(.+?)^```$", SECTION, re.DOTALL | re.MULTILINE)
    exec(compile(example, "docs/operations.md", "exec"), {})  # noqa: S102  # it is what readers would run
    client.force_login(factories.user("admin"))
    client.get("/workitems/")
    whole, *queries = [span for span in tracer.spans if span.ended]
    assert (whole.name, whole.given["attributes"]) == ("workitems:dashboard", {"http.status": "200"})
    assert queries
    assert all(query.given["context"] is whole for query in queries)
    assert all(
        whole.given["start_time"] <= query.given["start_time"] <= query.ended <= whole.ended for query in queries
    )
    where = {query.given["attributes"]["code.filepath"] for query in queries}
    assert any(path.startswith("workitems/") for path in where), where


def test_every_metric_that_the_page_names_is_told() -> None:
    named = {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in re.findall(r"\bperf_\w+", SECTION)}
    assert len(named) >= 7
    assert named <= {metric_name(name, described.unit) for name, described in SERIES.items()}
