"""All items one by one as the predecessor read them, all read together, and our first page; manage.py benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from django.http import QueryDict

from perf.benchmark import Case, Unequal
from perf.costing import Address
from workitems import photos, uploads
from workitems.listing import Filters, page_of
from workitems.models import Photo, Upload, WorkItem
from workitems.pictures import photograph
from workitems.processing import process
from workitems.seeding import seed_items
from workitems.workflow import submit

ITEMS = 300
"""How many are "all": the newest ones, made up and taken back where there are fewer."""
SEED = 97
PAGE = Filters.of(QueryDict("per_page=25"))
ASKED = 60
"""Items on which budgets are asked: more than two pages."""
Listed = list[tuple[str, list[str], list[str]]]


def benchmarks() -> Iterator[Case]:
    """Each way with the captions of the photos and the texts of the comments, as pages show them."""
    ways = {"all, one by one": one_by_one, "all, eager": eager, "page 1 of 25": first_page}
    yield Case("work items", ways, world=_enough, check=_check)


def one_by_one() -> Listed:
    """Two queries for each item."""
    return _listed(WorkItem.objects.present().order_by("-submitted_at", "-pk")[:ITEMS])


def eager() -> Listed:
    """Three queries in all."""
    return _listed(WorkItem.objects.present().for_list()[:ITEMS])


def first_page() -> Listed:
    """What a person gets: 25 items."""
    reader = get_user_model()(is_superuser=True, is_active=True)
    page = page_of(PAGE, reader)
    rows = WorkItem.objects.for_list().filter(pk__in=[item.pk for item in page.object_list])
    return _listed(rows)


def _listed(items: Iterable[WorkItem]) -> Listed:
    """What is shown of each item; nothing here asks anew what was read together."""
    return [
        (
            item.number,
            [photo.caption for photo in sorted(item.photos.all(), key=lambda photo: (photo.position, photo.pk))],
            [comment.text for comment in sorted(item.comments.all(), key=lambda said: (said.created_at, said.pk))],
        )
        for item in items
    ]


@contextmanager
def _enough() -> Iterator[None]:
    with transaction.atomic():
        if WorkItem.objects.present()[:ITEMS].count() < ITEMS:
            for _ in seed_items(SEED, ITEMS, rows=ITEMS):
                pass
        yield
        transaction.set_rollback(True)


def _check() -> None:
    everything = one_by_one()
    if everything != eager() or first_page() != everything[:25]:
        raise Unequal("work items: the ways do not list the same")


def fill(person: Any) -> None:
    """Submitted items of `person`; the first has a photo with its rendition, and an upload that was begun."""
    for number in range(ASKED):
        submit(WorkItem(number=f"ITEM-{number}", location="Roof", description="Loose", detail="Tighten it"), person)
    item = WorkItem.objects.order_by("pk")[0]
    photos.add(item, ContentFile(photograph("budget"), name="IMG_0001.jpg"), by=person)
    process(1)
    uploads.promise(item, uploads.Promise(key="k", size=9, sha256="0" * 64), by=person)


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    item = Address({"number": "ITEM-7"})
    pages = ("item", "edit", "receipt", "document")
    return {
        **{f"workitems:{page}": item for page in pages},
        "api:workitem": item,
        "workitems:photo": Address({"pk": Photo.objects.latest("pk").pk, "size": "picture"}),
        "api:upload": Address({"upload_id": Upload.objects.latest("created_at").pk}),
        "api:item_of_form": Address(query="?form=key"),
    }
