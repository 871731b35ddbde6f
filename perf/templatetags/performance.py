"""Parts of the performance pages, and how their figures are written; missing figures are dashes that say why."""

from __future__ import annotations

from django import template

from perf.charts import instant
from perf.periods import PERIODS
from perf.sections import Tab, tabs
from perf.templatetags.figures import duration, full

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


def took_words(seconds: float) -> str:
    """A time to three digits or fewer: 0.4 ms, 12 ms, 1.24 s, 42 s, 12:05."""
    if seconds >= 99.95:
        return duration(seconds)
    if seconds >= 0.9995:
        return f"{seconds:.{2 if seconds < 9.995 else 1}f}".rstrip("0").rstrip(".") + "\N{NO-BREAK SPACE}s"
    ms = seconds * 1000
    return f"{ms:.{0 if ms >= 9.95 or not ms else 1 if ms >= 0.095 else 2}f}\N{NO-BREAK SPACE}ms"


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
