"""Parts of the performance pages, and how their figures are written; missing figures are dashes that say why."""

from __future__ import annotations

from math import log10

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from perf.charts import instant
from perf.conf import setting
from perf.periods import PERIODS, POLLED
from perf.routes import Route
from perf.sections import Tab, tabs
from perf.storing import Memory, store
from perf.templatetags.figures import duration, full, state

register = template.Library()

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")

register.filter("instant", instant)


@register.simple_tag(takes_context=True)
def performance_tabs(context: template.Context) -> list[Tab]:
    """The tabs of the performance pages, as they stand on the page that is asked for."""
    return tabs(context["request"].path)


@register.simple_tag
def performance_periods() -> dict[str, str]:
    """Every period a page may be about, with its words."""
    return PERIODS


@register.simple_tag
def recorder() -> dict[str, bool]:
    """Whether anything is recorded (`is_on`), and whether each process keeps it for itself (`is_in_memory`)."""
    return {"is_on": setting("ENABLE_MONITORING"), "is_in_memory": isinstance(store(), Memory)}


@register.simple_tag(takes_context=True)
def polled(context: template.Context) -> SafeString | str:
    """Attributes by which the part #board takes itself anew while its short `period` is looked at."""
    seconds = POLLED.get(context["period"])
    if not seconds:
        return ""
    words = ' hx-get="{}" hx-trigger="every {}s" hx-select="#board" hx-swap="outerMorph" data-poll'
    return format_html(words, context["request"].get_full_path(), seconds)


@register.simple_tag(takes_context=True)
def sorted_by(
    context: template.Context, name: str, order: str, *, label: str, kind: str = "", title: str = ""
) -> SafeString:
    """The head of a column by which rows can be sorted: `name` in the address, which is sorted by `order` now."""
    direction = ("ascending" if name == "route" else "descending") if name == order else "none"
    return format_html(
        '<th scope="col" role="columnheader" class="{}" aria-sort="{}"><a href="{}" title="{}">{}</a></th>',
        *(kind, direction, state(context, order=name), title or f"Sort by {label.lower()}", label),
    )


REACH_DECADES = 4  # of the scale of `reach`, from a millisecond on


def _place(seconds: float | None) -> float:
    """Where a time stands on the scale of `reach`, from 0 to 100; what lies beyond stands at the end."""
    if not seconds:
        return 0.0
    return round(min(max(log10(seconds * 1000) / REACH_DECADES, 0), 1) * 100, 1)


@register.simple_tag
def reach(route: Route) -> SafeString:
    """A route's times as a bar from the median to p95 with a thread to p99, and its budget upright; for the eye."""
    times = route.requests.times
    middle, usual, rare = (_place(one) for one in (times.p50, times.p95, times.p99))
    budget = route.budget_seconds
    return format_html(
        '<svg class="perf-reach{}" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="scale" d="M0 0V12M25 0V12M50 0V12M75 0V12M100 0V12"/><path class="thread" d="M{} 6H{}"/>'
        '<rect x="{}" y="3" width="{}" height="6"/><path class="budget" d="{}"/></svg>',
        *(" is-over" if route.is_over else "", middle, rare, middle, round(max(usual - middle, 0.8), 1)),
        f"M{_place(budget)} -1V13" if budget else "",
    )


@register.filter
def per(count: int, parts: float) -> float | None:
    """`count` for each of `parts`; None without any."""
    return count / parts if parts else None


def took_words(seconds: float) -> str:
    """A time to three digits or fewer: 40 µs, 0.4 ms, 12 ms, 1.24 s, 42 s, 12:05."""
    if seconds >= 99.95:
        return duration(seconds)
    if seconds >= 0.9995:
        return f"{seconds:.{2 if seconds < 9.995 else 1}f}".rstrip("0").rstrip(".") + "\N{NO-BREAK SPACE}s"
    if 0 < seconds < 0.000_095:
        return f"{max(seconds * 1e6, 1):.0f}\N{NO-BREAK SPACE}µs"
    ms = seconds * 1000
    return f"{ms:.{0 if ms >= 9.95 or not ms else 1}f}\N{NO-BREAK SPACE}ms"


@register.filter
def took(seconds: float | str | None, reason: str = "Nothing was timed") -> str:
    """A time in seconds as took_words writes it; None is an en dash with its `reason`."""
    return took_words(seconds) if isinstance(seconds, int | float) else full(None, reason)


def size_words(size: float) -> str:
    """Bytes to three digits, in powers of 1024: 512 B, 1.23 KiB, 45.6 MiB."""
    units = iter(UNITS)
    amount, unit = float(size), next(units)
    while amount >= 999.5 and (larger := next(units, "")):
        amount, unit = amount / 1024, larger
    digits = 0 if unit == "B" or amount >= 99.95 else 1 if amount >= 9.995 else 2
    return f"{amount:.{digits}f}\N{NO-BREAK SPACE}{unit}"


@register.filter
def size(value: float | str | None, reason: str = "Nothing was measured") -> str:
    """Bytes as size_words writes them; None is an en dash with its `reason`."""
    return size_words(value) if isinstance(value, int | float) else full(None, reason)


def count_words(value: float) -> str:
    """A number that may be a part: 1,204, 4.5, 0.2."""
    digits = 0 if value == round(value) or value >= 99.95 else 1
    return f"{value:,.{digits}f}"


@register.filter
def figure(value: float | str | None, reason: str = "Nothing was recorded") -> str:
    """A number as count_words writes it; None is an en dash with its `reason`."""
    return count_words(value) if isinstance(value, int | float) else full(None, reason)


@register.filter
def whole(value: float | str | None, reason: str = "Nothing was recorded") -> str:
    """A number without its part, as of things that are counted; None is an en dash with its `reason`."""
    return full(round(value), reason) if isinstance(value, int | float) else full(None, reason)
