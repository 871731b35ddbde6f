"""perf's settings: a wrong one is told when the project starts, by its name."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from perf import conf


@pytest.mark.parametrize(
    ("name", "value", "must"),
    [
        ("BASE_DIR", None, "a path"),
        ("ENABLE_MONITORING", "False", "True or False"),
        ("PROFILE_QUERIES", 2, "True or False"),
        ("SLOW_REQUEST_THRESHOLD", "1.0", "a number of 0 or more"),
        ("SLOW_QUERY_THRESHOLD", -1, "a number of 0 or more"),
        ("SLOW_QUERY_THRESHOLD", float("nan"), "a number of 0 or more"),
        ("PERF_FLUSH_SECONDS", True, "a number of 0 or more"),
        ("PERF_FLUSH_SECONDS", float("inf"), "a number of 0 or more"),
        ("PERF_MAX_SHARE", None, "a number of 0 or more"),
        ("PERF_MAX_SERIES", 0, "a whole number of 1 or more"),
        ("PERF_PAGE_VIEW_DAYS", 1.5, "a whole number of 1 or more"),
        ("PERF_STORE", "redis", '"database" or "memory"'),
        ("RATE_LIMITS", {"reads": 5}, "like {name: (limit, seconds)}"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start(settings: Any, name: str, value: object, must: str) -> None:
    setattr(settings, name, value)
    with pytest.raises(ImproperlyConfigured, match=f"^{name} is ") as told:
        apps.get_app_config("perf").ready()
    assert str(told.value).endswith(f"; it must be {must}.")


def test_all_wrong_settings_are_named_together(settings: Any) -> None:
    settings.PERF_STORE, settings.PERF_MAX_SERIES = "redis", "many"
    with pytest.raises(ImproperlyConfigured, match=r"PERF_STORE is 'redis'.* PERF_MAX_SERIES is 'many'"):
        conf.refuse_wrong_ones()


def test_every_setting_has_a_default_and_a_rule_that_it_keeps() -> None:
    assert conf._MUST.keys() == conf.DEFAULTS.keys()
    assert [name for name, value in conf.DEFAULTS.items() if not conf._MUST[name].accepts(value)] == []
