"""Made-up work items with photos, comments and history, to try the product at size; the same for the same seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import connection, models, transaction

from perf.cache import forget
from perf.clock import today
from perf.copying import fill
from workitems.cache import WORKITEMS
from workitems.models import Comment, Photo, StatusChange, StatusTotal, WorkItem
from workitems.seeding_photos import PHOTO_COLUMNS, Picture, captions_of, photo_rows, pictures
from workitems.workflow import WITH_CREW, Status

MOST_ITEMS = 10_000_000
ITEM_ROWS = 9  # an item with its photos, comments and history, on average
CREW, REVIEWERS, YEARS = 24, 6, 3

PLACES = (
    "Pump house",
    "North pier",
    "Depot",
    "Substation 4",
    "Lock gate",
    "Boiler room",
    "Roof",
    "Yard 2",
    "Bridge 12",
)
THINGS = ("valve", "handrail", "cable tray", "gauge", "drain", "hinge", "lamp", "pump", "ladder", "switchboard")
FAULTS = ("corroded", "leaking", "loose", "cracked", "blocked", "missing a cover", "worn out", "noisy")
DONE = ("replaced", "tightened", "cleaned", "welded", "photographed and closed off", "painted", "reported")
REASONS = ("The nameplate cannot be read.", "Say which side it is on.", "Please show the repaired part.")
REMARKS = ("Seen again on the evening round.", "Parts are ordered.", "Matches last year's report.", "Thank you.")

# The way to each state, and how many of a hundred items are there.
PATHS: dict[Status, tuple[int, tuple[Status, ...]]] = {
    Status.COMPLETED_REVIEW: (62, (Status.SUBMITTED, Status.IN_REVIEW, Status.COMPLETED_REVIEW)),
    Status.SUBMITTED: (14, (Status.SUBMITTED,)),
    Status.IN_REVIEW: (12, (Status.SUBMITTED, Status.IN_REVIEW)),
    Status.NEEDS_REVISION: (8, (Status.SUBMITTED, Status.IN_REVIEW, Status.NEEDS_REVISION)),
    Status.AWAITING_PHOTOS: (4, (Status.SUBMITTED, Status.IN_REVIEW, Status.AWAITING_PHOTOS)),
}
_STATES, _WEIGHTS = list(PATHS), [share for share, _ in PATHS.values()]

ITEM_COLUMNS = (
    *("number", "location", "equipment", "description", "detail", "ofm", "status", "submitter_id", "submitter_name"),
    *("submitted_at", "assigned_to_id", "assigned_to_name", "reviewer_id", "reviewer_name", "revision_notes"),
    *("internal_notes", "last_modified_by_id", "last_modified_by_name", "modified_at", "version", "photo_count"),
    *("comment_count", "captions"),
)
COMMENT_COLUMNS = ("work_item_id", "author_id", "author_name", "text", "by_reviewer", "created_at")
CHANGE_COLUMNS = (
    *("work_item_id", "old_status", "new_status", "changed_by_id", "changed_by_name", "reviewer_name", "reason"),
    "changed_at",
)
Person = tuple[int, str]
"""An id and the name that is copied."""


def number_of(seed: int, number: int) -> str:
    """The number of the item `number` (from 0)."""
    return f"SEED{seed}_{number:07d}"


def seed_items(seed: int, count: int, *, rows: int) -> Iterator[int]:
    """Store those of `count` items that are missing, about `rows` rows a transaction; yields how many items each time.

    All their photos show the same few files.
    """
    start = f"SEED{seed}_"
    there = set(WorkItem.objects.filter(number__startswith=start).values_list("number", flat=True))
    missing = [number for number in range(count) if number_of(seed, number) not in there]
    if not missing:
        return
    (crew, reviewers), shared = _people(seed), pictures()
    step = max(rows // ITEM_ROWS, 1)
    for first in range(0, len(missing), step):
        part = missing[first : first + step]
        _store([_Item(seed, number, crew, reviewers) for number in part], shared)
        yield len(part)


def _people(seed: int) -> tuple[list[Person], list[Person]]:
    """Crew and reviewers who wrote the items: users without a role or a usable password, stored where missing."""
    users = get_user_model()._default_manager
    names = [f"seed{seed}_crew{n:02d}" for n in range(CREW)] + [f"seed{seed}_reviewer{n}" for n in range(REVIEWERS)]
    new = [get_user_model()(username=name, password=make_password(None)) for name in names]
    users.bulk_create(new, ignore_conflicts=True)
    found = dict(users.filter(username__in=names).values_list("username", "pk"))
    people = [(found[name], name) for name in names]
    return people[:CREW], people[CREW:]


class _Item:
    """One item as rows of four tables; its own id comes in when it is known."""

    def __init__(self, seed: int, number: int, crew: Sequence[Person], reviewers: Sequence[Person]) -> None:
        self.chance = chance = Random(f"item {seed} {number}")  # noqa: S311  # nothing secret
        self.number = number_of(seed, number)
        (self.status,) = chance.choices(_STATES, _WEIGHTS)
        self.submitter, self.reviewer = chance.choice(crew), chance.choice(reviewers)
        at = datetime.combine(today(), time(6, tzinfo=UTC)) - timedelta(minutes=chance.randrange(10, YEARS * 525_600))
        path = PATHS[self.status][1]
        self.steps = [(state, at + timedelta(minutes=3 * step)) for step, state in enumerate(path)]
        self.reason = chance.choice(REASONS) if self.status in WITH_CREW else ""
        self.remarks = chance.choices((0, 1, 2, 4), (40, 35, 20, 5))[0]
        self.chance_of_photos = Random(f"photos {seed} {number}")  # noqa: S311  # the same
        self.captions = captions_of(self.chance_of_photos)

    def row(self) -> tuple[Any, ...]:
        """The item's row, in the order of ITEM_COLUMNS."""
        thing, fault, done = (self.chance.choice(words) for words in (THINGS, FAULTS, DONE))
        reviewer, reviewer_name = self.reviewer if len(self.steps) > 1 else (None, "")
        last, last_name = self.reviewer if len(self.steps) > 1 else self.submitter
        description = f"{thing.capitalize()} {fault}, {done}"
        detail = f"The {thing} was found {fault} and was {done} on the same round. Item {self.number}."
        return (
            *(self.number, self.chance.choice(PLACES), thing, description, detail, "", self.status.value),
            *(*self.submitter, _stored(self.steps[0][1]), *self.submitter, reviewer, reviewer_name, self.reason),
            *("", last, last_name, _stored(self.steps[-1][1]), len(self.steps), len(self.captions), self.remarks),
            "\n".join(filter(None, self.captions)),
        )

    def photos(self, pk: int, shared: list[Picture]) -> Iterator[tuple[Any, ...]]:
        """Its photos, in the order of PHOTO_COLUMNS."""
        at = _stored(self.steps[0][1])
        shown = self.chance_of_photos.choices(shared, k=len(self.captions))
        return photo_rows(pk, self.captions, shown, by=self.submitter, at=at)

    def changes(self, pk: int) -> Iterator[tuple[Any, ...]]:
        """Its history, in the order of CHANGE_COLUMNS."""
        old = ""
        for state, at in self.steps:
            person, name = self.submitter if state == Status.SUBMITTED else self.reviewer
            reviewer = self.reviewer[1] if state == Status.IN_REVIEW else ""
            reason = self.reason if state in WITH_CREW else ""
            yield pk, old, state.value, person, name, reviewer, reason, _stored(at)
            old = state.value

    def comments(self, pk: int) -> Iterator[tuple[Any, ...]]:
        """What was said about it, in the order of COMMENT_COLUMNS."""
        for minutes in range(self.remarks):
            by_reviewer = self.chance.random() < 0.3
            author, name = self.reviewer if by_reviewer else self.submitter
            at = self.steps[0][1] + timedelta(minutes=1 + minutes)
            yield pk, author, name, self.chance.choice(REMARKS), by_reviewer, _stored(at)


def _store(items: Sequence[_Item], shared: list[Picture]) -> None:
    rows = [item.row() for item in items]
    with transaction.atomic():
        forget(WORKITEMS)
        fill(WorkItem, ITEM_COLUMNS, rows)
        ids = _ids(item.number for item in items)
        fill(StatusChange, CHANGE_COLUMNS, [row for item in items for row in item.changes(ids[item.number])])
        fill(Photo, PHOTO_COLUMNS, [row for item in items for row in item.photos(ids[item.number], shared)])
        fill(Comment, COMMENT_COLUMNS, [row for item in items for row in item.comments(ids[item.number])])
        StatusTotal.objects.shift({}, Counter(item.status.value for item in items))


def _ids(numbers: Iterator[str]) -> dict[str, int]:
    """The ids of items by their numbers, however many."""
    wanted = list(numbers)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 500):
        part = WorkItem.objects.filter(number__in=wanted[start : start + 500])
        found |= dict(part.values_list("number", "pk"))
    return found


def _stored(at: datetime) -> str:
    """A moment as this database takes it in bulk."""
    field: Any = WorkItem._meta.get_field("submitted_at")
    return str(models.DateTimeField.get_db_prep_save(field, at, connection))
