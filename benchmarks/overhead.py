"""What monitoring costs: the same requests with it, without it, with django-silk and with django-orbit, in turns.

Each variant is a process of its own with the whole product in it; a round asks each of them some times for the same
address, in an order by chance, so that a noisy moment hits all. Costs are medians of the rounds' differences from the
process without any monitoring. CPU counts everything that the process did, in the background too. Two processes of the
same program differ by more than what is measured here (where their memory lies, how their hashes fall): each variant
has several, one after the other, and the same variant twice says how much of a difference is chance.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from random import Random
from statistics import median
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from benchmarks import kept_series
from benchmarks.ground import ROOT, Line
from benchmarks.serving import uncached
from project import children
from project.roles import Scope
from project.views import make_token

ACCOUNTS, DAYS, ROUNDS = 1_000, 60, 120
STILL = "warm grid, without its round trip"
TIMES = {"healthz": 20, "cold grid": 4, "warm grid": 100, STILL: 400}
"""Requests of one variant in one round: the cheaper, the more."""
GRID = "/api/grid?day=latest"
PATHS = {"healthz": "/healthz", "cold grid": GRID, "warm grid": GRID, STILL: GRID}
OFF, ON, SILK, ORBIT = "without", "ours", "django-silk", "django-orbit"
TABLES = {ON: "perf_", SILK: "silk_", ORBIT: "orbit_"}
"""How the names of each one's tables begin."""
STATES = {"healthz": [""], "cold grid": ["MISS"], "warm grid": ["HIT"], STILL: ["HIT"]}
"""What X-Cache says of each, or the case is not what it is called."""
WORTH = {
    "healthz": "as cheap as Django answers",
    "cold grid": "computed",
    "warm grid": "from the warm layer",
    STILL: "the cache's server asked once",
}
DJANGO_US, SHARE, WARM_US = 60.0, 0.03, 4.0
SEED = 7
PROCESSES = 6
"""Of each variant in each case, one after the other; the rounds are shared out among them."""
AGAIN = "without, once more"


@dataclass(slots=True)
class Asked:
    """One process of a variant, asked over its standard input."""

    process: subprocess.Popen[str]

    def tell(self, line: str) -> dict[str, Any]:
        """What it answers. Raises RuntimeError when it has ended."""
        assert self.process.stdin is not None  # noqa: S101  # both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        told = self.process.stdout.readline()
        if not told:
            raise RuntimeError("a process that was asked has ended")
        answer: dict[str, Any] = json.loads(told)
        return answer

    def ask(self, path: str, times: int) -> dict[str, Any]:
        """Microseconds of each of so many requests, and of CPU for each."""
        told = self.tell(json.dumps({"path": path, "times": times}))
        return {
            "us": [time / 1_000 for time in told["times"]],
            "cpu": told["cpu"] / times * 1e6,
            "cache": told["cache"],
        }


@dataclass(slots=True)
class Costs:
    """Of one case, by variant: each round's median microseconds and CPU microseconds a request."""

    wall: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    held: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """MB of each process at its end."""

    def more(self, variant: str) -> float:
        """Microseconds that a request takes more than without any monitoring."""
        return median(after - before for after, before in zip(self.wall[variant], self.wall[OFF], strict=True))

    def more_cpu(self, variant: str) -> float:
        """The same of CPU, with what happens in the background."""
        return median(after - before for after, before in zip(self.cpu[variant], self.cpu[OFF], strict=True))


