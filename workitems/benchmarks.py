"""All items one by one as the predecessor read them, all read together, and our first page; manage.py benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Prefetch
from django.http import QueryDict

from perf.benchmark import Case, Unequal
from perf.costing import Address
from workitems import photos, uploads
from workitems.listing import Filters, page_of
from workitems.models import SORTS, Comment, Photo, Upload, WorkItem, WorkItemQuerySet
from workitems.pictures import photograph
from workitems.processing import process
from workitems.seeding import seed_items
from workitems.workflow import submit

ITEMS = 300
"""How many are "all": the newest ones, made up and taken back where there are fewer."""
SEED = 97
PAGE = Filters.of(QueryDict("per_page=25"))
ASKED = 60
"""Items on which budgets are asked: more than two pages beside the BINNED ones."""
BINNED = 8
CHILDREN = 3
"""Photos, and comments, of each of them but the first: a query for each would break a budget."""
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
    return _listed(together(WorkItem.objects.present())[:ITEMS])


def first_page() -> Listed:
    """What a person gets: 25 items."""
    reader = get_user_model()(is_superuser=True, is_active=True)
    page = page_of(PAGE, reader)
    return _listed(together(WorkItem.objects.filter(pk__in=[item.pk for item in page.object_list])))


def together(items: WorkItemQuerySet) -> WorkItemQuerySet:
    """`items`, newest first, with their photos and comments; three queries however many rows."""
    photos_of = Prefetch("photos", Photo.objects.present().in_order())
    comments = Prefetch("comments", Comment.objects.order_by("created_at", "pk"))
    return items.prefetch_related(photos_of, comments).order_by(*SORTS["date_desc"])


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
    """Submitted items of `person`, each with photos, of which one file is real, and comments; some are in the bin."""
    for number in range(ASKED):
        submit(WorkItem(number=f"ITEM-{number}", location="Roof", description="Loose", detail="Tighten it"), person)
    items = WorkItem.objects.order_by("pk")
    item = items[0]
    photo = photos.add(item, ContentFile(photograph("budget"), name="IMG_0001.jpg"), by=person)
    process(1)
    photo.refresh_from_db()
    _hang(photo, items[1:], person)
    items.all().recount()
    WorkItem.objects.filter(pk__in=[item.pk for item in items[ASKED - BINNED :]]).move_to_bin(person)
    uploads.promise(item, uploads.Promise(key="k", size=9, sha256="0" * 64), by=person)


def _hang(photo: Photo, items: Iterable[WorkItem], person: Any) -> None:
    """CHILDREN photos, all showing what `photo` shows, and as many comments with each of `items`."""
    shown = {name: getattr(photo, name) for name in ("original", "sha256", "size", "rendition", "thumbnail_path")}
    shown |= {"state": photo.state, "width": photo.width, "height": photo.height, "format": photo.format}
    each = [(item, number) for item in items for number in range(CHILDREN)]
    Photo.objects.bulk_create(Photo(work_item=item, position=number, **shown) for item, number in each)
    said = {"author": person, "author_name": str(person)}
    Comment.objects.bulk_create(Comment(work_item=item, text=f"Seen {number}", **said) for item, number in each)


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    item = Address({"number": "ITEM-7"})
    pages = ("item", "edit", "receipt", "document")
    return {
        **{f"workitems:{page}": item for page in pages},
        "api:workitem": item,
        "workitems:photo": Address({"pk": Photo.objects.earliest("pk").pk, "size": "picture"}),
        "api:upload": Address({"upload_id": Upload.objects.latest("created_at").pk}),
        "api:item_of_form": Address(query="?form=key"),
    }
