"""Counts as platforms write them, in JSON and in the text of pages, in any common notation."""
# ruff: noqa: RUF001 - the digits and separators of other scripts are what this module reads

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import NamedTuple

MOST = 10**13  # more of anything on one profile is a misreading; the largest channel has 3e11 views
LONGEST = 40  # characters


class Count(NamedTuple):
    """A whole number, and whether the platform had rounded it."""

    value: int
    rounded: bool = False


_SCALES = {
    word: scale
    for scale, words in {
        10**3: "k thousand thousands tsd mil mila mille tys тыс тис bin rb ribu nghìn χιλ ألف آلاف هزار אלף พัน 천 हज़ार",
        10**6: "m mi mn mio mln mill million millions milioni millones millón milhão milhões milj млн εκ jt juta triệu"
        " مليون ملايين میلیون מיליון ล้าน",
        10**9: "b bi bn mrd mld md miliar billion billions bilhões млрд مليار میلیارد",
        10**5: "lakh lakhs लाख",
        10**7: "crore crores करोड़",
        10**4: "万 萬 만",
        10**8: "億 亿 억",
    }.items()
    for word in words.split()
}
_AMBIGUOUS = re.compile(r".*(?:mil\.|\d B|,\d+B)", re.IGNORECASE)  # Czech and Romanian million, Turkish thousand
_SPACES = re.compile(r"[\s\u00a0\u2007-\u200a\u202f\u205f\u3000]+")
# Direction marks around numbers in Arabic and Hebrew, and characters of no width between digits.
_MARKS = re.compile(r"[\u200b\u200e\u200f\u061c\u2060\u2066-\u2069\ufeff]")
_ARABIC = str.maketrans({"٬": ",", "٫": ".", "،": ",", "’": "'", "ʼ": "'", "＇": "'", "．": ".", "，": ","})
_SHAPE = re.compile(r"(?P<number>\d[\d.,' ]*?)(?: ?(?P<scale>[^\d\s.,'+][^\d+]*?)\.?)?(?P<more> ?\+)?")
_GROUPED = re.compile(r"\d{1,3}([.,' ])\d{3}(?:\1\d{3})*")
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")
_FRACTION = re.compile(r"(?P<whole>\d{1,3}(?:([,.' ])\d{3})+|\d+)(?P<point>[.,])(?P<part>\d+)")


def count(raw: object) -> Count | None:
    """The count that `raw` (an int or a text) states, or None when it states none that is certain.

    True, floats, NaN, negative numbers, numbers too large to be a count and ambiguous texts ("1,234K") give None.
    """
    if isinstance(raw, int) and not isinstance(raw, bool):
        return Count(raw) if 0 <= raw <= MOST else None
    if isinstance(raw, str) and len(raw) <= LONGEST:
        return _read(raw)
    return None


def whole(raw: object) -> int | None:
    """An exact count from an API that gives integers, or integers as strings of ASCII digits; else None."""
    if isinstance(raw, str) and not re.fullmatch(r"[0-9]{1,20}", raw):
        return None
    found = count(raw)
    return found.value if found else None


def _read(text: str) -> Count | None:
    plain = _plain(text)
    shape = _SHAPE.fullmatch(plain)
    if shape is None or _AMBIGUOUS.fullmatch(plain):
        return None
    scale = _SCALES.get((shape["scale"] or "").casefold(), 0) if shape["scale"] else 1
    number = _scaled(shape["number"].strip()) if shape["scale"] else _unscaled(shape["number"].strip())
    if not scale or number is None or (value := int(number * scale)) > MOST:
        return None
    return Count(value, rounded=bool(shape["scale"] or shape["more"]))


def _plain(text: str) -> str:
    """`text` with ASCII digits and separators, single spaces and no direction marks."""
    text = _SPACES.sub(" ", _MARKS.sub("", text)).translate(_ARABIC).strip()
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _unscaled(number: str) -> Decimal | None:
    """A number without a word behind it: its separators can only be thousands, since nobody has half a follower."""
    if number.isdigit() or _GROUPED.fullmatch(number) or _INDIAN.fullmatch(number):
        return Decimal(re.sub(r"\D", "", number))
    return None


def _scaled(number: str) -> Decimal | None:
    """A number before a word like "million": a lone separator with three digits behind it could be either, so None."""
    if number.isdigit():
        return Decimal(number)
    fraction = _FRACTION.fullmatch(number)
    if fraction is None:
        return _unscaled(number) if len(re.findall(r"\D", number)) > 1 else None
    grouping = fraction[2]
    if grouping == fraction["point"] or (grouping is None and len(fraction["part"]) == 3):
        return _unscaled(number) if grouping == fraction["point"] else None
    return Decimal(f"{re.sub(r'[^0-9]', '', fraction['whole'])}.{fraction['part']}")
