"""What was done to one account, by whom and when, in words: the part of the audit log that its page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist

from accounts.models import Account, RosterChange
from project.models import AuditEntry

LABELS = {"organization": "organisation", "url": "address", "tags": "tags"}
SAYS: dict[str, str] = {
    "accounts.add": "Added to the registry",
    "accounts.edit": "Changed",
    "accounts.delete": "Deleted",
    "accounts.activate": "Scraped and counted again",
    "accounts.deactivate": "No longer scraped; its figures stay",
    "accounts.hold": "Put on hold: somebody else may answer under its handle",
    "accounts.release": "Taken off its hold",
    "accounts.rename": "Renamed: the platform says so",
    "accounts.tag": "Tags changed",
    "accounts.import": "Imported from a roster",
    "accounts.undo_import": "The import of a roster was undone",
    "snapshots.accept": "A doubted figure was accepted",
    "snapshots.reject": "A doubted figure was rejected",
    "snapshots.undo": "A decision on a doubted figure was taken back",
}
"""Actions of the audit log as sentences; another action is shown by its own name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changed: its name, and how it was and is, in words."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the audit log as the account's page tells it. `who` is empty for the product itself."""

    at: datetime
    who: str
    what: str
    note: str
    differences: list[Difference]


def changes_of(account: Account, entries: Sequence[AuditEntry]) -> list[Change]:
    """The audit entries about `account` in words, in their order; one query for those of imports."""
    batches = [entry.detail["import"] for entry in entries if entry.action == "accounts.import" and _batch(entry)]
    rows = RosterChange.objects.filter(batch__in=batches, account=account) if batches else []
    imported = {row.batch_id: row for row in rows}
    return [_change(entry, imported.get(_batch(entry) or 0)) for entry in entries]


def _batch(entry: AuditEntry) -> int | None:
    found = entry.detail.get("import")
    return found if isinstance(found, int) else None


def _change(entry: AuditEntry, imported: RosterChange | None) -> Change:
    pairs: Mapping[str, Any] = entry.detail.get("changes") or {}
    if imported is not None and entry.action == "accounts.import" and imported.before is not None:
        pairs = {name: [imported.before[name], now] for name, now in imported.after.items()}
    differences = [Difference(_label(name), _words(old), _words(new)) for name, (old, new) in pairs.items()]
    what = SAYS.get(entry.action, entry.action)
    return Change(entry.created_at, entry.actor_name, what, _note(entry), differences)


def _note(entry: AuditEntry) -> str:
    told = _NOTES.get(entry.action)
    return told(entry.detail) if told else ""


def _released(detail: Mapping[str, Any]) -> str:
    return "The id that answers now is accepted." if detail.get("accept_new_id") else "Only the known id counts."


def _tagged(detail: Mapping[str, Any]) -> str:
    signs = (("+", detail.get("added") or {}), ("\N{MINUS SIGN}", detail.get("removed") or {}))
    return ", ".join(f"{sign} {name}" for sign, names in signs for name in names)


def _judged(detail: Mapping[str, Any]) -> str:
    return f"Of {', '.join(days)}." if 0 < len(days := detail.get("days") or []) <= 3 else ""


def _edited(detail: Mapping[str, Any]) -> str:
    return f"In the administration: {', '.join(map(_label, fields))}." if (fields := detail.get("fields")) else ""


_NOTES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "accounts.release": _released,
    "accounts.tag": _tagged,
    "accounts.edit": _edited,
    "snapshots.accept": _judged,
    "snapshots.reject": _judged,
    "snapshots.undo": _judged,
}


def _label(name: str) -> str:
    if name in LABELS:
        return LABELS[name]
    try:
        return str(Account._meta.get_field(name).verbose_name)  # type: ignore[union-attr]  # a relation has none and is no change
    except FieldDoesNotExist:
        return name


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "none"
    return str(value) if value not in (None, "") else "none"
