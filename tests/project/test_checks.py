from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from project.checks import check_settings


def found(settings: Any, **changed: object) -> dict[str, Any]:
    """Message id → message, with `changed` settings."""
    for name, value in changed.items():
        setattr(settings, name, value)
    return {str(message.id).removeprefix("tidemark."): message for message in check_settings(None)}


def test_defaults_raise_nothing(settings: Any) -> None:
    assert found(settings) == {}


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("W001", {"REDIS_URL": ""}),
        ("W002", {"BASE_URL": "http://tidemark.example", "ALLOWED_HOSTS": ["tidemark.example"]}),
        ("W003", {"BROKER_URL": "redis://h/0", "REDIS_URL": "redis://h/0"}),
        ("W004", {"SCRAPE_PAGE_PLATFORMS": ["flickr", "fliker"]}),
        ("E001", {"SCRAPE_WORKERS": 1_001}),
        ("E001", {"SCRAPE_WORKERS": 0}),
        ("E012", {"WORKER_PROCESSES": 65}),
        ("E012", {"WORKER_PROCESSES": 0}),
        ("E002", {"SCRAPE_WINDOW": "2-5"}),
        ("E002", {"SCRAPE_WINDOW": "24:00-05:00"}),
        ("E002", {"SCRAPE_WINDOW": "02:00-02:00"}),
        ("E003", {"SLOW_REQUEST_THRESHOLD": 0.0}),
        ("E003", {"CACHE_TTL_GRID": -1}),
        ("E004", {"BASE_URL": "tidemark.example"}),
        ("E005", {"BASE_URL": "https://tidemark.example", "ALLOWED_HOSTS": ["other.example"]}),
        ("E006", {"TRUSTED_PROXIES": ["10.0.0.300"]}),
        ("E007", {"X_MONTHLY_BUDGET_USD": 0.0}),
        ("E008", {"ITEMS_PER_PAGE": 200, "MAX_ITEMS_PER_PAGE": 100}),
        ("E009", {"DATA_DIR": Path(__file__) / "var"}),
        ("E010", {"ALERT_WEBHOOK_URL": "http://hooks.example.org/", "ALERT_WEBHOOK_SECRET": "secret"}),
        ("E010", {"ALERT_WEBHOOK_URL": "hooks.example.org", "ALERT_WEBHOOK_SECRET": "secret"}),
        ("E011", {"ALERT_WEBHOOK_URL": "https://hooks.example.org/", "ALERT_WEBHOOK_SECRET": ""}),
        ("E015", {"S3_ENDPOINT_URL": "s3.example.org"}),
    ],
)
def test_setting_that_would_fail_later_is_told_with_a_hint(
    code: str, changed: dict[str, object], settings: Any
) -> None:
    messages = found(settings, **changed)
    assert list(messages) == [code]
    assert messages[code].hint
    assert messages[code].is_serious() is code.startswith("E")


@pytest.mark.req("A106")
@pytest.mark.parametrize("workers", [1, 1_000])
def test_scrape_workers_may_be_one_to_the_maximum(workers: int, settings: Any) -> None:
    assert "E001" not in found(settings, SCRAPE_WORKERS=workers)


def test_folder_that_can_be_made_is_enough(settings: Any, tmp_path: Path) -> None:
    assert "E009" not in found(settings, DATA_DIR=tmp_path / "not" / "yet")


@pytest.mark.req("A106")
def test_check_command_reports_them(settings: Any) -> None:
    settings.SCRAPE_WORKERS, settings.WORKER_PROCESSES = 1_001, 65
    with pytest.raises(SystemCheckError, match=r"(?s)tidemark\.E001.*tidemark\.E012"):
        call_command("check")
