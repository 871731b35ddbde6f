"""Who reads figures, and writes that are committed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests import factories
from tests.snapshots.worlds import Committed


@pytest.fixture
def viewer(committed: Committed) -> Client:
    client = Client()
    committed(lambda: client.force_login(factories.user("viewer", password=None)))
    return client


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Committed:
    """Run a write to its commit: what it forgets is forgotten for good."""

    def run(write: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return write()

    return run
