"""How numbers, changes and instants are written on every page; knows no domain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from perf import clock

register = template.Library()

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "No figure"
STEPS = ((10**9, "B"), (10**6, "M"), (10**3, "k"))
SPARK_WIDTH, SPARK_HEIGHT = 96, 24  # px, as .spark in base.css


def _missing(reason: str) -> SafeString:
    """An en dash that says why there is no figure, to the eye on hover and to screen readers."""
    return format_html(
        '<span class="quiet" title="{0}"><span aria-hidden="true">–</span>'
        '<span class="visually-hidden">{0}</span></span>',
        reason or UNKNOWN,
    )


def grouped(value: int) -> str:
    """The whole number with separators: 1234567 → 1,234,567."""
    return f"{value:,}".replace("-", MINUS)


def shortened(value: int) -> str:
    """Three significant digits and a unit: 1234567 → 1.23 M; below ten thousand the whole number."""
    size = abs(value)
    if size < 10_000:
        return grouped(value)
    # 999,500 and up would round to "1000 k": the bigger unit takes over half a digit early.
    step, unit = next((step, unit) for step, unit in STEPS if size >= step * 0.9995)
    scaled = size / step
    digits = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{MINUS if value < 0 else ''}{scaled:.{digits}f}\N{NO-BREAK SPACE}{unit}"


@register.filter
def full(value: int | str | None, reason: str = "") -> str:
    """All digits with separators; None (or "", a template's nothing) is an en dash with its `reason`."""
    return grouped(value) if isinstance(value, int) else _missing(reason)


@register.filter
def short(value: int | str | None, reason: str = "") -> str:
    """A short number with the whole one on hover; None or "" is an en dash with its `reason`."""
    if not isinstance(value, int):
        return _missing(reason)
    if shortened(value) == grouped(value):
        return grouped(value)
    return format_html('<span title="{}">{}</span>', grouped(value), shortened(value))


def signed(value: int) -> str:
    """The number with its sign always shown, and a true minus: +1,204, −310, 0."""
    return f"+{value:,}" if value > 0 else grouped(value)


@register.filter
def change(value: int | str | None, reason: str = "") -> str:
    """A change with sign and colour; None or "" is an en dash with its `reason`."""
    if not isinstance(value, int):
        return _missing(reason)
    tone = "up" if value > 0 else "down" if value < 0 else "quiet"
    return format_html('<span class="{}">{}</span>', tone, signed(value))


@register.filter
def share(part: float | None, whole: float | None) -> str:
    """`part` of `whole` in percent: 96 %; empty when either is unknown or the whole is 0."""
    if part is None or not whole:
        return ""
    percent = 100 * part / whole
    # "100 %" is said only of the whole, "0 %" only of nothing.
    digits = 0 if percent in {0, 100} or 1 <= percent < 99 else 1
    bounded = min(percent, 99.9) if percent < 100 else percent
    return f"{bounded:.{digits}f}\N{NO-BREAK SPACE}%"


@register.filter
def growth(value: int | str | None, base: int | str | None) -> str:
    """A change against `base` in percent with its sign: +0.3 %; empty when either is unknown or the base is 0."""
    if not isinstance(value, int) or not isinstance(base, int) or not base:
        return ""
    percent = abs(100 * value / base)
    digits = 0 if percent >= 99.95 or not value else 1 if percent >= 0.095 else 2
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return f"{sign}{max(percent, 0.01) if value else 0:.{digits}f}\N{NO-BREAK SPACE}%"


def _plural(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def distance(seconds: float) -> str:
    """A length of time in its largest sensible unit: 42 s, 5 min, 3 h, 2 days."""
    seconds = abs(seconds)
    for limit, size, unit in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // size)}\N{NO-BREAK SPACE}{unit}"
    return _plural(int(seconds // 86_400), "day")


@register.filter
def duration(seconds: float | None) -> str:
    """A length of time to two units for progress: 0:42, 12:05, 1 h 20 min; empty when unknown."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


@register.filter
def ago(instant: datetime | str | None, missing: str = "never") -> str:
    """How long ago, or how soon, with the exact instant on hover: 3 h ago, in 5 min. ages.js keeps the words true."""
    if not isinstance(instant, datetime):
        return format_html('<span class="quiet">{}</span>', missing)
    passed = (clock.now() - instant).total_seconds()
    words = "just now" if 0 <= passed < 5 else f"{distance(passed)} ago" if passed >= 0 else f"in {distance(passed)}"
    return format_html(
        '<time datetime="{}" title="{}" data-ago>{}</time>', instant.isoformat(), exactly(instant), words
    )


@register.filter
def exactly(instant: datetime) -> str:
    """The instant in the product's zone: 22 Nov 2026, 14:05 UTC."""
    local = timezone.localtime(instant)
    return f"{local.day} {local:%b %Y, %H:%M %Z}"


@register.filter
def until(instant: datetime) -> str:
    """The time of day, with the date unless it is today: 14:05, or 23 Nov 02:00."""
    local = timezone.localtime(instant)
    words = f"{local:%H:%M}" if local.date() == clock.today() else f"{local.day} {local:%b %H:%M}"
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.isoformat(), exactly(instant), words)


@register.filter
def day(value: date | str | None) -> str:
    """A day: 22 Nov 2026; empty when unknown."""
    return (
        ""
        if not isinstance(value, date)
        else format_html('<time datetime="{}">{}</time>', value, f"{value.day} {value:%b %Y}")
    )


@register.simple_tag
def spark(values: Sequence[float | None], label: str = "") -> str:
    """A small line of `values` as SVG; None breaks the line. Empty below two known values."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1
    step = SPARK_WIDTH / (len(values) - 1)
    path, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{index * step:.1f} {SPARK_HEIGHT - 2 - (value - low) / span * (SPARK_HEIGHT - 4):.1f}")
        pen = "L"
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>',
        SPARK_WIDTH,
        SPARK_HEIGHT,
        label,
        "".join(path),
    )


@register.simple_tag
def bar(part: float | None, whole: float | None) -> str:
    """A horizontal bar of `part` in `whole` as SVG, for the eye beside a written number."""
    width = 0.0 if part is None or not whole else max(0.0, min(100.0, 100 * part / whole))
    return format_html(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="6"/></svg>',
        f"{width:.1f}",
    )


@register.simple_tag(takes_context=True)
def state(context: template.Context, **changes: Any) -> str:
    """The page's own query string with `changes`; a None drops that key, and any change but of page drops the page."""
    query = context["request"].GET.copy()
    for key in ("page", "after"):
        query.pop(key, None)
    for key, value in changes.items():
        query.pop(key, None)
        if value not in (None, ""):
            query[key] = str(value)
    return f"?{query.urlencode()}"
