"""What every test stands on: services, settings, a clean cache, and the product's processes as fixtures."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import django
import pytest
import redis

from tests import parts, services

services.start()  # before anything reads the settings
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
django.setup()
del os.environ["DJANGO_SETTINGS_MODULE"]  # inherited, it would make xdist's workers read their settings too early


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what was collected, before -m leaves most of it out."""
    config.stash[parts.COLLECTED] = list(items)


def pytest_unconfigure() -> None:
    """Stop what was started for this process."""
    services.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Put the SQLite test database into a file, as in production: other processes and threads can open it."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(services.FOLDER / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """Give this process a copy of the migrated database, and let tests that commit leave it as it was."""
    from django.test import TransactionTestCase

    from tests import databases

    with django_db_blocker.unblock():
        databases.copy()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: databases.clean())
        yield
    with django_db_blocker.unblock():
        databases.drop()


@pytest.fixture
def restored(transactional_db: None) -> Iterator[None]:
    """The migrated database again after the test, whatever it left of it."""
    yield
    from tests import databases

    databases.copy()


_number = itertools.count(1)


@pytest.fixture(autouse=True)
def _clean_redis() -> Iterator[None]:
    """Leave no cached answer, message or limit to the next test."""
    yield
    for url in (os.environ["REDIS_URL"], os.environ["BROKER_URL"]):
        _client(url).flushdb()


@cache
def _client(url: str) -> redis.Redis:
    """One connection for the whole run: making two for each of thousands of tests takes longer than many of them."""
    return redis.Redis.from_url(url)


@pytest.fixture(autouse=True)
def _own_folders(settings: Any) -> None:
    """Give each test its own media folder, which is there once something is put into it."""
    settings.MEDIA_ROOT = services.FOLDER / f"media-{next(_number)}"


@pytest.fixture(autouse=True)
def _nothing_recorded() -> None:
    """Begin without what earlier tests recorded: it waits in memory, for nobody flushes it."""
    from perf import exemplars, recording, storing
    from perf.cache import counting

    counting.forget()
    exemplars.forget()
    recording.forget()
    storing.forget()


@pytest.fixture
def server(transactional_db: None) -> Iterator[Any]:
    """The real web server on the test database; `.url` is its address."""
    from tests import processes

    process = processes.start_server()
    yield process
    process.stop()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Callable[..., Any]]:
    """Starts real Celery workers: `worker("control", "x", concurrency=2, FAKE_PLATFORMS_URL=…)`."""
    from tests import processes

    started = []

    def start(*queues: str, **options: Any) -> Any:
        started.append(processes.start_worker(*queues, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
