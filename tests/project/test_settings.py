"""Boots the settings in processes of their own, as production and development would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import settings as tested
from django.db.backends.postgresql.client import DatabaseClient

from project import databases

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import django, json, sys
django.setup()
from django.conf import settings as s
from django.contrib.auth.hashers import get_hasher
print(json.dumps({
    "cache": s.CACHES["default"],
    "broker": s.BROKER_URL, "redis": s.REDIS_URL, "debug": s.DEBUG, "hasher": get_hasher().algorithm,
    "session": s.SESSION_COOKIE_NAME, "csrf": s.CSRF_COOKIE_NAME, "session_secure": s.SESSION_COOKIE_SECURE,
    "csrf_secure": s.CSRF_COOKIE_SECURE, "hsts": s.SECURE_HSTS_SECONDS, "redirect": s.SECURE_SSL_REDIRECT,
    "session_engine": s.SESSION_ENGINE, "storage": s.STORAGES["staticfiles"]["BACKEND"],
    "tools": sorted({"debug_toolbar", "silk"} & set(sys.modules)), "mail": s.EMAIL_BACKEND,
    "default_ttl": s.CACHE_TTL_DEFAULT}))
"""
ASK_FOR_HSTS = """
import django
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("check", deploy=True, fail_level="WARNING")
print(Client().get("/healthz", secure=True, headers={"host": "tidemark.example.org"})["Strict-Transport-Security"])
"""


def boot(tmp_path: Path, *, code: str = ASK, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh process that knows only `environment`."""
    clean = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "project.settings"}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def booted(tmp_path: Path, **environment: str) -> dict[str, Any]:
    process = boot(tmp_path, **{"SECRET_KEY": "k" * 50, **environment})
    assert process.returncode == 0, process.stderr
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return answer


@pytest.mark.req("B33", "B34", "B36", "B41", "B70")
def test_development_without_redis_caches_in_memory(tmp_path: Path) -> None:
    dev = booted(tmp_path, DEBUG="1")
    assert dev["cache"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"
    assert dev["cache"]["TIMEOUT"] == dev["default_ttl"] == 300
    assert dev["redis"] == ""
    assert dev["tools"] == ["debug_toolbar", "silk"]
    assert dev["storage"] == "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.mark.req("A39", "B35", "B70")
def test_production_caches_in_redis_on_localhost_unless_told(tmp_path: Path) -> None:
    production = booted(tmp_path)
    assert production["cache"]["BACKEND"] == "django_redis.cache.RedisCache"
    assert production["cache"]["LOCATION"] == "redis://localhost:6379/0"
    assert production["broker"] == "redis://localhost:6379/1"
    assert production["debug"] is False
    assert production["tools"] == []
    assert production["hasher"] == "argon2"
    assert production["session_engine"] == "project.session_store"
    assert production["storage"] == "project.statics.StaticFiles"
    assert production["mail"] == "django.core.mail.backends.dummy.EmailBackend"


@pytest.mark.req("B41")
def test_redis_url_decides_in_both_modes(tmp_path: Path) -> None:
    address = "redis://cache.example:6390/3"
    for debug in ("0", "1"):
        told = booted(tmp_path, DEBUG=debug, REDIS_URL=address)
        assert (told["cache"]["LOCATION"], told["broker"]) == (address, "redis://cache.example:6390/4")


def test_https_address_makes_every_cookie_secure(tmp_path: Path) -> None:
    secure = booted(tmp_path, BASE_URL="https://tidemark.example.org", ALLOWED_HOSTS="tidemark.example.org")
    assert (secure["session"], secure["csrf"]) == ("__Host-session", "__Host-csrf")
    assert secure["session_secure"]
    assert secure["csrf_secure"]
    assert secure["redirect"]
    assert secure["hsts"] >= 31_536_000


@pytest.mark.parametrize(
    ("told", "sent"),
    [({}, "max-age=31536000"), ({"HSTS_PRELOAD": "1"}, "max-age=31536000; includeSubDomains; preload")],
)
def test_hsts_binds_no_other_name_unless_told(told: dict[str, str], sent: str, tmp_path: Path) -> None:
    key = {"SECRET_KEY": "".join(map(chr, range(65, 123)))}
    site = {"BASE_URL": "https://tidemark.example.org", "ALLOWED_HOSTS": "tidemark.example.org"}
    process = boot(tmp_path, code=ASK_FOR_HSTS, **key, **site, **told)
    assert process.returncode == 0, process.stderr  # `check --deploy` asks for no more either
    assert process.stdout.splitlines()[-1] == sent


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "SECRET_KEY is not set"),
        ({"DATABASE_URL": "nonsense://"}, "DATABASE_URL names neither"),
        ({"DATABASE_URL": "postgres://a@b:port/c"}, "DATABASE_URL cannot be read"),
        ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE 'Mars/Olympus' is not a zone"),
    ],
)
def test_setting_that_cannot_work_stops_with_one_sentence(
    environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    key = {} if "SECRET_KEY" in words else {"SECRET_KEY": "k" * 50}
    process = boot(tmp_path, **key, **environment)
    assert process.returncode != 0
    assert words in process.stderr.splitlines()[-1]


@pytest.mark.req("A74")
def test_every_library_the_product_names_is_pinned_with_its_hash() -> None:
    source = (ROOT / "requirements.in").read_text()
    declared = set(re.findall(r"^([a-z][\w.-]*)", source, re.MULTILINE))
    assert {"django-redis", "redis", "whitenoise", "celery"} <= declared
    locked = (ROOT / "requirements.txt").read_text()
    line = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==(\S+)(?: ; .+)? \\\n\s+--hash=sha256:[0-9a-f]{64}", re.MULTILINE)
    pinned = dict(line.findall(locked))
    assert declared <= pinned.keys()
    assert int(pinned["redis"].split(".")[0]) >= 5
    assert "--index-url" not in locked


def test_tests_run_against_the_product_settings() -> None:
    assert tested.TESTING
    assert tested.AXES_FAILURE_LIMIT == 10
    assert tested.SESSION_COOKIE_AGE == 12 * 3600


def test_every_setting_is_described_for_operators() -> None:
    code = "".join(path.read_text() for path in (ROOT / "project").glob("*.py"))
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', code))
    described = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "operations.md").read_text()))
    assert read - described == {"TIDEMARK_TESTING"}


def test_a_database_address_that_cannot_be_read_keeps_its_password_to_itself(tmp_path: Path) -> None:
    told = boot(tmp_path, SECRET_KEY="k", DATABASE_URL="postgres://a:hush/hush@b/c").stderr
    assert "DATABASE_URL cannot be read" in told
    assert "hush" not in told


def test_dbshell_finds_the_embedded_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its address is the folder of a socket; Django hands psql the host and nothing else that could name it."""
    monkeypatch.setenv("DATABASE_URL", "postgres://tidemark@/tidemark?host=/run/short")
    found = databases.main(environ.Env(), Path())
    command, _ = DatabaseClient.settings_to_cmd_args_env(found, ["--quiet"])
    assert command == ["psql", "-U", "tidemark", "-h", "/run/short", "--quiet", "tidemark"]
