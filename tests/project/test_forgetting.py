"""No way to write leaves an answer that was true before: every writer there is, found and tried."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.apps import apps
from django.contrib import admin
from django.core.management import get_commands
from django.db import transaction
from django.test import RequestFactory
from django.urls import get_resolver
from django_redis import get_redis_connection

from perf.cache import clear
from project.models import AuditEntry
from tests.project import doorways, item_doorways, item_writers, writers
from tests.project.item_doorways import Items
from tests.project.reads import World
from tests.project.test_matrix import SAFE, is_closure, walk
from tests.project.writers import Writer
from tests.test_architecture import APPS

pytestmark = pytest.mark.django_db
WRITTEN = ("accounts", "snapshots", "workitems")  # the apps whose rows cached answers show
Captured = Callable[..., Any]


@pytest.fixture
def world(django_capture_on_commit_callbacks: Captured) -> World:
    with django_capture_on_commit_callbacks(execute=True):
        return World()


def faults(world: World | Items, found: Mapping[str, Writer], captured: Captured) -> Iterator[str]:
    """What is wrong after each writer: an answer of before, one that should have changed, one lost without need."""
    before = {name: answer.said for name, answer in world.answers().items()}
    warm = Copy()
    for name, writer in found.items():
        with transaction.atomic():
            with captured(execute=True):
                writer.act(world)
            after = world.answers()
            clear()
            true = {read: world.read(read).said for read in after}
            transaction.set_rollback(True)
        warm.restore()
        yield from (f"{name}: {read} is stale" for read in after if after[read].said != true[read])
        yield from (f"{name}: {read} did not change" for read in writer.changes if true[read] == before[read])
        yield from (f"{name}: {read} was forgotten" for read in writer.stays if after[read].state != "HIT")


class Copy:
    """All that the cache's server holds, to have it again."""

    def __init__(self) -> None:
        self.redis = get_redis_connection()
        self.kept = {key: self.redis.dump(key) for key in self.redis.scan_iter()}

    def restore(self) -> None:
        pipeline = self.redis.pipeline()
        pipeline.flushdb()
        for key, value in self.kept.items():
            pipeline.restore(key, 0, value)
        pipeline.execute()


@pytest.mark.req("A9", "A10", "A26", "A102")
def test_no_write_through_the_models_leaves_an_old_answer(
    world: World, django_capture_on_commit_callbacks: Captured
) -> None:
    assert "\n".join(faults(world, writers.MODELS, django_capture_on_commit_callbacks)) == ""


@pytest.mark.req("A9", "A10", "A102")
def test_no_write_through_pages_and_api_leaves_an_old_answer(
    world: World, django_capture_on_commit_callbacks: Captured
) -> None:
    assert "\n".join(faults(world, doorways.ADDRESSES, django_capture_on_commit_callbacks)) == ""


@pytest.mark.req("A10", "A102")
def test_no_write_in_the_administration_leaves_an_old_answer(
    world: World, django_capture_on_commit_callbacks: Captured
) -> None:
    assert "\n".join(faults(world, doorways.ADMIN, django_capture_on_commit_callbacks)) == ""


@pytest.mark.req("A9", "A11", "A102")
def test_no_command_or_task_leaves_an_old_answer(world: World, django_capture_on_commit_callbacks: Captured) -> None:
    found = doorways.TASKS | doorways.COMMANDS
    assert "\n".join(faults(world, found, django_capture_on_commit_callbacks)) == ""


@pytest.fixture
def items(django_capture_on_commit_callbacks: Captured, settings: Any, tmp_path: Path) -> Items:
    settings.MEDIA_ROOT = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        return Items()


@pytest.mark.req("B38")
def test_no_write_to_items_leaves_an_old_answer(items: Items, django_capture_on_commit_callbacks: Captured) -> None:
    found = (
        item_writers.MODELS
        | item_doorways.ADDRESSES
        | item_doorways.ADMIN
        | item_doorways.TASKS
        | item_doorways.COMMANDS
    )
    assert "\n".join(faults(items, found, django_capture_on_commit_callbacks)) == ""


# --- That these are all there are ----------------------------------------------------------------


def test_every_way_to_write_a_model_is_tried_or_has_a_reason() -> None:
    found = {name for app in WRITTEN for model in apps.get_app_config(app).get_models() for name in ways(model)}
    tried = writers.MODELS | item_writers.MODELS
    assert found - tried.keys() - writers.SILENT.keys() - item_writers.SILENT.keys() == set()


def ways(model: Any) -> Iterator[str]:
    """Methods of a model and of its QuerySet that write, or that may: ours that give no QuerySet."""
    if model.__name__ in writers.SILENT_MODELS | item_writers.SILENT_MODELS:
        return
    for label, kind in ((model.__name__, model), (f"{model.__name__}.objects", type(model._default_manager.all()))):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            twin = name.startswith("a") and hasattr(kind, name[1:])  # asynchronous; it calls the other
            unsaid = name.startswith("_") or name in {"save_base", *writers.BY_SAVE}
            if not unsaid and not twin and may_write(method):
                yield f"{label}.{name}"


def may_write(method: Any) -> bool:
    ours = method.__module__.split(".")[0] in APPS
    return getattr(method, "alters_data", False) or (ours and method.__annotations__.get("return") != "Self")


def test_every_address_that_writes_is_tried_or_has_a_reason() -> None:
    found = {
        address
        for name, _, pattern in walk(get_resolver().url_patterns)
        if not name.startswith("admin:")
        for address in (operations if is_closure(pattern.callback) else page)(name, pattern.callback)
    }
    silent = {address for address in found if address.split()[1] in doorways.SILENT_ADDRESSES}
    assert found - doorways.ADDRESSES.keys() - item_doorways.ADDRESSES.keys() - silent == set()


def operations(name: str, view: Any) -> set[str]:
    """What an address of the API takes that may write."""
    taken = inspect.getclosurevars(view).nonlocals["self"].operations
    return {f"{method} api:{one.view_func.__name__}" for one in taken for method in one.methods if method not in SAFE}


def page(name: str, view: Any) -> set[str]:
    """A page takes POST unless its decorators say otherwise."""
    while inspect.isfunction(view):
        if allowed := inspect.getclosurevars(view).nonlocals.get("request_method_list"):
            return {f"POST {name}"} & {f"{method} {name}" for method in allowed}
        view = getattr(view, "__wrapped__", None)
    return {f"POST {name}"}


def test_every_act_of_the_administration_is_tried_or_has_a_reason(world: World) -> None:
    request = RequestFactory().get("/admin/")
    request.user = world.root
    found = set()
    for model, page in admin.site._registry.items():
        name = model.__name__
        if model is AuditEntry or name in doorways.SILENT_ADMIN:
            continue
        found |= {f"admin {name} {act}" for act in ("add", "change", "delete") if may(page, act, request)}
        found |= {f"admin {name}: {action}" for action in page.get_actions(request)}
    assert found - doorways.ADMIN.keys() - item_doorways.ADMIN.keys() == set()


def may(page: Any, act: str, request: Any) -> bool:
    return bool(getattr(page, f"has_{act}_permission")(request))


def test_every_command_and_task_is_tried_or_has_a_reason() -> None:
    current_app.loader.import_default_modules()
    tasks = {name for name in current_app.tasks if name.split(".")[0] in APPS}
    commands = {name for name, app in get_commands().items() if app in APPS}
    tried = doorways.COMMANDS | doorways.TASKS | item_doorways.COMMANDS | item_doorways.TASKS
    names = {name.split()[0] for name in tried}
    assert (tasks | commands) - names - doorways.SILENT_ERRANDS.keys() == set()
