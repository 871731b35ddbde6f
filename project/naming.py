"""By what one person is known in writing, and how that is found in text and replaced."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db.models import Model

ABOUT_PEOPLE = frozenset(
    {"actor", "assigned_to", "assigned_to_name", "author", "by", "reviewer", "reviewer_name", "submitter", "user"}
)
"""Keys under which our own JSON names people: what stands there is a name, even if it is also a word."""

PLAIN = re.compile(r"[A-Za-z0-9]{2,}")
BETWEEN_DIGITS = r"[\s\-./()]{0,3}"
BETWEEN_NAMES = r"[\s._-]+"


@dataclass(frozen=True)
class Known:
    """The names, mail addresses and phones of one person, and the pseudonym that takes their place."""

    pseudonym: str
    logins: frozenset[str]
    names: frozenset[str]
    contacts: frozenset[str]
    ordinary: frozenset[str] = field(repr=False)
    """Words of the product itself, casefolded: a login that is one of them is not looked for in running text."""

    def replace(self, text: str) -> str:
        """`text` with the pseudonym wherever the person is named, whatever the case and the way of writing."""
        return self._pattern.sub(self.pseudonym, text) if self._pattern else text

    def replace_name(self, text: str) -> str:
        """The same of a text that may be nothing but a name, where a login is one whatever else it means."""
        return self.pseudonym if text.strip().casefold() in self._exact else self.replace(text)

    def replace_in(self, value: Any, key: str = "") -> Any:
        """The same of every text in a JSON value; `key` is what the value stands under."""
        if isinstance(value, str):
            return self.replace_name(value) if key in ABOUT_PEOPLE else self.replace(value)
        if isinstance(value, list):
            return [self.replace_in(each, key) for each in value]
        if isinstance(value, dict):
            return {name: self.replace_in(each, name) for name, each in value.items()}
        return value

    @cached_property
    def needles(self) -> frozenset[str]:
        """Texts of which any place that names the person holds at least one, as `icontains` finds them.

        The longest run of plain letters where there is one: no database folds it wrongly and no JSON escapes it.
        """
        words = self.logins | self.names | self.contacts
        return frozenset(needle for word in words for form in _forms(word) for needle in _needles(form))

    @cached_property
    def _words(self) -> list[str]:
        logins = {login for login in self.logins if login.casefold() not in self.ordinary}
        return sorted({form for word in logins | self.names | self.contacts for form in _forms(word)}, key=len)[::-1]

    @cached_property
    def _exact(self) -> frozenset[str]:
        words = self.logins | self.names | self.contacts
        return frozenset(form.casefold() for word in words for form in _forms(word))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        parts = [self._part(word) for word in self._words]
        return re.compile("|".join(parts), re.IGNORECASE) if parts else None

    def _part(self, word: str) -> str:
        if re.fullmatch(r"\+[0-9]+", word):
            return rf"(?<![\d+])(?:\+|00){BETWEEN_DIGITS}{BETWEEN_DIGITS.join(word[1:])}(?!\d)"
        if _is_among(word, self.names) and len(pieces := word.split()) > 1:
            turned = rf"{re.escape(pieces[-1])},\s*{BETWEEN_NAMES.join(map(re.escape, pieces[:-1]))}"
            return rf"(?<![^\W_])(?:{BETWEEN_NAMES.join(map(re.escape, pieces))}|{turned})(?![^\W_])"
        return rf"(?<![\w+.-])(?<!\w@){re.escape(word)}(?![\w@+-]|\.\w)"


def known(user: User, *, logins: Iterable[str] = (), names: Iterable[str] = (), contacts: Iterable[str] = ()) -> Known:
    """What `user` is known by: login, full name and mail address, and whatever else is given."""
    return Known(
        pseudonym=pseudonym(user),
        logins=_filled([user.get_username(), *logins]),
        names=_filled([user.get_full_name(), *names]),
        contacts=_filled([user.email, *contacts]),
        ordinary=words_of_ours(),
    )


def pseudonym(user: User) -> str:
    """What `user` is called once erased; no two people share it."""
    return f"erased-{user.pk}"


def words_of_ours() -> frozenset[str]:
    """Roles, states, kinds and scopes as the database holds them: in a text they mean themselves."""
    choices = (str(value) for model in apps.get_models() for choice in _choices_of(model) for value in choice if value)
    return frozenset(word.casefold() for word in {*choices, *Group.objects.values_list("name", flat=True)})


def _choices_of(model: type[Model]) -> Iterable[tuple[Any, Any]]:
    return [choice for column in model._meta.concrete_fields for choice in getattr(column, "flatchoices", None) or ()]


def _filled(words: Iterable[str]) -> frozenset[str]:
    return frozenset(" ".join(word.split()) for word in words if word.strip())


def _forms(word: str) -> set[str]:
    """The same letters composed and taken apart, as different keyboards send them."""
    return {unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word)}


def _is_among(word: str, words: Iterable[str]) -> bool:
    return any(word in _forms(each) for each in words)


def _needles(word: str) -> set[str]:
    if re.fullmatch(r"\+[0-9]+", word):
        return {word[-2:]}  # the digits may stand apart
    if runs := PLAIN.findall(word.partition("@")[0]) or PLAIN.findall(word):
        return {max(runs, key=len)}
    cases = {word, word.lower(), word.upper(), word.title()}
    return cases | {json.dumps(each)[1:-1] for each in cases}
