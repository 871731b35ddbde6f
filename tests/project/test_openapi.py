"""The OpenAPI document against the real application: whatever is asked, the answer is one that is described."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from perf import pagination
from tests import factories
from tests.examples import examples
from tests.project.asking import Asked, described, document, operations, sent

pytestmark = pytest.mark.django_db

HELD = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(autouse=True)
def _in_the_tests_transaction(settings: Any) -> Iterator[None]:
    """Keep the test's connection through requests to the WSGI application, as Django's own client does."""
    settings.RATE_LIMITS = {}
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def answer(case: Any, credentials: dict[str, str]) -> Any:
    """What the API says; nothing that the request wrote stays. Raises where it is not what is described."""
    with transaction.atomic():
        response = case.call(headers={"Accept-Encoding": "identity", **credentials})
        transaction.set_rollback(True)
    case.validate_response(response, checks=HELD)
    return response


def complaint(operation: Any, question: dict[str, Any], callers: Iterable[dict[str, str]]) -> str:
    """What was found wrong with the answers to questions that fit the operation's description and that break it."""
    asked = st.one_of(*(operation.as_strategy(mode) for mode in GenerationMode))

    @effort(
        max_examples=examples(3),
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=asked, known=st.booleans())
    def holds(case: Any, known: bool) -> None:
        if known and "path_parameters" in question:
            case.path_parameters = question["path_parameters"]
        for credentials in callers:
            answer(case, credentials)

    try:
        holds()
    except BaseExceptionGroup as failures:
        return f"{operation.label}: {failures}"
    return ""


@pytest.mark.timeout(7200)  # in `make fuzz-api`
def test_whatever_is_asked_by_whomever_the_answer_is_one_that_is_described() -> None:
    world = Asked()
    questions = world.questions()
    found = [complaint(one, questions[label], world.callers(label)) for label, one in operations().items()]
    assert list(filter(None, found)) == []


def test_every_field_that_is_described_is_sent_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "COUNT_MAX", 1)  # so that totals are lower bounds
    world, all_of_them = Asked(), operations()
    assert world.questions().keys() == all_of_them.keys()
    parts, promised, kept = document()["components"]["schemas"], set(), set()
    for label, question in [*world.questions().items(), *world.further_questions()]:
        said = answer(all_of_them[label].Case(**question), world.asker(label))
        assert said.status_code < 300, (label, said.content)
        schema = all_of_them[label].definition.raw["responses"][str(said.status_code)]
        schema = schema.get("content", {}).get("application/json", {}).get("schema")
        if schema and said.headers["content-type"] == ["application/json"]:
            promised |= described(schema, parts)
            kept |= sent(said.json(), schema, parts)
    assert sorted(promised - kept) == []


def test_parameters_that_do_not_fit_together_are_told_under_no_name_of_ours() -> None:
    client = Client()
    client.force_login(factories.user("viewer", password="!"))
    refused = client.get("/api/grid?sort=-followers")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["query"])
