"""docs/api.md: it names every operation, and its examples run as they stand there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from perf import clock
from project.models import AccessToken
from project.roles import Scope
from project.urls import api
from snapshots.exports import writing
from tests import factories
from tests.project.api_page import PAGE, examples, with_operations


def test_page_names_every_operation_as_the_document_does() -> None:
    page = PAGE.read_text()
    assert page == with_operations(page, api.get_openapi_schema()), "python -m tests.project.api_page writes it anew"


@pytest.fixture
def environment(transactional_db: None, live_server: Any, tmp_path: Path) -> dict[str, str]:
    """What the examples are told: a running Tidemark with the accounts that they name, and an editor's token."""
    for platform, handle in (("x", "cdcgov"), ("youtube", "nasa"), ("youtube", "nih")):
        factories.snapshot(factories.account(platform, handle, is_core=True), clock.today(), 1_000)
    secret = AccessToken.objects.make(factories.user("editor", password="!"), "examples", Scope.WRITE)[1]  # type: ignore[arg-type]  # it is django's own
    return os.environ | {"URL": live_server.url, "TOKEN": secret}


@pytest.mark.skipif(shutil.which("curl") is None, reason="NO CURL: docs/api.md is not shown to be right")
@pytest.mark.django_db(transaction=True)
def test_examples_run_as_they_stand_there(environment: dict[str, str], tmp_path: Path) -> None:
    page = PAGE.read_text()
    commands = [["bash", "-euo", "pipefail", "-c", code] for code in examples(page, "sh")]
    commands += [[sys.executable, "-c", code] for code in examples(page, "python")]
    assert len(commands) >= 8
    for command in commands:
        with subprocess.Popen(
            command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            while running.poll() is None:
                writing.write_some(monotonic() + 1)  # as a worker would
                try:
                    running.wait(0.05)
                except subprocess.TimeoutExpired:
                    continue
            said = running.stdout.read() if running.stdout else ""
        assert running.returncode == 0, f"{command[-1]}\n{said}"
