"""The dashboard while Redis is stopped: every page and every answer behind it is what it is with Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from perf.cache.shared import SHARED
from tests import factories
from tests.project.reads import READS, VOLATILE, World

pytestmark = pytest.mark.django_db
NOBODY = "redis://127.0.0.1:9/0"  # the discard port: nothing listens there
PAGES = (
    *READS.values(), "/?account=x/subject&account=x/other", "/accounts/", "/accounts/?q=subject",
    "/accounts/x/subject/", "/sidebar/?page=1", "/pane/?account=x/subject", "/scraping/", "/figures/suspect/",
    "/exports/", "/workitems/", "/workitems/?status=submitted&sort=submitter", "/workitems/?search=valve",
    "/workitems/A-1/", "/workitems/A-1/receipt/", "/workitems/review/", "/workitems/bin/", "/api/workitems",
    "/api/workitems/A-1",
)  # fmt: skip


@pytest.fixture
def stop_redis(settings: Any) -> Any:
    """Stops it for this process, until the test is over."""

    def stop() -> None:
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": NOBODY}}
        settings.REDIS_URL = settings.BROKER_URL = NOBODY

    yield stop
    SHARED.breaker.succeeded()


def said(viewer: Client) -> dict[str, tuple[int, bytes]]:
    """What each address answers, without what differs from one answer to the next."""
    answers = {path: viewer.get(path) for path in PAGES}
    return {path: (one.status_code, VOLATILE.sub(b"", one.getvalue())) for path, one in answers.items()}


@pytest.mark.req("A1")
def test_pages_say_the_same_without_redis(client: Client, stop_redis: Callable[[], None]) -> None:
    client.force_login(World().root)
    factories.item(number="A-1", photos=1)
    before = said(client)
    assert {status for status, _ in before.values()} == {200}
    assert said(client) == before  # from the cache, where there is one
    stop_redis()
    without = said(client)
    assert SHARED.breaker.is_open
    assert [path for path in PAGES if without[path] != before[path]] == []
