"""Measuring side by side: equal answers first, true figures, files in the shape that scripts rely on."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from perf import benchmark, benchmarks, reading
from perf.benchmark import Case, NothingToMeasure, Unequal, markdown, measure, percentile
from perf.budgets import Budget, Cost
from perf.costing import Asked
from perf.management.commands import benchmark as command


@pytest.fixture
def stopwatch(monkeypatch):
    """A clock that only the work of a case moves."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(benchmark, "perf_counter", lambda: clock.now)
    return clock


def taking(clock, *milliseconds: float):
    """Work that takes these times in turn, over and over, and always answers 7."""
    count = 0

    def work() -> int:
        nonlocal count
        clock.now += milliseconds[count % len(milliseconds)] / 1000
        count += 1
        return 7

    return work


def test_figures_are_those_of_the_runs(stopwatch):
    case = Case("seven", {"slow": taking(stopwatch, 4), "fast": taking(stopwatch, 1, 1, 1, 3)})
    slow, fast = measure(case, iterations=100, seconds=60)
    assert (slow.iterations, fast.iterations) == (100, 100)
    assert slow.median == pytest.approx(4)
    assert (fast.mean, fast.median) == (pytest.approx(1.5), pytest.approx(1))
    assert (fast.p95, fast.least, fast.most) == (pytest.approx(3), pytest.approx(1), pytest.approx(3))
    assert (slow.ratio, fast.ratio) == (1, pytest.approx(4))


def test_a_time_budget_ends_a_slow_case(stopwatch):
    (row,) = measure(Case("slow", {"only": taking(stopwatch, 1000)}), iterations=100, seconds=20)
    assert 19 <= row.iterations <= 21
    (row,) = measure(Case("slower", {"only": taking(stopwatch, 60_000)}), iterations=100, seconds=20)
    assert row.iterations == benchmark.LEAST


def test_unequal_answers_are_not_timed():
    with pytest.raises(Unequal, match="ours does not give what naive gives"):
        measure(Case("sums", {"naive": lambda: 1, "ours": lambda: 2}))


def test_queries_are_counted_per_variant(db):
    def looping() -> int:
        return sum(Group.objects.filter(pk=pk).count() for pk in range(-3, 0))

    naive, ours = measure(Case("none", {"naive": looping, "ours": Group.objects.filter(pk__lt=0).count}), iterations=5)
    assert (naive.queries, ours.queries) == (3, 1)


@pytest.mark.parametrize(("part", "value"), [(0.5, 3), (0.95, 5), (0, 1), (1, 5), (0.2, 1), (0.21, 2)])
def test_a_percentile_is_the_nearest_rank(part, value):
    assert percentile([5, 1, 4, 2, 3], part) == value


@pytest.fixture
def cases(monkeypatch):
    """Sets the cases that the command finds."""

    def use(*cases: Case) -> None:
        module = SimpleNamespace(benchmarks=lambda: iter(cases))
        monkeypatch.setattr(command, "discovered", lambda name: iter([("toy", module)]))

    return use


def test_the_command_writes_json_and_a_table(cases, db, settings, tmp_path, capsys):
    settings.DATA_DIR = tmp_path
    cases(Case("seven", {"naive": lambda: sum([7] * 1000), "ours": lambda: 7000}))
    call_command("benchmark", "--no-budgets", iterations=10)
    written = json.loads((tmp_path / "bench" / "toy.json").read_text())
    assert written["bench"] == "toy"
    assert "CPUs" in written["machine"]
    naive, ours = written["rows"]
    assert {"case": "seven", "variant": "naive", "unit": "ms", "ratio": 1.0}.items() <= naive.items()
    assert ours["iterations"] == 10
    assert ours["ratio"] > 1
    printed = capsys.readouterr().out
    assert "| Case | Variant | Median ms |" in printed
    assert "| seven | ours |" in printed


def test_the_command_names_what_it_leaves_out_and_fails_without_anything(cases, db, settings, tmp_path, capsys):
    @contextmanager
    def empty():
        raise NothingToMeasure("there are no rows")
        yield

    settings.DATA_DIR = tmp_path
    cases(Case("rows", {"only": lambda: 1}, world=empty))
    with pytest.raises(CommandError, match="nothing to measure"):
        call_command("benchmark", "--no-budgets")
    assert "rows: left out, there are no rows" in capsys.readouterr().err
    assert not (tmp_path / "bench").exists()


