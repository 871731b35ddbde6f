"""The form by which editors write a note on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Account
from perf import clock
from snapshots.notes import LONGEST, Note


class NoteForm(forms.Form):
    """A note on a day: a new one on one of `accounts` or on all, or the change of `note`, which stays where it is."""

    account = forms.ChoiceField(label="About", required=False)
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    text = forms.CharField(
        label="Note",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=f"What happened, in up to {LONGEST} characters. It is shown on the chart to everybody who reads it.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, accounts: Sequence[Account] = (), note: Note | None = None, day: str = ""):
        self.note = note
        self.accounts = {f"{account.platform}/{account.handle}": account for account in accounts}
        about = next(iter(self.accounts), "")
        initial = {"day": note.day, "text": note.text, "seen": seen(note)} if note else {"day": day, "account": about}
        super().__init__(data, initial=initial)
        choices = [(name, str(account)) for name, account in self.accounts.items()]
        self.fields["account"].choices = [*choices, ("", "All accounts")]  # type: ignore[attr-defined]  # it is a choice
        self.fields["day"].widget.attrs["max"] = clock.today().isoformat()
        if note:
            del self.fields["account"]

    def clean_day(self) -> dt.date:
        """A day that has been."""
        day: dt.date = self.cleaned_data["day"]
        if day > clock.today():
            raise ValidationError("A note is about a day that has been: choose today or an earlier day.")
        return day

    def clean(self) -> dict[str, Any]:
        """See that the note is still what its writer saw."""
        if self.note and (self.note.deleted_at or self.cleaned_data.get("seen") != seen(self.note)):
            now = "was deleted" if self.note.deleted_at else f"now reads “{self.note.text}”"
            raise ValidationError(f"Somebody changed this note meanwhile: it {now}. Yours is kept below, not stored.")
        return self.cleaned_data

    def store(self, by: Any) -> Note:
        """Write what was said, which is valid. Raises NoteChanged where somebody was faster."""
        said = {"day": self.cleaned_data["day"], "text": self.cleaned_data["text"]}
        if self.note:
            self.note.rewrite(by, **said)
            return self.note
        return Note.write(by, account=self.accounts.get(self.cleaned_data["account"]), **said)


def seen(note: Note) -> str:
    """What tells one state of a note from the next."""
    return note.edited_at.isoformat()
