"""How much there is of work items, as the performance page says it: the true numbers."""

from __future__ import annotations

import pytest

from perf.gauges import Reading, readings
from tests import factories
from workitems.models import Comment, Photo, WorkItem

pytestmark = pytest.mark.django_db


def of(name: str) -> Reading:
    return next(one for one in readings() if one.gauge.name == f"workitems.{name}")


@pytest.mark.req("B59")
@pytest.mark.both_dbs
def test_items_photos_and_comments_have_their_true_values() -> None:
    items = [factories.item(photos=number) for number in (0, 1, 2)]
    Comment.objects.create(work_item=items[0], author_name="A", text="Look")
    Comment.objects.create(work_item=items[2], author_name="B", text="Looked")
    WorkItem.objects.filter(pk=items[1].pk).move_to_bin(None)
    removed = Photo.objects.filter(work_item=items[2]).first()
    assert removed is not None
    factories.photo(items[2], size=1_000_000)
    states = dict(of("items").parts)
    assert states == dict.fromkeys(states, 0) | {"Submitted": 2, "In the bin": 1}
    assert of("photos").total == Photo.objects.count() == 4
    assert of("photo_bytes").total == sum(Photo.objects.values_list("size", flat=True)) > 1_000_000
    assert of("comments").total == 2


def test_removed_photo_is_not_counted_but_its_bytes_are_until_it_is_cleared_away() -> None:
    item = factories.item(photos=2)
    size = of("photo_bytes").total
    photo = Photo.objects.filter(work_item=item)[0]
    Photo.objects.filter(pk=photo.pk).update(deleted_at=photo.created_at)
    assert (of("photos").total, of("photo_bytes").total) == (1, size)


def test_before_the_first_item_there_are_none() -> None:
    assert {name: of(name).total for name in ("items", "photos", "photo_bytes", "comments")} == {
        "items": 0,
        "photos": 0,
        "photo_bytes": 0,
        "comments": 0,
    }
