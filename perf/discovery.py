"""Finds the modules by which apps hand perf what it does not know: budgets, benchmarks, gauges."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from django.apps import apps
from django.utils.module_loading import module_has_submodule


def discovered(name: str) -> Iterator[tuple[str, ModuleType]]:
    """(app label, module) for every installed app that has a module `name`; an error inside one rises."""
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, name):
            yield config.label, import_module(f"{config.name}.{name}")
