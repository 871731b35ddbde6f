"""Whom an item can be given to: those who work on items, and those who review them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Exists, OuterRef

from workitems.workflow import CHANGE, REVIEW, name_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
Choice = tuple[int, str]


@dataclass(frozen=True, slots=True)
class People:
    """Choices as (id, name), in the order of names."""

    workers: list[Choice] = field(default_factory=list)
    reviewers: list[Choice] = field(default_factory=list)


def people_for(user: Any) -> People:
    """Whom `user` may give items to; one query for a reviewer, none for others."""
    if not user.has_perm(REVIEW):
        return People()
    reviews = Exists(_holding(REVIEW).filter(pk=OuterRef("pk")))
    found = sorted(_holding(CHANGE).annotate(reviews=reviews), key=name_of)
    workers = [(person.pk, name_of(person)) for person in found]
    reviewers = [(person.pk, name_of(person)) for person in found if person.reviews]
    return People(workers if user.has_perm("workitems.assign_workitem") else [], reviewers)


def choices(permission: str) -> list[Choice]:
    """Everybody active who has `permission`."""
    return sorted(((person.pk, name_of(person)) for person in _holding(permission)), key=lambda choice: choice[1])


def find(raw: str, permission: str) -> Any:
    """The active person with the id `raw` who has `permission`; None where there is none."""
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 19):
        return None
    return _holding(permission).filter(pk=int(raw)).first()


def named(username: str, permission: str) -> Any:
    """The active person of that username who has `permission`; None where there is none."""
    people = _holding(permission)
    return people.filter(**{people.model.USERNAME_FIELD: username}).first()


def _holding(permission: str) -> Any:
    people: Any = get_user_model()._default_manager
    return people.with_perm(permission, backend=BACKEND)
