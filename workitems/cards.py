"""Items as the list shows them: what a card says, worked out for a whole page at once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypedDict

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from workitems import search
from workitems.addresses import item_url, photo_url
from workitems.item_page import KINDS
from workitems.models import Photo, WorkItem

SHOWN = 4  # photos of a card; the others are a number


class Card(TypedDict):
    """One item of the list. A dictionary: a template finds each name at the first try, a third faster than attributes.

    `tiles` are list items with the photos that are shown.
    """

    number: str
    url: str
    label: str
    kind: str
    location: str
    description: str
    excerpt: str
    submitter: str
    assigned_to: str
    submitted_at: datetime
    tiles: SafeString
    more: int
    photos_due: int
    comments: int


def cards_of(items: Sequence[WorkItem], words: Sequence[str] = ()) -> list[Card]:
    """The cards of a page's items, in their order, with the `words` that were sought marked; one query for photos."""
    photos, pattern = photos_of(items), search.pattern_of(words)
    return [_card(item, photos[item.pk], pattern) for item in items]


def photos_of(items: Iterable[WorkItem]) -> dict[int, list[Photo]]:
    """The photos of each of a page's items, as the crew put them; one query."""
    found: dict[int, list[Photo]] = defaultdict(list)
    ids = [item.pk for item in items if item.photo_count]
    names = ("work_item_id", "state", "caption", "thumbnail_path", "rendition", "width", "height")
    for photo in Photo.objects.present().filter(work_item__among=ids).only(*names).in_order() if ids else ():
        found[photo.work_item_id].append(photo)
    return found


IMAGE = '<img src="{}" alt="{}" loading="lazy" decoding="async" width="{}" height="{}">'
INSTEAD = '<span class="tile-instead" title="{}">{}</span>'


def tile_of(photo: Photo) -> SafeString:
    """A photo as small as there is of it, as HTML: its thumbnail, else its picture, else its state in words.

    Written here, for a page may have four hundred of them. Without their placeholders: those would weigh more than
    the page, and the tiles are as small as they are.
    """
    caption = photo.caption or "Photo without a caption"
    if not (photo.thumbnail_path or photo.rendition):
        return format_html(INSTEAD, caption, "Refused" if photo.state == Photo.State.REFUSED else "Processing…")
    width, height = photo.thumbnail_size or ("", "")
    return format_html(
        IMAGE, photo_url(photo.pk, "thumb" if photo.thumbnail_path else "picture"), caption, width, height
    )


def _card(item: WorkItem, photos: Sequence[Photo], pattern: re.Pattern[str] | None) -> Card:
    seen = (item.number, item.location, item.description, item.submitter_name)
    is_seen = pattern is None or any(map(pattern.search, seen))
    return Card(
        number=search.marked(item.number, pattern),
        url=item_url(item.number),
        label=item.status_label,
        kind=KINDS[item.status],
        location=search.marked(item.location, pattern),
        description=search.marked(item.description, pattern),
        excerpt="" if is_seen else search.excerpt((item.detail, item.captions), pattern),
        submitter=search.marked(item.submitter_name, pattern),
        assigned_to=item.assigned_to_name if item.assigned_to_name != item.submitter_name else "",
        submitted_at=item.submitted_at,
        tiles=format_html_join("", "<li>{}</li>", ((tile_of(photo),) for photo in photos[:SHOWN])),
        more=max(0, len(photos) - SHOWN),
        photos_due=item.photos_due,
        comments=item.comment_count,
    )
