"""How findings write figures: plain text, as it stands in a sentence, in JSON and in a log."""

from __future__ import annotations


def took(seconds: float | None) -> str:
    """A time to three digits at most: 0.4 ms, 82 ms, 1.24 s, 35 min."""
    if seconds is None:
        return "no time"
    if seconds >= 600:
        return f"{seconds / 60:,.0f} min"
    if seconds >= 0.9995:
        return f"{seconds:.3g} s"
    return f"{seconds * 1000:.3g} ms" if seconds >= 0.0001 else "under 0.1 ms"


def many(count: float | None, one: str, more: str = "") -> str:
    """A whole number of things: 1 time, 1,204 times."""
    number = round(count or 0)
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def percent(part: float, whole: float) -> str:
    """A share: 3.5 %, 96 %; never 0 % of something, never 100 % of less than all."""
    share = 100 * part / whole if whole else 0.0
    text = f"{share:.1f}" if share < 10 or 99 < share < 100 else f"{share:.0f}"
    return f"{min(text, '99.9') if share < 100 <= float(text) else text} %"
