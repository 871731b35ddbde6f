"""Going through every text that the database keeps, in search of one person's name, mail address and phone.

Which columns there are is asked of the models, so that a new one is searched from its first day; what is not searched
stands here with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any

from django.apps import apps
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

from project.naming import Known

ROWS_AT_ONCE = 500
TEXTS = (models.CharField, models.TextField, models.JSONField)

NOT_SEARCHED: dict[str, str] = {
    "accounts.Account.bio": "what a platform publishes; the next reading would bring it back",
    "accounts.Account.bio_link": "the same",
    "accounts.Account.display_name": "the same",
    "accounts.Account.image_url": "the same",
    "accounts.Account.external_id": "a platform's own number",
    "accounts.Account.url": "made of the handle",
    "accounts.Account.handle_key": "the handle, folded",
    "accounts.FormerHandle": "names of social accounts",
    "accounts.Tag.key": "the tag's name, folded",
    "auth.Group": "roles",
    "auth.Permission": "made by the product",
    "auth.User": "the person's own row is emptied; another's is their own",
    "contenttypes.ContentType": "made by the product",
    "otp_static.StaticToken": "random, and deleted with the person's devices",
    "otp_totp.TOTPDevice.key": "random, and deleted with the person's devices",
    "perf": "routes, figures and statements without their parameters",
    "project.AccessToken.hash": "a digest",
    "project.AccessToken.prefix": "the beginning of a random token",
    "project.AuditEntry.action": "a word of the product's",
    "project.Invitation.hash": "a digest",
    "scraping.Attempt": "what platforms answered, and which process asked",
    "scraping.Heartbeat": "processes",
    "scraping.JobHour": "figures",
    "scraping.OutcomeHour": "figures",
    "scraping.PermitBlock": "calls, by the digest of a credential",
    "scraping.PlatformState": "what platforms answered",
    "scraping.Recheck": "an outcome",
    "scraping.RunTotal": "figures",
    "scraping.ScrapeRun": "what was counted of its accounts",
    "scraping.Sample": "what platforms answered; kept for 30 days",
    "scraping.ScrapeJob": "an outcome",
    "sessions.Session": "signed; the person's own are deleted",
    "snapshots.DailyTotal": "figures",
    "snapshots.ImportedDay": "figures as a file said them",
    "snapshots.JudgedFigure": "figures",
    "snapshots.LatestSnapshot": "figures",
    "snapshots.PlatformAccounts": "figures",
    "snapshots.PlatformTotal": "figures",
    "snapshots.Snapshot": "figures",
    "workitems.NumberCounter": "names of number series",
    "workitems.Photo.key": "a random name that a device gave",
    "workitems.Photo.placeholder": "a blur",
    "workitems.Photo.sha256": "a digest",
    "workitems.Photo.thumbnail_path": "a random name of a file",
    "workitems.Upload.key": "a random name that a device gave",
    "workitems.Upload.sha256": "a digest",
    "workitems.WorkItem.key": "a random name that a form gave",
}
"""App, model or column → why no person is named there."""

NAMES_OF_THINGS = frozenset(
    {
        "accounts.Account.handle",
        "accounts.Organization.name",
        "accounts.Tag.name",
        "workitems.PresetNumber.code",
        "workitems.WorkItem.number",
    }
)
"""What things are known by, here and elsewhere: places where a person is named are told of and left to people."""


@dataclass(slots=True)
class Found:
    """Where a person is named: label of the model → ids of its rows; `left` are the places that people must look at."""

    rows: dict[str, set[Any]] = field(default_factory=lambda: defaultdict(set))
    left: dict[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each model, the empty ones left out."""
        return {label: len(ids) for label, ids in sorted(self.rows.items()) if ids}


def searched() -> Iterator[tuple[type[models.Model], list[models.Field[Any, Any]]]]:
    """Every model with the columns of it that are searched."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed:
            continue
        columns = [column for column in model._meta.concrete_fields if _is_searched(model, column)]
        if columns:
            yield model, columns


def texts_of(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The columns of `model` that hold text and not one of a few words of the product's."""
    return [column for column in model._meta.concrete_fields if isinstance(column, TEXTS) and not column.choices]


def _is_searched(model: type[models.Model], column: models.Field[Any, Any]) -> bool:
    label = model._meta.label
    excused = {model._meta.app_label, label, f"{label}.{column.name}"} & NOT_SEARCHED.keys()
    return column in texts_of(model) and not excused and f"{label}.{column.name}" not in NAMES_OF_THINGS


