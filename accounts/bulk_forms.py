"""The form that says what many accounts are given, and what it would change in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy

from accounts.bulk import Plan, State, Wanted
from accounts.forms import TagsField
from accounts.models import Account, Organization
from accounts.tags import tag_key

LEAVE = ("", "Leave as it is")
CLEARED = "–"
LABELS = {
    "is_active": "Active",
    "is_core": "Core",
    "organization": "Organisation",
    "owner_team": "Owner team",
    "sensitivity": "Sensitivity",
    "tags": "Tags",
}
YES_NO = {True: "yes", False: "no"}


class BulkForm(forms.Form):
    """What is to be changed of many accounts; what is left empty stays as it is."""

    set_active = forms.ChoiceField(
        required=False, label="Activity", choices=[LEAVE, ("1", "Scrape and count"), ("0", "Neither scrape nor count")]
    )
    set_core = forms.ChoiceField(
        required=False, label="Core accounts", choices=[LEAVE, ("1", "Core"), ("0", "Not core")]
    )
    set_organization = forms.CharField(
        required=False,
        max_length=200,
        label="Move to organisation",
        help_text="A new name makes a new organisation.",
        widget=forms.TextInput(
            attrs={
                "list": "organizations",
                "autocomplete": "off",
                "hx-get": reverse_lazy("accounts:organizations"),
                "hx-trigger": "input changed delay:300ms",
                "hx-target": "#organizations",
            }
        ),
    )
    add_tags = TagsField()
    remove_tags = TagsField("Separated by semicolons.")
    set_team = forms.CharField(
        required=False, max_length=200, label="Owner team", help_text=f"{CLEARED} takes the team away."
    )
    set_sensitivity = forms.ChoiceField(
        required=False,
        label="Sensitivity",
        choices=[LEAVE, (CLEARED, "Not stated"), *Account.Sensitivity.choices],
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["add_tags"].label, self.fields["remove_tags"].label = "Add tags", "Take tags off"

    def clean_set_organization(self) -> str:
        """The name, without blanks around it."""
        name = str(self.cleaned_data["set_organization"]).strip()
        if not (name == "" or name.isprintable()):
            raise ValidationError("Write a name of printable characters.")
        return name

    def clean(self) -> dict[str, Any]:
        """See that something is wanted, and no tag both added and taken off."""
        given: dict[str, Any] = super().clean() or {}
        added, removed = ({tag_key(name) for name in given.get(f"{what}_tags", [])} for what in ("add", "remove"))
        if both := added & removed:
            self.add_error("remove_tags", f"“{min(both)}” cannot be added and taken off at once.")
        if not self.errors and not any(given.values()):
            raise ValidationError("Say what is to be changed. Nothing was changed.")
        return given

    @property
    def wanted(self) -> Wanted:
        """What the valid form says."""
        given = self.cleaned_data
        values: dict[str, Any] = {}
        for name, field in (("set_active", "is_active"), ("set_core", "is_core")):
            if given[name]:
                values[field] = given[name] == "1"
        for name, field in (("set_team", "owner_team"), ("set_sensitivity", "sensitivity")):
            if given[name]:
                values[field] = "" if given[name] == CLEARED else given[name]
        return Wanted(values, given["set_organization"], given["add_tags"], given["remove_tags"])


class Change(NamedTuple):
    """One field of one account, in words."""

    label: str
    before: str
    after: str


class Line(NamedTuple):
    """One account and what would change of it."""

    account: Account
    changes: list[Change]


def lines(made: Plan) -> list[Line]:
    """The first accounts that a plan would change, and how."""
    accounts = Account.objects.in_bulk([pk for pk, *_ in made.lines])
    owners = {state["organization"] for _, *both in made.lines for state in both if state.get("organization")}
    names = dict(Organization.objects.filter(pk__in=owners).values_list("pk", "name"))
    return [
        Line(accounts[pk], list(_changes(before, after, names | {None: made.wanted.organization})))
        for pk, before, after in made.lines
        if pk in accounts
    ]


def _changes(before: State, after: State, names: Mapping[int | None, str]) -> Iterator[Change]:
    for name, value in after.items():
        if value != before[name]:
            yield Change(LABELS[name], _said(name, before[name], names), _said(name, value, names))


def _said(name: str, value: Any, names: Mapping[int | None, str]) -> str:
    if name == "organization":
        return names.get(value, "")
    if name == "sensitivity":
        return str(dict(Account.Sensitivity.choices).get(value, CLEARED))
    if isinstance(value, bool):
        return YES_NO[value]
    return "; ".join(value) or "none" if isinstance(value, list) else value or CLEARED