def measure(accounts: int = ACCOUNTS, days: int = DAYS, rounds: int = ROUNDS) -> Iterator[Line]:
    """All variants on the same data, then what is kept of a day and of a year."""
    os.environ |= {"RATE_LIMIT_READS": "1000000000", "SLOW_REQUEST_THRESHOLD": "60", "LOG_LEVEL": "ERROR"}
    call_command("seed", accounts=accounts, days=days, yes=True)
    user = get_user_model().objects.create_superuser("reader", password=None)
    token = make_token(user, name="benchmark", scope=Scope.READ, expires_at=None)
    variants = list(_variants())
    counts: dict[str, int] = dict.fromkeys(variants, 0)
    for case in PATHS:
        chosen = [OFF, ON] if case in {"warm grid", STILL} else variants  # what answers ahead of Django they never see
        costs = Costs()
        for _ in range(PROCESSES):
            _share(case, [*chosen, AGAIN], token, costs, max(rounds // PROCESSES, 1))
        for name in chosen:
            counts[name] += (len(costs.wall[name]) + PROCESSES) * TIMES[case]
        yield from _lines(case, costs)
    yield from _written(counts)
    yield from kept_series.measure()


def _share(case: str, names: Sequence[str], token: str, costs: Costs, rounds: int) -> None:
    """So many rounds of fresh processes into `costs`."""
    with ExitStack() as stack:
        asked = {name: stack.enter_context(_started(name, case, token)) for name in names}
        _in_turns(asked, case, rounds, costs)
        for name, one in asked.items():
            costs.held[name].append(one.tell("memory")["memory"])
            one.tell("settle")


def _variants() -> Iterator[str]:
    """Ours and what is installed, each with its tables."""
    yield from (OFF, ON)
    for name in (SILK, ORBIT):
        app = name.removeprefix("django-")
        if find_spec(app) is None:
            print(f"{name} is not installed and left out: make bench-perf installs it.", file=sys.stderr)
            continue
        command = [sys.executable, "manage.py", "migrate", app, "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=os.environ | _settings(name), check=True)  # noqa: S603  # our own command
        yield name


def _settings(variant: str) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": f"benchmarks.peers.with_{variant.removeprefix('django-')}"}


@contextmanager
def _started(variant: str, case: str, token: str) -> Iterator[Asked]:
    """A process of the product as `variant` has it; cold ones keep no answer."""
    env = os.environ | {"ENABLE_MONITORING": "1" if variant == ON else "0"}
    if variant in {SILK, ORBIT}:
        env |= _settings(variant)
    if case == "cold grid":
        env |= uncached()
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", "benchmarks.asked_worker", token],
        cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101  # it is PIPE
        process.stdout.readline()
        asked = Asked(process)
        if case == STILL:
            asked.tell("still")
        yield asked
    finally:
        children.stop(process)  # type: ignore[arg-type]  # text or bytes makes no difference to its end


def _in_turns(asked: Mapping[str, Asked], case: str, rounds: int, costs: Costs) -> None:
    """The first round warms up and does not count. Raises RuntimeError where a case is not as warm as it is called."""
    chance = Random(SEED + len(costs.wall[OFF]))  # noqa: S311  # nothing secret
    for number in range(rounds + 1):
        for name in chance.sample(list(asked), len(asked)):
            told = asked[name].ask(PATHS[case], TIMES[case])
            if number:
                if told["cache"] != STATES[case]:
                    raise RuntimeError(f"{name}: the {case} came with X-Cache {told['cache']}")
                costs.wall[name].append(median(told["us"]))
                costs.cpu[name].append(told["cpu"])


def _lines(case: str, costs: Costs) -> Iterator[Line]:
    title = f"{case} ({WORTH[case]})"
    usual = median(costs.wall[OFF])
    yield Line(title, OFF, usual, "µs p50")
    for name in costs.wall:
        if name == OFF:
            continue
        more, ours = costs.more(name), costs.more(ON)
        if name == AGAIN:
            yield Line(title, name, more, "µs more, by chance")
            continue
        ratio = more / ours if name != ON and ours > 0 else None
        yield Line(title, name, more, "µs more", ratio, *_goal(case, name, more))
        yield Line(title, name, costs.more_cpu(name), "µs more of CPU, background included")
        if case == "cold grid":
            goal = ("≤ 0.03", more / usual <= SHARE) if name == ON else ("", None)
            yield Line(title, name, more / usual, "of the p50", None, *goal)
        yield Line(title, name, median(costs.held[name]) - median(costs.held[OFF]), "MB more memory")


def _goal(case: str, name: str, more: float) -> tuple[str, bool | None]:
    if name != ON:
        return "", None
    most = WARM_US if case in {"warm grid", STILL} else DJANGO_US
    return f"≤ {most:g}", more <= most


def _written(counts: Mapping[str, int]) -> Iterator[Line]:
    """Rows and bytes in the tables of each, and what a request a second would make of them in a day."""
    for name, prefix in TABLES.items():
        if name not in counts:
            continue
        tables = [table for table in connection.introspection.table_names() if table.startswith(prefix)]
        rows, size = 0, 0
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f'SELECT count(*), pg_total_relation_size(%s) FROM "{table}"', [table])  # noqa: S608
                found = cursor.fetchone()
                rows, size = rows + found[0], size + found[1]
        title = f"tables after {counts[name]:,} requests"
        yield Line(title, name, rows, "rows")
        yield Line(title, name, size / 1e6, "MB")
        yield Line("rows for each request", name, rows / counts[name], "rows")
