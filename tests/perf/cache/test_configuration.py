"""How the settings choose the cache, and that one package owns its mechanics."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from perf.cache import Family, cached, clear, forget, stored
from perf.cache.shared import SHARED

OURS = ("accounts", "project", "scraping", "snapshots", "workitems")


BOOT = """
import django, json
django.setup()
from perf.cache import Family, cached
print(json.dumps([cached(Family("boot", 60), "boot", lambda: b"1").state for _ in range(2)]))
"""


def fresh_process(program: str, **environment: str) -> Any:
    """The JSON that `program` prints in a new process where REDIS_URL is not set."""
    base = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DEBUG")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**base, "DJANGO_SETTINGS_MODULE": "project.settings", **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.req("A1", "B34", "B41")
def test_development_without_redis_url_boots_and_caches_in_memory():
    """Which cache that is: tests/project/test_settings.py."""
    assert fresh_process(BOOT, DEBUG="1") == ["MISS", "HIT"]


@pytest.mark.req("B41")
def test_redis_url_names_the_server():
    assert settings.CACHES["default"]["LOCATION"] == os.environ["REDIS_URL"]


def test_a_project_that_names_its_redis_and_nothing_else_has_all_of_the_cache(family: Family, settings: Any) -> None:
    """No KEY_PREFIX, no serializer of ours: answers are kept, told, found and dropped by django-redis's defaults."""
    location = settings.CACHES["default"]["LOCATION"]
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": location}}
    name = f"{family.name}:today"

    def state() -> str:
        return cached(family, name, lambda: b"high").state

    cache.set("theirs", {"kept": 1})
    assert [state(), state()] == ["MISS", "HIT"]
    assert stored(family.name).keys() == {name}
    forget(family)
    assert [state(), state()] == ["MISS", "HIT"]
    assert SHARED.count(name, 60)[0] == 1
    asked = SHARED.check(SHARED.names_of(family), (), name, 60)
    assert (asked.asker, asked.used) == (SHARED.generations(SHARED.names_of(family)), 2)
    assert clear() == 1
    assert [state(), cache.get("theirs")] == ["MISS", {"kept": 1}]


@pytest.mark.req("A4", "B36")
def test_lifetimes_are_settings():
    assert settings.CACHES["default"]["TIMEOUT"] == settings.CACHE_TTL_DEFAULT == 300
    assert (settings.CACHE_TTL_SUMMARY, settings.CACHE_TTL_HISTORY) == (300, 600)
    assert (settings.CACHE_TTL_GRID, settings.CACHE_TTL_ACCOUNTS) == (300, 900)


@pytest.mark.req("A2")
def test_no_other_code_builds_a_key_by_hand():
    by_hand = re.compile(r"""f["'](summary|grid|history|account):""")
    files = [path for app in OURS for path in (Path(settings.BASE_DIR) / app).rglob("*.py")]
    assert files
    assert {str(path) for path in files if by_hand.search(path.read_text())} == set()
