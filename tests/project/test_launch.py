"""What stands before Django: the folder's lock, the key, the services and how other commands find them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from accounts.platforms import PLATFORMS
from project.embedded import StartRefused, free_port
from project.launch import House, join_running
from scraping.connectors import Unavailable, connector_for


@pytest.fixture(autouse=True)
def _own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"DATA_DIR": str(tmp_path / "var"), "PORT": str(free_port()), "DEMO": "0"}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(StartRefused) as caught, House(environ):
        pass
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_first_start_makes_a_key_that_others_cannot_read_and_later_ones_keep_it(environ: dict[str, str]) -> None:
    with House(dict(environ)) as house:
        key = house.folder / "secret_key"
        first = key.read_text()
    with House(dict(environ)):
        pass
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(first) > 50
    assert key.read_text() == first


def test_services_run_inside_and_are_gone_afterwards(environ: dict[str, str]) -> None:
    with House(environ):
        assert redis.Redis.from_url(environ["BROKER_URL"]).ping()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(environ["BROKER_URL"]).ping()


def test_other_commands_find_the_running_services(environ: dict[str, str]) -> None:
    mine = {"DATA_DIR": environ["DATA_DIR"]}
    with House(environ):
        join_running(mine)
    assert mine["REDIS_URL"] == environ["REDIS_URL"]
    assert mine["BROKER_URL"] == environ["BROKER_URL"]


def test_addresses_of_a_stopped_product_are_not_believed(environ: dict[str, str]) -> None:
    with House(environ):
        pass
    mine = {"DATA_DIR": environ["DATA_DIR"]}
    join_running(mine)
    assert "REDIS_URL" not in mine


def test_own_address_wins_over_the_running_products(environ: dict[str, str]) -> None:
    mine = {"DATA_DIR": environ["DATA_DIR"], "REDIS_URL": "redis://elsewhere/0"}
    with House(environ):
        join_running(mine)
    assert mine["REDIS_URL"] == "redis://elsewhere/0"


def test_addresses_are_nobody_elses(environ: dict[str, str]) -> None:
    with House(environ) as house:
        assert (house.folder / "up.lock").stat().st_mode & 0o777 == 0o600


def test_demo_overrides_real_tokens(environ: dict[str, str]) -> None:
    environ |= {"DEMO": "1", "X_TOKEN": "real"}
    with House(environ) as house:
        assert house.demo
        assert environ["X_TOKEN"] != "real"
        assert environ["SCRAPE_PAGE_PLATFORMS"] == "flickr,truth_social,tiktok"


def test_demo_can_read_every_platform(environ: dict[str, str], settings: Any) -> None:
    with House(environ | {"DEMO": "1", "TIKTOK_TOKEN": "real"}) as house:
        settings.SCRAPE_PAGE_PLATFORMS = house.environ["SCRAPE_PAGE_PLATFORMS"].split(",")
        settings.PLATFORM_TOKENS = {name: house.environ[f"{name.upper()}_TOKEN"] for name in PLATFORMS}
    assert [one for name in PLATFORMS if isinstance(one := connector_for(name), Unavailable)] == []


def test_without_demo_nothing_is_faked(environ: dict[str, str]) -> None:
    with House(environ) as house:
        assert not house.demo
        assert "X_TOKEN" not in environ


def test_second_start_on_the_same_folder_is_refused(environ: dict[str, str]) -> None:
    with House(environ):
        assert "already running" in refusal(dict(environ))


def test_taken_port_is_named_with_a_free_one(environ: dict[str, str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(environ["PORT"])))
        holder.listen()
        message = refusal(environ)
    assert f"127.0.0.1 port {environ['PORT']}: Address already in use" in message
    assert "for example PORT=" in message


@pytest.mark.parametrize("port", ["http", "70000"])
def test_port_that_is_none_is_refused(environ: dict[str, str], port: str) -> None:
    assert f"port {port}" in refusal(environ | {"PORT": port})


def test_unwritable_folder_is_named(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refusal(environ | {"DATA_DIR": str(tmp_path / "file" / "var")})
    assert message == f"Cannot write to {tmp_path}/file/var: Not a directory. Set DATA_DIR to a folder of yours."


def test_unreachable_redis_is_named_without_its_password(environ: dict[str, str]) -> None:
    port = free_port()
    message = refusal(environ | {"REDIS_URL": f"redis://:hunter2@127.0.0.1:{port}/0"})
    assert f"127.0.0.1:{port} (REDIS_URL)" in message
    assert "hunter2" not in message


def test_malformed_redis_address_is_refused(environ: dict[str, str]) -> None:
    assert "REDIS_URL cannot be read" in refusal(environ | {"REDIS_URL": "localhost:6379"})


def test_unknown_database_choice_is_refused(environ: dict[str, str]) -> None:
    assert "DB=oracle" in refusal(environ | {"DB": "oracle"})


def test_refused_start_leaves_the_folder_free(environ: dict[str, str]) -> None:
    refusal(environ | {"DB": "oracle"})
    with House(environ) as house:
        assert house.services["valkey"].running()


def test_end_is_asked_for_once_and_remembered(environ: dict[str, str]) -> None:
    house = House(environ)
    with pytest.raises(KeyboardInterrupt):
        house.interrupt()
    house.interrupt()
    assert house.interrupted
