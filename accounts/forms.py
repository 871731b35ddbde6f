"""The registry's forms: adding and changing an account, and giving a roster."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import fields_for_model, model_to_dict

from accounts.checking import check_roster
from accounts.editing import EDITABLE, ChangedMeanwhile, add_account, edit_account
from accounts.models import Account, AccountTag, HandleTaken, Organization, RosterImport
from accounts.platforms import PLATFORM_CHOICES
from accounts.rosters import RosterUnreadable, Row, read_roster
from accounts.tags import NotATag, split_tags, tag_key

if TYPE_CHECKING:
    from accounts.models import Person

SUGGESTED = 500  # organisations offered while typing


class TagsField(forms.Field):
    """Tags in one line of text; its value is the list of them."""

    def __init__(self, help_text: str = "Separated by semicolons; new ones are made.") -> None:
        super().__init__(
            required=False,
            label="Tags",
            help_text=help_text,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
        )

    def prepare_value(self, value: Any) -> Any:
        """The text to show: what was typed, or stored tags joined."""
        return "; ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """The tags, cleaned and sorted."""
        try:
            return split_tags(value or "")
        except NotATag as refusal:
            raise ValidationError(str(refusal)) from refusal

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Another order or another case is no change."""
        try:
            given = split_tags(data or "")
        except NotATag:
            return True
        return [tag_key(name) for name in given] != [tag_key(name) for name in initial or []]


class SeenField(forms.DateTimeField):
    """When the row that is shown was changed last, to the microsecond; carried along, and itself no change."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput)

    def prepare_value(self, value: Any) -> Any:
        """The instant as text that loses nothing."""
        return value.isoformat() if isinstance(value, datetime) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never: whoever compares it is the one who writes."""
        return False


class AccountForm(forms.Form):
    """One account, new or as it is. `store` may refuse too; `taken` is then the account that is there already."""

    platform = forms.ChoiceField(
        required=False,
        choices=[("", "Told by the address"), *PLATFORM_CHOICES],
        help_text="Needed where only a handle is given.",
    )
    address = forms.CharField(
        max_length=500,
        label="Address or handle",
        help_text="Such as https://x.com/CDCgov, or CDCgov with its platform.",
    )
    organization = forms.CharField(
        max_length=200,
        label="Organisation",
        help_text="A new name makes a new organisation.",
        widget=forms.TextInput(attrs={"list": "organizations", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, account: Account | None = None) -> None:
        initial = {}
        if account:
            tags = AccountTag.objects.names_of([account.pk])[account.pk]
            stored = {"address": account.handle, "organization": account.organization.name, "tags": tags}
            initial = model_to_dict(account, EDITABLE) | stored | {"seen": account.updated_at}
        super().__init__(data, initial=initial)
        self.account = account
        self.taken: Account | None = None
        self.fields |= {**fields_for_model(Account, EDITABLE), "tags": TagsField()}
        if account:
            del self.fields["platform"]
            self.fields["seen"] = SeenField()
            self.fields["address"].help_text = "A new handle renames the account; the old address keeps leading here."

    @property
    def organizations(self) -> list[str]:
        """Names to offer while typing, for the datalist `organizations`."""
        return list(Organization.objects.order_by("name").values_list("name", flat=True)[:SUGGESTED])

    def point_at_error(self) -> None:
        """Let the first field with an error have the focus, also where no script runs."""
        if wrong := next((name for name in self.fields if self.errors.get(name)), None):
            self.fields[wrong].widget.attrs["autofocus"] = True

    def store(self, by: Person) -> Account | None:
        """Add or change the account; None, with the reasons in `errors`, when it is refused after all."""
        given = self.cleaned_data
        try:
            if self.account is None:
                return add_account(by, **given)
            changed = {name: given[name] for name in self.changed_data}
            return edit_account(self.account, by, seen=given["seen"], **changed)
        except HandleTaken as taken:
            self.taken = taken.existing
            self.add_error("address", str(taken))
        except ChangedMeanwhile as change:
            self._compare(change)
        except ValidationError as refusal:
            self.add_error(None, refusal)
        return None

    def _compare(self, change: ChangedMeanwhile) -> None:
        """Say beside each field that would change what is stored now; whoever then saves again has seen it."""
        self.add_error(None, str(change))
        for name, (present, _) in change.differs.items():
            if name != "url":  # goes with the handle
                field = "address" if name == "handle" else name
                self.add_error(field, f"Stored now: {_in_words(present, self.fields[field])}.")
        again: Any = copy(self.data)
        again["seen"] = change.present.updated_at.isoformat()
        self.data = again


def _in_words(value: Any, field: forms.Field) -> str:
    """A stored value as a sentence says it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = "; ".join(value)
    return str(dict(getattr(field, "choices", ())).get(value, value)) if value else "–"


class RosterForm(forms.Form):
    """A roster as a file or pasted text, read into `rows`; `content` is its text."""

    file = forms.FileField(required=False, help_text="JSON or CSV in UTF-8, up to 10 MB.")
    text = forms.CharField(
        required=False,
        strip=False,
        label="Or paste it",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="One address a line, of any platforms; or a table with Platform,Handle,Organization,Tags in its "
        "first line.",
    )
    all_or_nothing = forms.BooleanField(required=False, label="Write nothing if any line is refused")

    rows: list[Row]
    content: str

    def clean(self) -> dict[str, Any]:
        """Read the one that is given."""
        given: dict[str, Any] = super().clean() or {}
        file, text = given.get("file"), given.get("text", "")
        if bool(file) == bool(text.strip()):
            raise ValidationError("Choose a file or paste a roster, one of the two.")
        source = file.read() if file else text
        try:
            self.rows = read_roster(source)
        except RosterUnreadable as error:
            raise ValidationError(f"{error} Nothing was imported.") from error
        self.content = source.decode("utf-8-sig") if isinstance(source, bytes) else source
        return given

    def check(self, by: Person) -> RosterImport:
        """Keep the roster, every line with what an import would make of it."""
        file = self.cleaned_data["file"]
        kept = {"name": file.name if file else "Pasted roster", "all_or_nothing": self.cleaned_data["all_or_nothing"]}
        return check_roster(self.rows, self.content, by=by, **kept)
