"""The form that takes a file of past figures."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from snapshots.importing import Report, Undone, import_figures
from snapshots.past import EXPECTED, MAX_BYTES, FileUnreadable, PastFigures

if TYPE_CHECKING:
    from accounts.models import Person

KEPT_ON_PAGE = 500_000  # bytes of a checked file that the page sends back; Django takes 2.5 MB of form data


class PastFiguresForm(forms.Form):
    """Past figures as a CSV file or pasted text. After `run`, `kept` is the text for the page to send again, or ""."""

    file = forms.FileField(required=False, help_text=f"CSV in UTF-8, up to {MAX_BYTES // 1024**2} MB.")
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or paste it",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=f"The first line names the columns: {EXPECTED} and any other figures. "
        "Days as 2026-11-22, numbers as 1234567 or 1,234,567; an empty cell means that nobody knows.",
    )

    kept = ""

    def clean(self) -> dict[str, Any]:
        """See that one of both is given."""
        given: dict[str, Any] = super().clean() or {}
        if bool(given.get("file")) == bool(given.get("text", "").strip()):
            raise ValidationError("Choose a file or paste the lines, one of the two.")
        return given

    def run(self, by: Person, *, commit: bool) -> Report | None:
        """Import what is given, or with `commit` false only say what would happen; None, with `errors`, if refused."""
        file = self.cleaned_data["file"]
        source = file.file if file else BytesIO(self.cleaned_data["text"].encode())
        name = file.name if file else "pasted text"
        try:
            lines = PastFigures(source)  # closes the source when it goes
            report = import_figures(lines, name, by=by, dry_run=not commit)
        except (FileUnreadable, Undone) as refusal:
            self.add_error(None, str(refusal))
            return None
        if not commit and (not file or file.size <= KEPT_ON_PAGE):
            self.kept = _text(source)
        return report


def _text(source: Any) -> str:
    """The file as text, where it is text that a form can carry."""
    source.seek(0)
    try:
        return str(source.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        return ""