def test_the_command_fails_on_unequal_answers_and_unknown_apps(cases, db):
    cases(Case("sums", {"naive": lambda: 1, "ours": lambda: 2}))
    with pytest.raises(CommandError, match="does not give"):
        call_command("benchmark", "--no-budgets")
    with pytest.raises(CommandError, match="no benchmarks in nowhere; there are some in toy"):
        call_command("benchmark", "nowhere")


@pytest.fixture
def toy(cases, db, settings, tmp_path):
    """One case with one way, and a data folder."""
    settings.DATA_DIR = tmp_path
    cases(Case("seven", {"ours": lambda: sum([7] * 1000)}))
    return tmp_path / "bench"


@pytest.mark.req("A88")
def test_a_run_stands_beside_an_earlier_one(toy, tmp_path, capsys):
    call_command("benchmark", "--no-budgets", iterations=5)
    kept = tmp_path / "before.json"
    told = json.loads((toy / "benchmark.json").read_text())
    told["rows"][0]["value"] /= 4
    told["rows"].append({"bench": "toy", "case": "eight", "variant": "ours", "value": 2.0})
    kept.write_text(json.dumps(told))
    capsys.readouterr()
    call_command("benchmark", "--no-budgets", iterations=5, compare=kept)
    table = capsys.readouterr().out.split("Now against before")[1]
    seven, eight = (re.findall(rf"^[|] {case} .*", table, re.MULTILINE)[0].split(" | ") for case in ("seven", "eight"))
    assert float(seven[4].rstrip(" ×|")) > 1  # a quarter of it was said to have been enough
    assert eight[2:] == ["2", "–", "– |"]


@pytest.mark.parametrize("content", ["[]", "{", '{"bench": "x", "machine": "y", "rows": [{}]}', None])
def test_what_is_no_result_is_not_compared_with(toy, tmp_path, content):
    path = tmp_path / "before.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(CommandError, match=r"before\.json"):
        call_command("benchmark", "--no-budgets", compare=path)
    assert not toy.exists()  # nothing was measured


def test_json_is_all_that_is_printed(toy, capsys):
    call_command("benchmark", "--json", "--no-budgets", iterations=5)
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((toy / "benchmark.json").read_text())
    assert [(row["bench"], row["case"], row["unit"]) for row in told["rows"]] == [("toy", "seven", "ms")]


@pytest.mark.req("B96")
@pytest.mark.parametrize(("cost", "fails"), [((3, 50), True), ((2, 51), True), ((2, 50), False)])
def test_a_broken_budget_fails_the_run_and_is_kept(toy, monkeypatch, capsys, cost, fails):
    found = [Asked(Budget("page", queries=2, bytes=50, p95=5), Cost(*cost, 9.0), 8.0, 9.0)]
    monkeypatch.setattr(command.Command, "_asked", lambda self: found)
    with pytest.raises(CommandError, match="page: ") if fails else nullcontext():
        call_command("benchmark", iterations=5)
    assert ("**over**" if fails else "slow here") in capsys.readouterr().out
    row = json.loads((toy / "benchmark.json").read_text())["rows"][-1]
    assert (row["bench"], row["case"], row["queries"], len(row["excess"])) == ("budgets", "page", cost[0], fails)


@pytest.mark.both_dbs
def test_the_apps_own_cases_give_equal_answers_and_leave_nothing(db, monkeypatch):
    from perf import benchmarks

    monkeypatch.setattr(benchmarks, "ROWS", 500)
    rows = [row for case in benchmarks.benchmarks() for row in measure(case, iterations=1)]
    assert {row.variant for row in rows} >= {"computed", "from the cache", "Paginator", "sought, total known"}
    assert {row.queries for row in rows if row.variant == "sought, total known"} == {1}
    assert not Group.objects.filter(name__contains=" 0000").exists()
    assert markdown(rows).count("\n") == len(rows) + 1


def test_budgets_are_asked_on_a_filled_past_outside_tests_too(db, settings):
    settings.TESTING = False  # the clock is not to be moved
    benchmarks.fill(None)
    assert len(reading.totals("request", reading.window("24h"))) == 2 * benchmarks.ROUTES  # answered and failed
