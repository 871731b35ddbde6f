"""The form that starts an export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from pydantic import ValidationError as Invalid

from accounts.forms import TagsField
from accounts.platforms import PLATFORM_CHOICES
from snapshots.exports.asking import Refused, ask
from snapshots.exports.filters import ExportFilters
from snapshots.exports.jobs import ExportJob, Kind

YES_NO = [("", "Both"), ("true", "Yes"), ("false", "No")]
FRESHNESS = [("", "Of any age"), ("fresh", "Fresh: today or yesterday"), ("late", "Late: older")]
ALIKE = ("platform", "organization", "core", "active", "freshness", "tag", "q")
"""The fields that are called as the filters are."""


def _day(**more: Any) -> forms.DateField:
    return forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}), **more)


class ExportForm(forms.Form):
    """An export by hand. What an address of the accounts' list or the grid says fills it in."""

    format = forms.ChoiceField(choices=Kind)
    days = forms.ChoiceField(
        label="Figures", choices=[("all", "Every day of every account"), ("latest", "The newest of each account")]
    )
    platform = forms.ChoiceField(required=False, choices=[("", "All platforms"), *PLATFORM_CHOICES])
    since = _day(label="From")
    until = _day(label="To")
    organization = forms.CharField(required=False, max_length=200, label="Organisation", help_text="Its whole name.")
    core = forms.ChoiceField(required=False, choices=YES_NO, label="Core accounts")
    active = forms.ChoiceField(required=False, choices=YES_NO, label="Active accounts")
    freshness = forms.ChoiceField(required=False, choices=FRESHNESS, label="Newest figure")
    tag = TagsField("Separated by semicolons; an account must carry all of them.")
    q = forms.CharField(
        required=False, max_length=100, label="Text", help_text="Words in handle, name, platform or organisation."
    )
    compressed = forms.BooleanField(required=False, label="Compress it (.gz)")

    filters: ExportFilters

    def clean(self) -> dict[str, Any]:
        """See that the filters fit together; `filters` are what they come to."""
        given: dict[str, Any] = super().clean() or {}
        named = {name: given.get(name) for name in ALIKE}
        named |= {"from": given.get("since"), "to": given.get("until"), "day": given.get("days")}
        try:
            self.filters = ExportFilters.model_validate({name: value for name, value in named.items() if value})
        except Invalid as error:
            told = "; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())
            raise ValidationError(f"{told}. Nothing was started.") from error
        return given

    def start(self, user: AbstractBaseUser | AnonymousUser) -> ExportJob | None:
        """Ask for the export; None, with the reason in `errors`, when it is refused."""
        given = self.cleaned_data
        try:
            return ask(given["format"], self.filters, user, compressed=given["compressed"])
        except Refused as refused:
            self.add_error(None, str(refused))
            return None
