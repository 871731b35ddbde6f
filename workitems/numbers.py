"""Numbers of work items: the next draft number from a counter row, or a code that was typed or picked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import connection
from django.urls import register_converter

if TYPE_CHECKING:
    from workitems.models import WorkItem

FIRST_DRAFT = 20  # DRAFT_0001 to DRAFT_0019 are on the yard's own list
COUNTER = "draft"
RESERVED = frozenset({"bin", "documents", "export", "new", "notices", "photos", "queue", "review", "stats", "uploads"})
"""Words that stand where a number stands in addresses."""

_code = RegexValidator(r"\A[A-Za-z0-9_-]{1,50}\Z", "Write 1 to 50 letters, digits, hyphens or underscores.")


def code(value: str) -> None:
    """Refuse, by a ValidationError, what cannot be an item's number."""
    _code(value)
    if value.lower() in RESERVED:
        raise ValidationError("“%(value)s” is the name of a page. Choose another number.", params={"value": value})


class InAddress:
    """The converter of a number in an address: `<number:number>`, in the API's `{number:number}`."""

    regex = r"[A-Za-z0-9_-]{1,50}"

    def to_python(self, value: str) -> str:
        """The number, as it stands in the address."""
        return value

    def to_url(self, value: str) -> str:
        """The address's part, which is the number."""
        return value


register_converter(InAddress, "number")


class NumberTaken(Exception):
    """Another item, `existing`, has that number."""

    def __init__(self, existing: WorkItem) -> None:
        super().__init__(f"{existing.number} is taken.")
        self.existing = existing


def next_draft() -> str:
    """The next draft number, e.g. "DRAFT_0020"; nobody else gets the same, whoever asks at once.

    One UPDATE … RETURNING of a counter row, on every database. A transaction that fails gives its number back.
    """
    with connection.cursor() as cursor:
        # The first ever makes the row; a race for it ends in the update.
        cursor.execute(
            "INSERT INTO workitems_numbercounter (name, value) VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET value = workitems_numbercounter.value + 1 RETURNING value",
            [COUNTER, FIRST_DRAFT],
        )
        (value,) = cursor.fetchone()
    return f"DRAFT_{value:04d}"
