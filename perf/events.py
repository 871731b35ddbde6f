"""What happened, told upwards without importing whoever keeps the record."""

from __future__ import annotations

from typing import Any

from django.dispatch import Signal

event = Signal()


def happened(actor: Any, action: str, target: str = "", detail: dict[str, Any] | None = None) -> None:
    """Tell that `actor` (a user or None) did `action` (dotted, e.g. "accounts.import") to `target`.

    `detail` must be JSON-serialisable and hold no secret. Receivers run in the caller's transaction,
    so a record of a change exists exactly when the change does. An error in a receiver rises.
    """
    event.send(sender=None, actor=actor, action=action, target=target, detail=detail or {})
