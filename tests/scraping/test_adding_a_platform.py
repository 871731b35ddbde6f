"""A platform is an entry, a connector and a fake: nothing else knows one by name, and nothing else is needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.test import Client

from accounts.models import Account
from accounts.platforms import PLATFORMS, Form, Platform, parse_profile_url
from perf import clock
from scraping import connectors, ledger
from scraping.connectors import CONNECTORS, reading
from scraping.connectors.base import Answer, Batch, Connector, Reading, Request, Response, Target, Window
from scraping.connectors.numbers import whole
from scraping.fakes import curves, server
from scraping.fakes.world import Call, Limit, Reply, World
from scraping.gather import gather
from snapshots.models import Snapshot
from tests.factories import organization, user

ROOT = Path(project_settings.BASE_DIR)
APPS = ("accounts", "perf", "project", "scraping", "snapshots", "workitems")
REGISTRIES = {
    "accounts/platforms.py": "the entries",
    "scraping/connectors/__init__.py": "the connectors",
    "scraping/fakes/server.py": "the fakes by host",
    "scraping/fakes/curves.py": "what each platform gives",
}
MAY_NAME = {
    "project/launch.py": "which pages the demo reads",
    "perf/series.py": "x is how examples are marked",
    "perf/models/buckets.py": "x is how examples are marked",
    "perf/sizes/running.py": "threads of processes",
    "perf/api/sizes.py": "threads of processes",
}
TELLING = sorted(set(PLATFORMS) - {"x", "threads"})  # two are ordinary words of templates and scripts


def product(*suffixes: str) -> Iterator[Path]:
    """The product's own files, migrations and vendored ones aside."""
    folders = [ROOT / app for app in APPS] + [ROOT / "templates", ROOT / "static"]
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes)
    return (path for path in found if not {"migrations", "vendor"} & set(path.parts))


@cache
def named_in(path: Path) -> frozenset[str]:
    """The platforms that stand in one Python file as texts of their own, or in a list with commas."""
    texts = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
    return frozenset(PLATFORMS) & {word for text in texts if isinstance(text, str) for word in text.split(",")}


def owns(path: Path, name: str) -> bool:
    """Whether `path` is the connector or the fake of platform `name`, or what they share with another."""
    return path.parent in {ROOT / "scraping" / "connectors", ROOT / "scraping" / "fakes"} and (
        path.stem.startswith(name) or path.stem in {"graph", "pages", "world"}
    )


@pytest.mark.parametrize("name", PLATFORMS)
def test_no_other_module_knows_the_platform_by_name(name: str) -> None:
    knowing = {path for path in product(".py") if name in named_in(path) and not owns(path, name)}
    assert {path.relative_to(ROOT).as_posix() for path in knowing} <= REGISTRIES.keys() | MAY_NAME.keys()


@pytest.mark.parametrize("kind", ["connectors", "fakes"])
def test_only_the_registry_and_its_neighbours_import_a_platforms_module(kind: str) -> None:
    modules = {f"scraping.{kind}.{name}" for name in PLATFORMS}
    for path in product(".py"):
        imported = {
            name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        }
        assert path.parent.name == kind or not imported & modules, path


def test_no_page_style_or_script_knows_a_platform_by_name() -> None:
    words = re.compile(rf"\b(?:{'|'.join(TELLING)})\b", re.IGNORECASE)
    assert [path for path in product(".html", ".txt", ".js", ".css", ".lua") if words.search(path.read_text())] == []


@pytest.mark.parametrize("name", CONNECTORS)
def test_connector_has_its_entry_its_fake_and_its_tests(name: str) -> None:
    connector = CONNECTORS[name]
    module = type(connector).__module__.rpartition(".")[2]
    assert name in PLATFORMS
    assert (ROOT / "tests" / "scraping" / "connectors" / f"test_{module}.py").exists()
    target = Target(1, {"bluesky": "a.bsky.social", "mastodon": "a@mastodon.social"}.get(name, "someone"))
    (batch,) = connector.batches([target])
    assert connector.hosts(batch) & server.BY_HOST.keys()
    assert curves.figures(name, target.handle, curves.EPOCH)


# --- A fourteenth platform, whole -------------------------------------------------------------------

ENTRY = Platform(
    "wavelength", "Wavelength", "WL", "#224466", ("wavelength.example",), "https://wavelength.example/",
    r"[a-z0-9]{1,30}", "1 to 30 letters or digits", (Form("handle", r"@(?P<handle>[^/]+)", "@{handle}"),),
)  # fmt: skip


class Wavelength(Connector):
    """What a person who adds a platform writes."""

    platform = "wavelength"
    base_url = "https://api.wavelength.example"
    windows = (Window(calls=10, seconds=60),)
    needs_credential = False

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(f"{self.base_url}/v1/profiles/{batch.targets[0].handle}")

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        reading.check(response)
        body = reading.decode(response)
        return reading.per_target(batch, lambda _: Reading(followers=whole(reading.member(body, "listeners"))))


def answer(call: Call, world: World) -> Reply:
    handle = call.path.rpartition("/")[2]
    world.spend("wavelength", call, Limit(calls=10, seconds=60, kind="fixed"))
    return Reply({"listeners": world.figures("wavelength", world.identity("wavelength", handle))["followers"]})


FAKE = SimpleNamespace(NAME="wavelength", HOSTS=("api.wavelength.example",), answer=answer)


@pytest.fixture
def wavelength(monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform in the registries, and nowhere else."""
    monkeypatch.setitem(PLATFORMS, "wavelength", ENTRY)
    monkeypatch.setitem(connectors.APIS, "wavelength", Wavelength())
    monkeypatch.setitem(server.BY_HOST, "api.wavelength.example", FAKE)
    monkeypatch.setitem(curves.GIVES, "wavelength", ("followers",))


def test_new_platform_is_imported_gathered_and_shown(db: None, fakes: Any, wavelength: None, client: Client) -> None:
    profile = parse_profile_url("https://www.wavelength.example/@nasa")
    one = Account.objects.create(
        platform=profile.platform, handle=profile.handle, url=profile.url, organization=organization()
    )
    ledger.request_scrape(Account.objects.all(), None)
    assert gather("wavelength", monotonic() + 30) == 1
    followers = Snapshot.objects.get(account=one).followers
    assert followers == curves.figures("wavelength", "nasa", clock.today())["followers"]
    assert [row["requests"] for row in fakes.served("wavelength")] == [1]
    client.force_login(user("viewer"))
    assert f"{followers:,}" in client.get("/accounts/wavelength/nasa/").content.decode()
    assert "Wavelength" in client.get("/scraping/").content.decode()
    assert client.get("/api/history/wavelength/nasa").status_code == 200
