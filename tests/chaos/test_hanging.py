"""Redis hung, PostgreSQL hung: nobody waits, nothing fails that need not, and all is well when they answer again."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from PIL import Image

from project.embedded import Valkey
from tests import factories, processes
from tests.chaos.hanging import Relay, stopped
from tests.chaos.rounds import ROLES, People
from workitems.models import Photo, Upload

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]
MOST = 10.0  # seconds that any answer may take, on a busy machine; one that waits for a hung server never comes


@pytest.fixture
def valkey(tmp_path: Path, socket_enabled: None) -> Iterator[Valkey]:
    one = Valkey(tmp_path / "valkey", durable=False)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def people(valkey: Valkey, tmp_path: Path) -> Iterator[People]:
    """One of each role at a server of the test's own, and rows for them to ask for."""
    factories.snapshot(factories.account("x", "cdcgov"))
    factories.item(factories.user("crew"), number="DRAFT_0020", photos=1)
    for role in ROLES:
        factories.user(role, username=f"hung.{role}", password="a long passphrase")
    photo = BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(photo, "JPEG")
    server = processes.start_server(
        REDIS_URL=valkey.url(0), BROKER_URL=valkey.url(1), MEDIA_ROOT=str(tmp_path), LOG_LEVEL="ERROR"
    )
    port = int(server.url.rpartition(":")[2])
    yield People(port, {role: (f"hung.{role}", "a long passphrase") for role in ROLES}, (photo.getvalue(),))
    server.kill()


@pytest.mark.timeout(300)
def test_nothing_fails_and_nobody_waits_while_redis_hangs(people: People, valkey: Valkey) -> None:
    assert valkey.process is not None
    with stopped(valkey.process.pid):
        seen = [*people.sign_in(), *people.read(), *people.act()]
    assert [(one.kind, one.status) for one in seen if one.status >= 500 or not one.status] == []
    assert [(one.kind, one.seconds) for one in seen if one.seconds > MOST] == []
    acts = {one.kind: one.status for one in seen}
    assert (acts["sign-in"], acts["send an item with photos"], acts["piece of a photo"]) == (302, 302, 200)
    assert (acts["start a scrape by the API"], acts["ask for an export"]) == (202, 202)
    assert Photo.objects.filter(state=Photo.State.RECEIVED).count() >= 2
    assert not Upload.objects.open().exists()


@pytest.fixture
def relay(socket_enabled: None) -> Iterator[Relay]:
    """A way to the tests' PostgreSQL that may hang."""
    connection.ensure_connection()
    at = connection.connection.info
    one = Relay(at.host, at.port)
    yield one
    one.close()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite is no server")
@pytest.mark.timeout(300)
def test_while_postgresql_hangs_pages_say_so_within_seconds(relay: Relay) -> None:
    client = Client()
    client.force_login(factories.user("viewer"))
    cookie = f"session={client.cookies['session'].value}"
    name, user = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    server = processes.start_server(DATABASE_URL=f"postgres://{user}@127.0.0.1:{relay.port}/{name}")

    def ask(path: str) -> tuple[int, str | None, float]:
        request = urllib.request.Request(server.url + path, headers={"Cookie": cookie})  # noqa: S310 - loopback
        before = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
                return answer.status, None, time.monotonic() - before
        except urllib.error.HTTPError as refused:
            return refused.code, refused.headers["Retry-After"], time.monotonic() - before

    def all_at_once(path: str) -> list[tuple[int, str | None, float]]:
        with ThreadPoolExecutor(6) as threads:
            return list(threads.map(ask, [path] * 6))

    try:
        assert {status for status, *_ in all_at_once("/accounts/")} == {200}
        with relay.hung():
            told = all_at_once("/accounts/") + all_at_once("/api/summary?page=1") + all_at_once("/accounts/")
            assert {(status, again) for status, again, _ in told} == {(503, "5")}
            assert max(seconds for *_, seconds in told) < MOST
            assert max(seconds for *_, seconds in told[-6:]) < 2  # nobody else is made to wait
            assert ask("/healthz")[0] == 200  # with a session's cookie
        deadline = time.monotonic() + MOST
        while ask("/accounts/")[0] != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        server.kill()
