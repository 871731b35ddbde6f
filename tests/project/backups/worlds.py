"""A world with rows of many kinds and files, and everything that it holds, to compare."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from perf import clock
from project.backups import rows
from project.models import AccessToken, SignIn
from scraping import ledger
from scraping.models import PermitBlock, ScrapeJob
from snapshots.models import ExportJob
from tests import factories
from workitems.models import Bundle, Document, Photo, Upload, WorkItem

HARD = "tab\t line\n return\r back\\slash \\N \\t \v\f\b “quotes” 😀 ;"
"""Text that a careless writer of lines would break."""
OWN = {"project_auditentry", "django_session", "sqlite_sequence"}
"""Tables that backing up and restoring themselves write to."""


def furnished() -> WorkItem:
    """A work item with two photos and a Word file, beside figures, jobs, people and what is under way."""
    boss = User.objects.get(pk=factories.user("admin", username="boss").pk)
    boss.set_password("correct horse battery")
    boss.save()
    AccessToken.objects.make(boss, HARD, "read")
    factories.snapshot(followers=2**40, quality="published")
    ledger.request_scrape(type(one := factories.account("x")).objects.filter(pk=one.pk), boss)
    ScrapeJob.objects.update(waited=timedelta(days=2, microseconds=7))
    PermitBlock.objects.create(
        platform="x", calls=1, dollars=Decimal("0.0100"), granted_at=clock.now(), expires_at=clock.now()
    )
    ExportJob.objects.create(owner=boss, kind="csv", total=0, state="done", ended_at=clock.now())
    item = factories.item(detail=HARD)
    for name in ("one", "two"):
        pictured(item, name)
    Document.objects.create(work_item=item, version=1, file=stored("documents/1-1.docx"), left_out=[HARD, None, 1.5])
    Upload.objects.create(work_item=item, key="k", size=9, sha256="0" * 64)
    Bundle.objects.create(owner=boss, numbers=[item.number], state="done", ended_at=clock.now())
    return item


def signed_in(person: User) -> SignIn:
    """A browser in which `person` is signed in."""
    open_until = clock.now() + timedelta(days=1)
    session = Session.objects.create(session_key="open then", session_data="", expire_date=open_until)
    return SignIn.objects.create(session=session, user=person, lasts=timedelta(hours=12))


def pictured(item: WorkItem, name: str) -> Photo:
    """A ready photo of `item` whose three files are there."""
    paths = {
        "original": stored(f"originals/{name}.jpg"),
        "rendition": stored(f"renditions/{name}.jpg"),
        "thumbnail_path": stored(f"renditions/{name}_thumb.jpg"),
    }
    return factories.photo(item, latitude=0.1 + 0.2, caption=name, **paths)


def stored(name: str) -> str:
    """A file of that name, with content of its own."""
    return default_storage.save(name, ContentFile(f"the content of {name}".encode()))


def tables() -> dict[str, list[Any]]:
    """Every row of every table but OWN, all columns, as the database has them."""
    with connection.cursor() as cursor:
        names = sorted(set(connection.introspection.table_names(cursor)) - OWN)
        return {name: _rows(cursor, name) for name in names}


def _rows(cursor: Any, table: str) -> list[Any]:
    cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # from the database's own list
    return sorted(cursor.fetchall(), key=str)


def numbers() -> dict[str, int | None]:
    """The number that the next row of each table gets."""
    return {model._meta.db_table: rows.next_number(model) for model in rows.stored_models(apps)}


def media() -> dict[str, bytes]:
    """Every file of the media folder."""
    root = Path(settings.MEDIA_ROOT)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
