"""Charts the server draws: gaps, dots, scales, levels to keep below, and what is told in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from perf import charts

START = datetime(2026, 11, 22, 14, tzinfo=UTC)


def at(many):
    return [START + timedelta(minutes=number) for number in range(many)]


def ms(seconds):
    return f"{seconds * 1000:g} ms"


def test_what_is_missing_is_a_gap_and_what_stands_alone_is_a_dot():
    chart = charts.lines(
        "Times", at(5), {"p50": [0.1, None, 0.3, None, None], "p95": [None, 0.2, 0.4, None, 0.4]}, write=ms
    )
    assert [one.path for one in chart.series] == [
        "M40.0 75.00h120.0M440.0 25.00h120.0",
        "M300.0 50.00L500.0 0.00M840.0 0.00h120.0",
    ]
    assert chart.scale == ["400 ms", "300 ms", "200 ms", "100 ms", "0 ms"]
    assert chart.steps[1].words == "Sun 22 Nov, 14:01: p95 200 ms"
    assert chart.steps[3].words == "Sun 22 Nov, 14:03: nothing recorded"
    assert [step.is_empty for step in chart.steps] == [False, False, False, True, False]


def test_bars_stand_upon_each_other():
    chart = charts.bars("Requests", at(2), {"answered": [3, None], "failed": [1, 2]}, write=str)
    assert [one.path for one in chart.series] == [
        "M50.0 100.00v-75.00h400.0v75.00z",
        "M50.0 25.00v-25.00h400.0v25.00zM550.0 100.00v-50.00h400.0v50.00z",
    ]


def test_a_level_is_drawn_where_it_is_near():
    near = charts.lines("Times", at(1), {"p95": [0.1]}, write=ms, level=0.2)
    assert near.level == (0.0, "200 ms")
    assert charts.lines("Times", at(1), {"p95": [0.1]}, write=ms, level=0.5).level is None


def test_nothing_at_all_is_an_empty_chart():
    chart = charts.lines("Times", at(3), {"p50": [None] * 3}, write=ms)
    assert (chart.is_empty, chart.series[0].path) == (True, "")
    assert charts.lines("Times", [], {"p50": []}, write=ms).is_empty


def test_many_steps_are_merged_to_as_many_as_a_screen_shows():
    steps = charts.thinned(list(zip(at(1_440), range(1_440), strict=True)), sum)
    assert len(steps) == 96
    assert steps[1] == (START + timedelta(minutes=15), sum(range(15, 30)))


def test_the_time_axis_names_days_only_where_there_are_several():
    assert charts.lines("", at(3), {"p50": [1, 1, 1]}, write=ms).marks == ["14:00", "14:01", "14:02"]
    days = [START + timedelta(days=number) for number in range(3)]
    assert charts.lines("", days, {"p50": [1, 1, 1]}, write=ms).marks == ["22 Nov", "23 Nov", "24 Nov"]
