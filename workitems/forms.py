"""The crew's forms: a new item, and changing one against the version that was seen."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Annotated, Any

import pydantic
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from workitems import numbers
from workitems.editing import REVIEWER_FIELDS, fields_of, words_at
from workitems.models import PresetNumber, WorkItem
from workitems.uploads import Promise

DESCRIPTION_MAX = 200  # characters, on the crew's form
TEXT_MAX = 10_000  # characters of detail and OFM
LARGEST = 2**31 - 1  # version that the database can hold
TYPED = "typed"
HELP = {
    "description": "In one line: what is wrong, or what is to be done.",
    "detail": "What you saw, what you did, and what the yard has to do.",
    "ofm": "Parts and material that we bring ourselves; empty if none.",
}


class Line(forms.CharField):
    """Words in one line, spelled by the browser."""

    widget = forms.TextInput(attrs={"spellcheck": "true", "autocapitalize": "sentences"})


class Text(forms.CharField):
    """Words of several lines, spelled by the browser; a line ends in "\\n", whatever device they come from."""

    widget = forms.Textarea(attrs={"rows": 4, "class": "low", "spellcheck": "true", "autocapitalize": "sentences"})

    def to_python(self, value: Any) -> str:
        """The text, with line ends of one kind."""
        text: str = super().to_python(value) or ""
        return text.replace("\r\n", "\n").replace("\r", "\n")


class Number(forms.CharField):
    """The number of an item, as it is written on drawings: no word, so not to be corrected."""

    default_validators = [numbers.code]  # as Django declares it
    widget = forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "characters", "autocomplete": "off"})


class Promised(forms.JSONField):
    """What a device says of the photos that it is going to send with a form; the value is a list of uploads.Promise."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> list[Promise]:
        """The promises; none where it says none, or what cannot be one: then they are made when the photos come."""
        try:
            said = PROMISES.validate_python(super().clean(value) or [])
        except (ValidationError, pydantic.ValidationError):
            return []
        return [Promise(**one) for one in said[: settings.MAX_PHOTOS]]


class PromiseSaid(TypedDict):
    """One of them."""

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    size: Annotated[int, Field(ge=1, le=2**40)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    name: str
    caption: str
    position: Annotated[int, Field(ge=1, le=10_000)] | None


PROMISES = pydantic.TypeAdapter(list[PromiseSaid])


def words(names: tuple[str, ...], longest: Mapping[str, int]) -> dict[str, forms.Field]:
    """Fields for the columns `names` of an item; `longest` are characters of those that differ from their usual."""
    fields: dict[str, forms.Field] = {
        "number": Number(max_length=50, label="Number"),
        "location": Line(max_length=200, label="Location"),
        "equipment": Line(max_length=200, required=False, label="Equipment"),
        "description": Line(max_length=longest.get("description", DESCRIPTION_MAX), label="Description"),
        "detail": Text(max_length=longest.get("detail", TEXT_MAX), label="Detail"),
        "ofm": Text(max_length=longest.get("ofm", TEXT_MAX), required=False, label="Operator furnished material (OFM)"),
    }
    for name, help_text in HELP.items():
        fields[name].help_text = help_text
    return {name: field for name, field in fields.items() if name in names}


class NewItemForm(forms.Form):
    """A new item. Its number is the next draft's, one of the yard's list, or one that was typed."""

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    promised = Promised(required=False)
    preset = forms.ChoiceField(required=False, label="Number")
    number = Number(max_length=50, required=False, label="Number of your own")

    FIELDS = ("location", "description", "detail", "ofm")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, initial={"key": uuid.uuid4().hex})
        self.fields |= words(self.FIELDS, {})
        self.fields["preset"].choices = [("", "Next draft number"), *offered(), (TYPED, "Another number…")]  # type: ignore[attr-defined]  # a ChoiceField

    def clean(self) -> dict[str, Any]:
        """One number: the choice decides, and what was typed beside another choice is asked about, not ignored."""
        given = super().clean() or {}
        preset, typed = given.pop("preset", ""), given.get("number", "")
        if preset == TYPED and not typed and "number" not in self.errors:
            self.add_error("number", "Write the number, or choose another way above.")
        elif preset != TYPED and typed not in ("", preset):
            self.add_error("number", "Choose “Another number…” above to use this one, or empty it.")
        elif preset not in ("", TYPED):
            given["number"] = preset
        return given

    @property
    def given(self) -> dict[str, str]:
        """The cleaned columns."""
        return {name: self.cleaned_data[name] for name in ("number", *self.FIELDS)}


def offered() -> list[tuple[str, str]]:
    """The yard's numbers to pick from, those that an item has already marked."""
    taken = Exists(WorkItem.objects.filter(number=OuterRef("code")))
    rows = PresetNumber.objects.filter(is_offered=True).annotate(taken=taken).order_by("position", "code")
    return [(row.code, f"{row} (there is one)" if row.taken else str(row)) for row in rows]


class EditItemForm(forms.Form):
    """The words of an item that `user` may change; `version` is the one that they were shown.

    `theirs` is what is stored of the fields that say something else here: empty unless somebody was faster.
    """

    key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=1, max_value=LARGEST, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, item: WorkItem, user: Any, only: Collection[str] = REVIEWER_FIELDS) -> None:
        is_reviewer = user.has_perm("workitems.review_workitem")
        self.names = tuple(
            name for name in fields_of(item, user) if name in only and (name != "equipment" or is_reviewer)
        )
        words_now = {name: getattr(item, name) for name in self.names}
        super().__init__(data, initial={"key": uuid.uuid4().hex, "version": item.version, **words_now})
        usual = {"description": 2000 if is_reviewer else DESCRIPTION_MAX, "detail": TEXT_MAX, "ofm": TEXT_MAX}
        longest = {name: max(limit, len(getattr(item, name))) for name, limit in usual.items()}
        self.fields |= words(self.names, longest)
        self.theirs: dict[str, str] = {}

    @property
    def given(self) -> dict[str, str]:
        """The cleaned columns."""
        return {name: self.cleaned_data[name] for name in self.names}

    @property
    def written(self) -> dict[str, str]:
        """The columns as they were written, right or wrong."""
        return {name: str(self[name].value() or "") for name in self.names}

    @property
    def rows(self) -> list[tuple[forms.BoundField, str | None]]:
        """The visible fields, each with what is stored where that differs."""
        return [(self[name], self.theirs.get(name)) for name in self.names]

    @classmethod
    def beside(cls, given: Mapping[str, str], item: WorkItem, user: Any, *, seen: int | None = None) -> EditItemForm:
        """The form with our words in it, to be stored over `item` as it is now, and what differs beside them.

        `seen` is the version that we changed: what we left as it was then is taken as it is now.
        """
        base = words_at(item, seen) if seen else {}
        form = cls(item=item, user=user)
        now = {name: getattr(item, name) for name in form.names}
        ours = {name: given.get(name, now[name]) for name in form.names}
        kept = {name: now[name] if base.get(name) == value else value for name, value in ours.items()}
        form = cls({"key": uuid.uuid4().hex, "version": item.version, **kept}, item=item, user=user)
        form.theirs = {name: now[name] for name, value in kept.items() if value != now[name]}
        return form
