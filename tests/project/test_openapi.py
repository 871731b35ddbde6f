"""The OpenAPI document against the real application: whatever is asked, the answer is one that is described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi import checks

from accounts.models import Account
from project.models import AccessToken
from project.roles import Scope
from project.urls import api
from scraping import ledger
from snapshots.exports.asking import ask
from snapshots.exports.filters import ExportFilters
from tests import factories
from tests.examples import examples
from tests.project.reads import World

pytestmark = pytest.mark.django_db

HELD = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Keep the test's connection through the requests, as Django's own test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def closed_document() -> dict[str, Any]:
    """The document as JSON, its objects holding nothing that is not named: an undescribed field is then an error."""
    document: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return document


class Asked:
    """A small world of every kind of row, and the names by which the API is asked about it."""

    def __init__(self) -> None:
        world = World()
        self.editor = factories.user("editor")
        self.viewer = factories.user("viewer")
        run = ledger.request_scrape(Account.objects.filter(pk=world.subject.pk), self.editor)
        jobs = [ask(kind, ExportFilters(), self.editor) for kind in ("csv", "json")]
        print(jobs)
        self.numbers = [run.pk, *run.jobs.values_list("pk", flat=True)] if hasattr(run, "jobs") else [run.pk]
        self.numbers += [job.pk for job in jobs] + [world.judgement.pk]
        self.known = {"platform": "x", "handle": "subject", "name": "press", "account": ["x/subject", "x/older"]}

    def bearer(self, role: str) -> dict[str, str]:
        of, scope = {"editor": (self.editor, Scope.WRITE), "viewer": (self.viewer, Scope.READ)}[role]
        return {"Authorization": f"Bearer {AccessToken.objects.make(of, scope, scope)[1]}"}


def loaded(world: Asked) -> Any:
    config = SchemathesisConfig(
        projects=ProjectsConfig(
            default=ProjectConfig(generation=GenerationConfig(with_security_parameters=False, database="none"))
        )
    )
    schema = schemathesis.openapi.from_dict(closed_document(), config=config)
    schema.app = WSGIHandler()

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
        return path_parameters

    return schema


def complaints(schema: Any, headers: dict[str, str], count: int) -> list[str]:
    found = []
    for result in schema.get_all_operations():
        operation = result.ok()
        strategy = st.one_of(
            operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE)
        )

        @trying(
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=strategy)
        def holds(case: Any) -> None:
            with transaction.atomic():
                response = case.call(headers=headers)
                transaction.set_rollback(True)
            seen.append(response.status_code)
            case.validate_response(response, checks=HELD)

        seen: list[int] = []
        try:
            holds()
        except BaseExceptionGroup as error:
            found.append(f"{operation.label}: {error!s}"[:1500])
        print(operation.label, sorted(set(seen)))
    return found


@pytest.mark.parametrize("caller", ["anonymous", "viewer", "editor"])
def test_every_answer_is_one_that_is_described(caller: str, settings: Any) -> None:
    settings.RATE_LIMITS = {}
    world = Asked()
    headers = {"Accept-Encoding": "identity"} | ({} if caller == "anonymous" else world.bearer(caller))
    assert complaints(loaded(world), headers, examples(5)) == []
