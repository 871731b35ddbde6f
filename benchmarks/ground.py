"""What a benchmark stands on: a database and a Valkey of its own, fake platforms in processes of their own, a report.

TEST_DATABASE_URL names a PostgreSQL to use; without it an embedded one is started and thrown away. On a given server
the benchmark makes a database `tidemark_bench_<pid>` and drops it at the end: nobody's data is touched. The Valkey is
always its own: limits that somebody else flushes would be no limits.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import psycopg2.errors

from project import children
from project.embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent
DATABASE = f"tidemark_bench_{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Line:
    """One measured number; `ratio` is against `of`, `goal` and `met` are set where it has a goal of its own."""

    case: str
    variant: str
    value: float
    unit: str
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    told: bool = True  # False: in the file alone


@contextmanager
def servers(database: str | None = None) -> Iterator[None]:
    """A migrated, empty database and an empty Valkey, described in the environment; Django is ready inside.

    With `database`, the address of one, that is used as it is: neither migrated nor emptied.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-bench-", dir="/tmp")))
        folder.chmod(0o711)  # PostgreSQL may have to run as another user
        os.environ["DATABASE_URL"] = database or stack.enter_context(_database(folder))
        os.environ["REDIS_URL"], os.environ["BROKER_URL"] = stack.enter_context(_redis(folder))
        os.environ |= {"SECRET_KEY": "benchmark", "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "project.settings"}
        os.environ |= {"DATA_DIR": str(folder / "data"), "SLOW_QUERY_THRESHOLD": "60"}
        (folder / "data" / "static").mkdir(parents=True)  # or WhiteNoise complains
        os.environ.pop("TIDEMARK_TESTING", None)
        _set_up(migrate=database is None)
        yield
        _close()


def _set_up(*, migrate: bool) -> None:
    import django  # noqa: PLC0415  # the settings read the environment made above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # the same

    if migrate:
        call_command("migrate", verbosity=0)


def _close() -> None:
    from django.db import connections  # noqa: PLC0415  # the settings read the environment

    connections.close_all()


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    given = os.environ.get("TEST_DATABASE_URL", "")
    if not given:
        postgres = Postgres(folder / "postgres", durable=False)
        postgres.start()
        try:
            yield postgres.url()
        finally:
            postgres.stop()
        return
    _on_server(given, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)", f"CREATE DATABASE {DATABASE}")
    try:
        yield urlunsplit(urlsplit(given)._replace(path=f"/{DATABASE}"))
    finally:
        _on_server(given, f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")


@contextmanager
def keeping() -> Iterator[Callable[[str], str]]:
    """A function that gives the address of a database by its name, and makes it where there is none.

    They are kept: on the server of TEST_DATABASE_URL, or by an embedded PostgreSQL whose data lie in var/bench.
    """
    with ExitStack() as stack:
        server = os.environ.get("TEST_DATABASE_URL", "")
        if not server:
            postgres = Postgres(ROOT / "var" / "bench" / "postgres", durable=False)
            postgres.start()
            stack.callback(postgres.stop)
            server = postgres.url()

        def address(name: str) -> str:
            with suppress(psycopg2.errors.DuplicateDatabase):
                _on_server(server, f'CREATE DATABASE "{name}"')
            return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))

        yield address


def _on_server(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[str, str]]:
    valkey = Valkey(folder / "valkey", durable=False)
    valkey.start()
    try:
        yield valkey.url(0), valkey.url(1)
    finally:
        valkey.stop()


@contextmanager
def fakes() -> Iterator[str]:
    """The fake platforms, which count every call, in a process of their own; their address."""
    with _serving("manage.py", "fakeplatforms", "--port", "0") as url:
        yield url


@contextmanager
def quick_fakes(latency: Sequence[float], platforms: Sequence[str]) -> Iterator[str]:
    """Their answers without limits, from a server that leaves the machine to those who ask; its address."""
    with _serving("-m", "benchmarks.quick_fakes", *map(str, latency), *platforms) as url:
        yield url


@contextmanager
def _serving(*command: str) -> Iterator[str]:
    """A Python process that prints its address when it serves."""
    process = subprocess.Popen(  # noqa: S603  # our own commands
        [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101  # it is PIPE
        yield process.stdout.readline().split()[-1]
    finally:
        children.stop(process)


def tell(url: str, **wanted: Any) -> None:
    """POST /_fake/faults: latency, limits, a reset; see scraping.fakes.server."""
    body = json.dumps(wanted).encode()
    urllib.request.urlopen(f"{url}/_fake/faults", data=body, timeout=30).close()  # noqa: S310 - loopback


def run(module: str, *arguments: object, **env: str) -> dict[str, Any]:
    """The JSON that `python -m module arguments…` prints as its last line. Raises CalledProcessError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(  # noqa: S603  # our own modules
        command, cwd=ROOT, env=os.environ | env, stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    return answer


def run_all(module: str, jobs: Sequence[Sequence[object]]) -> None:
    """Run `python -m module …` for each of `jobs` at the same time. Raises RuntimeError when one fails."""
    running = [children.spawn([sys.executable, "-m", module, *map(str, job)], cwd=ROOT) for job in jobs]
    try:
        codes = [process.wait() for process in running]
        if any(codes):
            raise RuntimeError(f"a process of {module} failed")
    finally:
        for process in running:
            children.stop(process)


def report(bench: str, measured: Iterable[Line]) -> int:
    """Print the lines as a Markdown table, write var/bench/<bench>.json; 1 when a goal was missed, else 0."""
    lines = list(measured)
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"
    print(f"\n### {bench}\n\n{machine}\n\n| Case | Variant | Value | Unit | Ratio | Goal | Verdict |")
    print("|---|---|---:|---|---:|---|---|")
    for line in (line for line in lines if line.told):
        verdict = "" if line.met is None else ("met" if line.met else "**missed**")
        ratio = "" if line.ratio is None else f"{line.ratio:.3g}"
        print(f"| {line.case} | {line.variant} | {line.value:,.4g} | {line.unit} | {ratio} | {line.goal} | {verdict} |")
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    made = {"bench": bench, "machine": machine, "rows": [_kept(line) for line in lines]}
    (folder / f"{bench}.json").write_text(json.dumps(made, indent=1) + "\n")
    return int(any(line.met is False for line in lines))


def _kept(line: Line) -> dict[str, Any]:
    return {name: value for name, value in asdict(line).items() if name != "told"}
