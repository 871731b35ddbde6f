"""The house rules that code can check: who imports whom, what a module may be, where mechanics live."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "perf", "project", "scraping", "snapshots", "workitems")
MAY_IMPORT = {
    "perf": set(),
    "accounts": {"perf"},
    "workitems": {"perf"},
    "snapshots": {"accounts", "perf"},
    "scraping": {"snapshots", "accounts", "perf"},
    "project": {"scraping", "snapshots", "accounts", "workitems", "perf"},
}
MAXIMUM_LINES = 400
MAXIMUM_FUNCTION_LINES = 50
FORBIDDEN_NAMES = {"services", "utils", "helpers", "common", "managers"}
SYSTEM_CLOCK = {
    "timezone.now",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
}
PRESENT_UNLESS_GIVEN = {"timezone.localtime", "timezone.localdate"}
CACHE_MECHANICS = {"django.core.cache", "django_redis"}
"""Who imports these builds keys; that is the business of perf/cache and of each app's cache.py alone."""

OUTWARD = {
    *("aiohttp", "socket", "http.client", "urllib.request", "requests", "httpx", "urllib3", "asyncio.streams"),
    *("smtplib.SMTP", "smtplib.SMTP_SSL", "ftplib", "imaplib", "poplib", "telnetlib", "xmlrpc.client", "websockets"),
}
CONNECTS = {"open_connection", "create_connection", "open_unix_connection", "sock_connect", "urlopen"}
MAY_OPEN_SOCKETS = {
    "scraping/fetch.py": "the one place that calls platforms",
    "scraping/gather.py": "asks only for this host's name",
    "scraping/fakes/": "serves the fakes on this machine",
    "project/answering.py": "shuts the socket of a database connection whose server hangs, and opens none",
    "project/embedded.py": "finds a free port and asks its own children whether they live",
    "project/management/commands/up.py": "asks its own server whether it is ready",
    "project/launch.py": "holds the socket that the web server listens on",
    "project/listening.py": "makes that socket",
    "project/web.py": "serves on it",
}


@cache
def files() -> tuple[Path, ...]:
    """Every Python file of the product, migrations aside: Django writes those."""
    found = (path for app in APPS for path in sorted((ROOT / app).rglob("*.py")))
    return tuple(path for path in found if "migrations" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module(path: Path) -> str:
    return name(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def type_checking(node: ast.AST) -> bool:
    """Whether `node` is `if TYPE_CHECKING:`, whose imports never happen."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Everything in `path` that can run, functions included."""
    found: list[ast.AST] = [tree(path)]
    for node in found:  # which grows
        if not type_checking(node):
            found += ast.iter_child_nodes(node)
    return tuple(found)


def modules(path: Path) -> Iterator[str]:
    """Every module that `path` imports, also inside functions."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if is_module(inner) else str(node.module)


def is_module(dotted: str) -> bool:
    """Whether `dotted` is a module of ours, rather than a name in one."""
    place = ROOT.joinpath(*dotted.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def test_the_table_covers_every_app() -> None:
    assert set(MAY_IMPORT) == set(APPS) == {path.parent.name for path in ROOT.glob("*/apps.py")}


@pytest.mark.parametrize("app", APPS)
def test_imports_go_down_only(app: str) -> None:
    allowed = MAY_IMPORT[app] | {app}
    upwards = {
        (name(path), imported)
        for path in files()
        if path.relative_to(ROOT).parts[0] == app
        for imported in modules(path)
        if imported.split(".")[0] in set(APPS) - allowed or imported.split(".")[0] == "tests"
    }
    assert upwards == set()


def test_no_module_imports_in_a_circle() -> None:
    ours = {module(path) for path in files()}
    graph = {module(path): {found for found in modules(path) if found in ours} for path in files()}
    graphlib.TopologicalSorter(graph).prepare()


def test_reverse_lookups_reach_no_higher_app() -> None:
    """`Account.objects.filter(snapshots__…)` is an import of snapshots by another road."""
    found = set()
    for app in APPS:
        above = {
            relation.get_accessor_name() or relation.name: relation.related_model._meta.app_label
            for model in apps.get_app_config(app).get_models()
            for relation in model._meta.related_objects
            if relation.related_model._meta.app_label in set(APPS) - MAY_IMPORT[app] - {app}
        }
        for path in files():
            if path.relative_to(ROOT).parts[0] == app:
                found |= {(name(path), word) for word in lookups(path) if word.split("__")[0].lstrip("-") in above}
    assert found == set()


def lookups(path: Path) -> Iterator[str]:
    """Words with which `path` asks the ORM across relations: keywords, and strings, with two underscores."""
    for node in nodes(path):
        words = [node.arg] if isinstance(node, ast.keyword) else []
        words += [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
        yield from (word for word in words if word and "__" in word.strip("_"))


def test_modules_stay_small() -> None:
    sizes = {name(path): len(path.read_text().splitlines()) for path in files()}
    assert {path: lines for path, lines in sizes.items() if lines > MAXIMUM_LINES} == {}


def test_functions_stay_short() -> None:
    long = {
        f"{name(path)}:{node.name}": lines
        for path in files()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > MAXIMUM_FUNCTION_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    assert [name(path) for path in files() if not ast.get_docstring(tree(path))] == []


def test_no_module_is_named_for_nothing() -> None:
    assert [name(path) for path in files() if FORBIDDEN_NAMES & set(path.with_suffix("").parts)] == []


@pytest.mark.req("A2")
def test_only_cache_modules_build_cache_keys() -> None:
    built = {
        (name(path), imported)
        for path in files()
        if not name(path).startswith("perf/cache") and path.name != "cache.py"
        for imported in modules(path)
        if any(imported == part or imported.startswith(f"{part}.") for part in CACHE_MECHANICS)
    }
    assert built == set()


def test_only_the_clock_asks_the_system_what_time_it_is() -> None:
    asked = {
        f"{name(path)}:{node.lineno}"
        for path in files()
        if name(path) != "perf/clock.py"
        for node in nodes(path)
        if (isinstance(node, ast.Attribute) and asked_of(node) in SYSTEM_CLOCK)
        or (isinstance(node, ast.Call) and not node.args and asked_of(node.func) in PRESENT_UNLESS_GIVEN)
    }
    assert asked == set()


def asked_of(node: ast.expr) -> str:
    """`django.utils.timezone.now` → "timezone.now"; "" where nothing has a name."""
    if isinstance(node, ast.Attribute):
        return f"{last_name(node.value)}.{node.attr}"
    return last_name(node)


def last_name(node: ast.expr) -> str:
    """`asyncio.open_connection` → "open_connection"; "" where nothing has a name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_only_fetch_calls_outwards() -> None:
    opened = {
        (name(path), found)
        for path in files()
        if not name(path).startswith(tuple(MAY_OPEN_SOCKETS))
        for found in (*imported_names(path), *called_attributes(path))
        if found in CONNECTS or any(found == way or found.startswith(f"{way}.") for way in OUTWARD)
    }
    assert opened == set()


def imported_names(path: Path) -> Iterator[str]:
    """Every module and every name that `path` imports: `from http import client` is `http.client`."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called_attributes(path: Path) -> Iterator[str]:
    """The last name of every call: `asyncio.open_connection(…)` is `open_connection`."""
    for node in nodes(path):
        if isinstance(node, ast.Call):
            yield last_name(node.func)