def rows_of(model: type[models.Model]) -> models.QuerySet[Any]:
    """All rows, past what the model's own manager refuses or adds: history is rewritten here and nowhere else."""
    return models.QuerySet(model)


def owner_of(model: type[models.Model], column: models.Field[Any, Any]) -> str:
    """The column that says whose name `column` copies, as `author` does for `author_name`; empty where none does."""
    owner = column.name.removesuffix("_name")
    pairs = {each.name for each in model._meta.concrete_fields if each.related_model is User}
    return owner if owner != column.name and owner in pairs else ""


def sweep(known: Known, user: User, *, write: bool) -> Found:
    """Find every row that names `user`, and with `write` put the pseudonym there; in the caller's transaction."""
    found = Found()
    for model, columns in searched():
        ids = found.rows[model._meta.label]
        for rows, name in copies(model, columns, user):
            named = rows.exclude(**{name: known.pseudonym})
            ids.update(named.values_list("pk", flat=True))
            if write:
                named.update(**{name: known.pseudonym})
        ids |= _rename_in_texts(model, columns, known, write=write)
    for place in sorted(NAMES_OF_THINGS):
        if count := _count_left(place, known):
            found.left[place] = count
    return found


def _count_left(place: str, known: Known) -> int:
    """How many values of the column `place` name the person."""
    label, _, name = place.rpartition(".")
    condition = reduce(or_, (Q(**{f"{name}__icontains": needle}) for needle in known.needles))
    values = rows_of(apps.get_model(label)).filter(condition).values_list(name, flat=True)
    return sum(known.replace(value) != value for value in values)


def copies(
    model: type[models.Model], columns: list[models.Field[Any, Any]], user: User
) -> Iterator[tuple[models.QuerySet[Any], str]]:
    """Rows that copy the person's name beside a key to them, whatever it was then, and the column of the copy."""
    for column in columns:
        if owner := owner_of(model, column):
            yield rows_of(model).filter(**{owner: user}).exclude(**{column.name: ""}), column.name


def _rename_in_texts(
    model: type[models.Model], columns: list[models.Field[Any, Any]], known: Known, *, write: bool
) -> set[Any]:
    """Replace the name in every text of `model`, where `write` says so; the ids of the rows that hold it."""
    found = set[Any]()
    last: Any = None
    owners = {column.name: owner_of(model, column) for column in columns}
    names = [column.name for column in columns] + sorted({f"{owner}_id" for owner in owners.values() if owner})
    candidates = _candidates(model, columns, known).order_by("pk")
    while rows := list(_after(candidates, last).values("pk", *names)[:ROWS_AT_ONCE]):
        last = rows[-1]["pk"]
        for row in rows:
            if changed := _changes(columns, owners, row, known):
                found.add(row["pk"])
                if write:
                    rows_of(model).filter(pk=row["pk"]).update(**changed)
    return found


def _after(rows: models.QuerySet[Any], last: Any) -> models.QuerySet[Any]:
    return rows if last is None else rows.filter(pk__gt=last)


def _candidates(model: type[models.Model], columns: list[models.Field[Any, Any]], known: Known) -> models.QuerySet[Any]:
    """Rows that may name the person: of each column some plain letters are asked for, and Python decides."""
    rows, conditions = rows_of(model), list[Q]()
    for column in columns:
        name = column.name
        if isinstance(column, models.JSONField):
            name = f"{column.name}_as_text"
            rows = rows.alias(**{name: Cast(column.name, models.TextField())})
        conditions += [Q(**{f"{name}__icontains": needle}) for needle in known.needles]
    return rows.filter(reduce(or_, conditions))


def _changes(
    columns: list[models.Field[Any, Any]], owners: dict[str, str], row: dict[str, Any], known: Known
) -> dict[str, Any]:
    changed = {}
    for column in columns:
        before = row[column.name]
        owner = owners[column.name]
        if owner and row[f"{owner}_id"] is not None:
            continue  # the copy of a name whose person is known: theirs was replaced already, another's is another's
        after = _replaced(column, before, known)
        if after != before:
            changed[column.name] = after
    return changed


def _replaced(column: models.Field[Any, Any], before: Any, known: Known) -> Any:
    if isinstance(column, models.JSONField):
        return known.replace_in(before)
    if not isinstance(before, str):
        return before
    after = known.replace_name(before) if column.name.endswith("_name") else known.replace(before)
    return after[: column.max_length] if column.max_length else after
