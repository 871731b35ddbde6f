"""Handing one person all that is kept about them: a zip of JSON, a file for each kind of row, and their photographs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

from django.apps import apps
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q

from perf import clock
from perf.events import happened
from project.models import AuditEntry
from project.sweeping import rows_of
from workitems.erasing import photos_of
from workitems.models import Photo

SECRETS = frozenset({"password", "hash", "key", "session", "token", "sha256", "file", "original"})
"""Columns that would let somebody in, or name files of the server."""
FOR_REVIEWERS = frozenset({"internal_notes", "internal_notes_at"})
READ_NOTES = "workitems.read_internal_notes"
AT_ONCE = 500
README = """What Tidemark keeps about {name}, as of {at}.

rows/     one JSON file for each kind of row that names {name}, as an array of objects
photos/   the photographs that {name} sent, as they were sent

Passwords, tokens and session keys are not in it: they would open doors to whoever finds this file.
"""


def disclose(user: User, into: IO[bytes], *, by: Any) -> dict[str, int]:
    """Write everything about `user` to `into`, a zip; how many rows and photos, by kind. Audited."""
    happened(by, "person.exported", user.get_username())
    counts: dict[str, int] = {}
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", README.format(name=user.get_username(), at=clock.now().isoformat()))
        for model, about in kinds(user):
            counts[model._meta.label] = _write_rows(file, model, about, user)
        counts["photos"] = _write_photos(file, user)
    return {kind: count for kind, count in counts.items() if count}


def kinds(user: User) -> Iterator[tuple[type[Model], Q]]:
    """Every model that points at people, with the condition that its rows point at `user`."""
    yield User, Q(pk=user.pk)
    for model in apps.get_models():
        columns = [column.name for column in model._meta.concrete_fields if column.related_model is User]
        about = Q(target=user.get_username(), action__regex=r"^(auth|person)\.") if model is AuditEntry else Q()
        for column in columns:
            about |= Q(**{column: user})
        if columns and not model._meta.proxy:
            yield model, about


def _write_rows(file: zipfile.ZipFile, model: type[Model], about: Q, user: User) -> int:
    left_out = SECRETS if user.has_perm(READ_NOTES) else SECRETS | FOR_REVIEWERS
    names = [column.attname for column in model._meta.concrete_fields if column.name not in left_out]
    rows = rows_of(model).filter(about).order_by("pk").values(*names)
    if not rows.exists():
        return 0
    with file.open(f"rows/{model._meta.label}.json", "w") as part:
        return _write_array(part.write, rows.iterator(chunk_size=AT_ONCE))


def _write_array(write: Callable[[bytes], Any], rows: Iterable[dict[str, Any]]) -> int:
    """Write one object a line, however many there are; how many there were."""
    number = 0
    for number, row in enumerate(rows, 1):
        said = json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        write((",\n" if number > 1 else "[\n").encode() + said.encode())
    write(b"\n]\n")
    return number


def _write_photos(file: zipfile.ZipFile, user: User) -> int:
    """Their originals; one that is missing on the server is named in a file of its own place."""
    count = 0
    for photo in photos_of(user).order_by("pk").iterator(chunk_size=AT_ONCE):
        try:
            _write_photo(file, photo)
        except FileNotFoundError:
            file.writestr(f"photos/{photo.pk} is missing on the server.txt", "")
        else:
            count += 1
    return count


def _write_photo(file: zipfile.ZipFile, photo: Photo) -> None:
    ending = str(photo.original.name).rpartition(".")[2]
    with photo.original.open("rb") as original:
        file.writestr(zipfile.ZipInfo(f"photos/{photo.pk}.{ending}"), original.read())
