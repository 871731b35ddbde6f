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

OURS = ("accounts", "project", "scraping", "snapshots", "workitems")


BOOT = """
import django, json
django.setup()
from perf.cache import Family, cached
print(json.dumps([cached(Family("boot", 60), "boot", lambda: b"1").state for _ in range(2)]))
"""
READ = """
import json
from project import settings
print(json.dumps(settings.CACHES["default"]))
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
    assert fresh_process(READ, DEBUG="1")["BACKEND"].endswith("LocMemCache")
    assert fresh_process(BOOT, DEBUG="1") == ["MISS", "HIT"]


@pytest.mark.req("B35")
def test_production_without_redis_url_looks_for_the_usual_server():
    found = fresh_process(READ, DEBUG="0")
    assert found["BACKEND"] == "django_redis.cache.RedisCache"
    assert found["LOCATION"] == "redis://localhost:6379/0"


@pytest.mark.req("B41")
def test_redis_url_names_the_server():
    assert settings.CACHES["default"]["LOCATION"] == os.environ["REDIS_URL"]


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
