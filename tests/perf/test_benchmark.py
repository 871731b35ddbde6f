"""Measuring side by side: equal answers first, true figures, files in the shape that scripts rely on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from perf import benchmark
from perf.benchmark import Case, NothingToMeasure, Unequal, markdown, measure, percentile
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
    call_command("benchmark", iterations=10)
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
        call_command("benchmark")
    assert "rows: left out, there are no rows" in capsys.readouterr().err
    assert not (tmp_path / "bench").exists()


def test_the_command_fails_on_unequal_answers_and_unknown_apps(cases, db):
    cases(Case("sums", {"naive": lambda: 1, "ours": lambda: 2}))
    with pytest.raises(CommandError, match="does not give"):
        call_command("benchmark")
    with pytest.raises(CommandError, match="no benchmarks in nowhere; there are some in toy"):
        call_command("benchmark", "nowhere")


@pytest.mark.both_dbs
def test_the_apps_own_cases_give_equal_answers_and_leave_nothing(db, monkeypatch):
    from perf import benchmarks

    monkeypatch.setattr(benchmarks, "ROWS", 500)
    rows = [row for case in benchmarks.benchmarks() for row in measure(case, iterations=1)]
    assert {row.variant for row in rows} >= {"computed", "from the cache", "Paginator", "sought, total known"}
    assert {row.queries for row in rows if row.variant == "sought, total known"} == {1}
    assert not Group.objects.filter(name__contains=" 0000").exists()
    assert markdown(rows).count("\n") == len(rows) + 1
