"""A roster on its way in: checked and kept, then imported once, or its refused lines taken home to be mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.importing import Import, Verdict, counted, import_roster, noted, plan_import
from accounts.models import RosterImport
from accounts.rosters import Row, read_roster
from perf.spreadsheets import lines as csv_lines

if TYPE_CHECKING:
    from accounts.models import Person

COLUMNS = ("Platform", "Handle", "URL", "Organization", "Core", "Tags")
"""The headings of the refused lines' file; “Why” follows, which the import leaves out."""
YES_NO = {True: "yes", False: "no", None: ""}


class NotWaiting(Exception):
    """A roster is not waiting to be imported any more; the message is for people."""


def check_roster(rows: Sequence[Row], content: str, *, name: str, by: Person, all_or_nothing: bool) -> RosterImport:
    """Keep a roster with what its import would make of every line; nothing of it is written to the registry."""
    lines = plan_import(rows)
    RosterImport.objects.tidy()
    return RosterImport.objects.create(
        name=name[:255],
        by_id=getattr(by, "pk", None),
        state=RosterImport.State.CHECKED,
        all_or_nothing=all_or_nothing,
        content=content.replace("\x00", "\x01"),  # which no database stores; the line is refused for either
        counts=counted(lines),
        lines=noted(lines),
    )


def import_checked(draft: RosterImport, by: Person) -> Import:
    """Import a checked roster, compared with the registry as it is now; what it changed can be undone.

    When a line is refused and nothing was to be written then, it goes on waiting, with the present verdicts.
    Raises NotWaiting where it was imported before.
    """
    with transaction.atomic():
        held = RosterImport.objects.select_for_update().filter(pk=draft.pk).first()
        if held is None or held.state != RosterImport.State.CHECKED:
            raise NotWaiting("This roster was imported already, or dropped since it was checked.")
        rows = read_roster(held.content)
        done = import_roster(rows, by=by, all_or_nothing=held.all_or_nothing, draft=held)
        if not done.written:
            RosterImport.objects.filter(pk=held.pk).update(counts=done.counts, lines=noted(done.lines))
    return done


def refused_lines(batch: RosterImport) -> bytes:
    """The refused lines of a roster as CSV that the import reads again, each with why."""
    why = {number: reason for number, _, verdict, reason in batch.lines if verdict == Verdict.REFUSED}
    rows = [row for row in read_roster(batch.content) if row.number in why]
    return b"\xef\xbb\xbf" + csv_lines([[*COLUMNS, "Why"], *([*_cells(row), why[row.number]] for row in rows)])


def _cells(row: Row) -> list[str]:
    tags = "; ".join(row.tags or ())
    return [row.platform, row.handle, row.url, row.organization, YES_NO[row.core], tags]
