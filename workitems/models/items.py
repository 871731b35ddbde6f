"""Work items and where their numbers come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from django.db import IntegrityError, connections, models, transaction
from django.db.models import Aggregate, Count, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from perf.cache import forget
from perf.clock import now
from perf.events import happened
from workitems import numbers
from workitems.cache import WORKITEMS, families_of
from workitems.models.people import person
from workitems.models.photos import Photo, Upload
from workitems.models.timeline import Comment, Revision
from workitems.workflow import OPEN, WITH_CREW, Status

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

SORTS: dict[str, tuple[str, ...]] = {
    "date_desc": ("-submitted_at", "-pk"),
    "date_asc": ("submitted_at", "pk"),
    "item_number": ("number",),
    "submitter": ("submitter_name", "pk"),
}
"""Orders of a list, each served by an index and ending in a unique field."""

ADD_TO_TOTAL = (
    "INSERT INTO workitems_statustotal (status, items) VALUES (%s, %s) "
    "ON CONFLICT (status) DO UPDATE SET items = workitems_statustotal.items + excluded.items"
)


class NumberCounter(models.Model):
    """The last number given out, by name of the series. Written by workitems.numbers alone."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"


class PresetNumber(models.Model):
    """A number the crew may pick instead of typing it, such as the yard's own item codes."""

    code = models.CharField(max_length=50, validators=[numbers.code])
    title = models.CharField(max_length=200, blank=True)
    position = models.PositiveIntegerField(default=0, help_text="Lower comes first.")
    is_offered = models.BooleanField("offered", default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code"], name="preset_number_code_uniq")]

    def __str__(self) -> str:
        return f"{self.code} - {self.title}" if self.title else self.code


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    """Work items, by the page that reads them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """What `user` may read: all items that are not in the bin, with workitems.view_workitem, else none."""
        return self.present() if user.has_perm("workitems.view_workitem") else self.none()  # type: ignore[union-attr]  # custom user has it

    def present(self) -> Self:
        """Items that are not in the bin."""
        return self.filter(deleted_at=None)

    def editable_by(self, user: Any) -> Self:
        """What `user` may change the text and photos of: reviewers all, crew their own or assigned ones while open."""
        if user.has_perm("workitems.review_workitem"):
            return self.present()
        if not user.has_perm("workitems.change_workitem"):
            return self.none()
        return self.present().filter(Q(submitter=user) | Q(assigned_to=user), status__in=OPEN)

    def waiting_for(self, user: Any) -> Self:
        """Open items assigned to `user`, newest first."""
        return self.present().filter(assigned_to=user, status__in=OPEN).order_by(*SORTS["date_desc"])

    def sent_back_to(self, user: Any) -> Self:
        """Items sent back that are assigned to `user`, or that they sent and nobody is assigned to; newest first."""
        theirs = Q(assigned_to=user) | Q(assigned_to=None, submitter=user)
        return self.present().filter(theirs, status__in=WITH_CREW).order_by(*SORTS["date_desc"])

    def recount(self) -> None:
        """Make the numbers of photos, promised photos and comments, and the captions, beside these items true.

        Whoever writes photos, promises or comments calls it, in the transaction of the write and after the rows, and
        has locked the items before them: what others have not committed yet is not counted.
        """
        self.update(
            photo_count=_count_of(Photo.objects.present()),
            photos_due=_count_of(Upload.objects.open()),
            comment_count=_count_of(Comment.objects.all()),
            captions=_captions(),
        )

    def move_to_bin(self, by: Any) -> int:
        """Delete softly: nobody sees the items until they are restored; how many."""
        return self._set_deleted(self.filter(deleted_at=None), by, now())

    def restore(self, by: Any) -> int:
        """Take items out of the bin; how many."""
        return self._set_deleted(self.exclude(deleted_at=None), by, None)

    def _set_deleted(self, rows: Self, by: Any, at: Any) -> int:
        with transaction.atomic():
            found = list(rows.order_by("pk").select_for_update().values_list("pk", "number", "status", "version"))
            self.model.objects.filter(pk__in=[pk for pk, *_ in found]).update(
                deleted_at=at, deleted_by=by if at else None, version=F("version") + 1
            )
            Revision.objects.of_bin([(pk, version + 1) for pk, _, _, version in found], by=by, is_in=bool(at))
            for pk, number, *_ in found:
                forget(*families_of(pk))
                happened(by, "workitems.delete" if at else "workitems.restore", number, {"id": pk})
            gone, back = Counter(status for _, _, status, _ in found), Counter[str]()
            StatusTotal.objects.shift(*((gone, back) if at else (back, gone)))
        return len(found)


def _count_of(rows: models.QuerySet[Any]) -> Coalesce:
    """How many of `rows` belong to the item of the outer query."""
    counted = rows.filter(work_item=OuterRef("pk")).order_by().values("work_item").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def _captions() -> Coalesce:
    """The captions of the outer query's item, a line each, in no order: words are sought in them."""
    rows = Photo.objects.present().filter(work_item=OuterRef("pk")).exclude(caption="")
    lines = rows.order_by().values("work_item").annotate(lines=Lines("caption")).values("lines")
    return Coalesce(Subquery(lines), Value(""))


class Lines(Aggregate):
    """All values of a text column, a line each."""

    function = "STRING_AGG"
    template = "%(function)s(%(expressions)s, CHR(10))"
    output_field = models.TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """The same on SQLite."""
        return self.as_sql(
            compiler, connection, function="GROUP_CONCAT", template="%(function)s(%(expressions)s, CHAR(10))", **extra
        )


class StatusTotalQuerySet(models.QuerySet["StatusTotal"]):
    """The numbers of items by state, kept up by whoever moves items."""

    def shift(self, gone: Mapping[str, int], come: Mapping[str, int]) -> None:
        """Take `gone` (state → items) away and add `come`; in the transaction that moves them.

        Rows are locked in the order of their states, so that two who shift at once wait and never deadlock.
        """
        with connections[self.db].cursor() as cursor:
            for status in sorted(gone.keys() | come.keys()):
                if change := come.get(status, 0) - gone.get(status, 0):
                    cursor.execute(ADD_TO_TOTAL, [status, change])

    def rebuild(self) -> None:
        """Count all items anew, beside writers that wait meanwhile."""
        with transaction.atomic():
            missing = [self.model(status=status) for status in sorted(Status.values)]
            self.bulk_create(missing, ignore_conflicts=True)  # a row that is not there cannot be locked
            rows = list(self.select_for_update().order_by("status"))
            counted = WorkItem.objects.present().order_by().values("status").annotate(n=Count("pk"))
            numbers_of = dict(counted.values_list("status", "n"))
            for row in rows:
                row.items = numbers_of.get(row.status, 0)
                row.save()
            forget(WORKITEMS)


class StatusTotal(models.Model):
    """How many items that are not in the bin are in a state."""

    status = models.CharField(max_length=20, choices=Status, primary_key=True)
    items = models.IntegerField(default=0)

    objects = StatusTotalQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.status}: {self.items}"


class WorkItem(models.Model):
    """One job that a crew saw or did. `version` grows with every write; who writes says which one they saw."""

    key = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The form's own name of it: sent twice, stored once.",
    )
    number = models.CharField(max_length=50, validators=[numbers.code], blank=True, help_text="Empty: the next draft.")
    location = models.CharField(max_length=200)
    equipment = models.CharField(max_length=200, blank=True)
    description = models.CharField(max_length=2000)
    detail = models.TextField()
    ofm = models.TextField("operator furnished material (OFM)", blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.SUBMITTED)
    submitter = person("submitted_items")
    submitter_name = models.CharField(max_length=100)
    submitted_at = models.DateTimeField(default=now)
    assigned_to = person("assigned_items")
    assigned_to_name = models.CharField(max_length=100, blank=True)
    reviewer = person()
    reviewer_name = models.CharField(max_length=100, blank=True)
    revision_notes = models.TextField(blank=True, help_text="Why it was sent back; empty once submitted again.")
    internal_notes = models.TextField(blank=True, help_text="For reviewers alone: see internal_notes_for.")
    internal_notes_at = models.DateTimeField(null=True, blank=True)
    last_modified_by = person()
    last_modified_by_name = models.CharField(max_length=100, blank=True)
    modified_at = models.DateTimeField(default=now)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = person()
    claimed_by = person()
    claimed_by_name = models.CharField(max_length=100, blank=True, default="", db_default="")
    claimed_until = models.DateTimeField(
        null=True, blank=True, help_text="Until when a reviewer has it open; others are told, and may take it over."
    )
    photo_count = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    photos_due = models.PositiveSmallIntegerField(
        default=0, db_default=0, editable=False, help_text="Photos that a device promised and that are not stored yet."
    )
    comment_count = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    captions = models.TextField(
        blank=True, default="", db_default="", editable=False, help_text="Of its photos, a line each, for the search."
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        permissions = [
            ("review_workitem", "Can review work items"),
            ("read_internal_notes", "Can read internal notes"),
            ("assign_workitem", "Can assign work items"),
            ("reopen_workitem", "Can reopen completed work items"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["number"], name="workitem_number_uniq"),
            models.UniqueConstraint(fields=["submitter", "key"], condition=~Q(key=""), name="workitem_key_uniq"),
            models.CheckConstraint(condition=~Q(number=""), name="workitem_number_not_blank"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="workitem_status_known"),
        ]
        indexes = [
            # Each serves its first column as well; the unique constraint serves the number.
            # With deleted_at in them the items of a filter are counted without reading their rows.
            models.Index(fields=["status", "submitted_at", "id"], include=["deleted_at"], name="ix_workitem_by_status"),
            models.Index(fields=["submitted_at", "id"], include=["deleted_at"], name="ix_workitem_by_date"),
            models.Index(fields=["submitter_name", "id"], include=["deleted_at"], name="ix_workitem_by_submitter"),
            models.Index(
                fields=["assigned_to_name", "submitted_at", "id"],
                include=["deleted_at"],
                name="ix_workitem_by_assignee",
            ),
            models.Index(
                fields=["location", "submitted_at", "id"], include=["deleted_at"], name="ix_workitem_by_location"
            ),
            models.Index(
                fields=["submitted_at", "id"],
                include=["deleted_at"],
                condition=Q(photo_count=0),
                name="ix_workitem_without_photos",
            ),
            models.Index(fields=["assigned_to", "status"], name="ix_workitem_assigned_to"),
            models.Index(fields=["submitter"], name="ix_workitem_submitter"),
            models.Index(
                fields=["deleted_at", "id"], condition=Q(deleted_at__isnull=False), name="ix_workitem_in_the_bin"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def save(self, **options: Any) -> None:
        """Store the row, a new one under its number: the typed one, or the next draft number that is free.

        Raises NumberTaken when another item has the typed one.
        """
        if self.number or not self._state.adding:
            self._save_numbered(**options)
        while not self.number:
            self.number = numbers.next_draft()
            try:
                self._save_numbered(**options)
            except numbers.NumberTaken:  # somebody typed this draft number earlier
                self.number = ""

    def _save_numbered(self, **options: Any) -> None:
        try:
            with transaction.atomic():
                super().save(**options)
                forget(*families_of(self.pk))
        except IntegrityError:
            existing = WorkItem.objects.filter(number=self.number).exclude(pk=self.pk).first()
            if existing is None:
                raise
            raise numbers.NumberTaken(existing) from None

    @property
    def status_label(self) -> str:
        """The status as people read it, with the reviewer's name while in review."""
        label = Status(self.status).label
        return f"{label} by {self.reviewer_name}" if self.status == Status.IN_REVIEW and self.reviewer_name else label

    def may_edit(self, user: Any) -> bool:
        """Whether `user` may change text and photos: the rule of WorkItemQuerySet.editable_by, for a loaded row."""
        if self.deleted_at:
            return False
        if user.has_perm("workitems.review_workitem"):
            return True
        is_theirs = user.pk is not None and user.pk in {self.submitter_id, self.assigned_to_id}
        return is_theirs and self.status in OPEN and user.has_perm("workitems.change_workitem")

    def internal_notes_for(self, user: Any) -> str:
        """The internal notes, empty for whoever may not read them."""
        return self.internal_notes if user.has_perm("workitems.read_internal_notes") else ""
