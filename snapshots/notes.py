"""Editors' notes on days: what happened that the figures do not say, of one account or of all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q

from accounts.models import Account
from perf import clock
from perf.cache import forget
from perf.events import happened
from snapshots.cache import NOTES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

LONGEST = 280  # characters
LONGEST_NAME = 150  # characters of a writer's name


class NoteChanged(Exception):
    """Somebody else changed or deleted a note meanwhile; `note` is what it is now."""

    def __init__(self, note: Note) -> None:
        super().__init__("Somebody else changed or deleted this note meanwhile. Yours was not stored.")
        self.note = note


class NoteQuerySet(models.QuerySet["Note"]):
    """Notes. Every write through it forgets the answers that show them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with snapshots.view_snapshot, else none."""
        return self if user.has_perm("snapshots.view_snapshot") else self.none()  # type: ignore[union-attr]  # custom user has it

    def standing(self) -> Self:
        """Those that were not deleted."""
        return self.filter(deleted_at=None)

    def about(self, accounts: Iterable[int]) -> Self:
        """Notes on the accounts with these ids, and those on all accounts."""
        return self.filter(Q(account=None) | Q(account__among=list(accounts)))

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert `objs`; cached answers follow."""
        with transaction.atomic():
            forget(NOTES)
            return super().bulk_create(objs, *args, **kwargs)

    def update(self, **values: Any) -> int:
        """Change the rows (bulk_update comes through here too); cached answers follow."""
        with transaction.atomic():
            forget(NOTES)
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # Django's own mark: templates may not call it

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows for good; cached answers follow."""
        with transaction.atomic():
            forget(NOTES)
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]  # Django's own mark: templates may not call it
    delete.queryset_only = True  # type: ignore[attr-defined]  # and managers do not offer it


class Note(models.Model):
    """What an editor says of a day. Deleting one keeps it, so that it can be had back; an administrator's is for good.

    The writer's name is copied, so that the note says who it was when that person is gone.
    """

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, blank=True, related_name="notes", db_index=False,
        help_text="Empty: on all accounts.",
    )  # fmt: skip  # one line is what belongs together
    day = models.DateField()
    text = models.CharField(max_length=LONGEST)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    author_name = models.CharField("by", max_length=LONGEST_NAME, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    edited_at = models.DateTimeField(default=clock.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="note_text_not_blank")]
        indexes = [models.Index(fields=["account", "day"], name="ix_note_account_day")]

    def __str__(self) -> str:
        return f"note of {self.day}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store the row; cached answers follow."""
        with transaction.atomic():
            forget(NOTES)
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the row for good; cached answers follow."""
        with transaction.atomic():
            forget(NOTES)
            return super().delete(*args, **kwargs)

    @staticmethod
    def write(by: Any, *, account: Account | None, day: dt.date, text: str) -> Note:
        """Store a new note of `by`. Audited."""
        name = (by.get_full_name() or by.get_username())[:LONGEST_NAME]
        with transaction.atomic():
            note = Note.objects.create(account=account, day=day, text=text, author=by, author_name=name)
            note._tell(by, "notes.add")
        return note

    def rewrite(self, by: Any, *, day: dt.date, text: str) -> None:
        """Change day and text of the note as it was read. Audited. Raises NoteChanged when it is not that any more."""
        self._change(by, "notes.change", None, day=day, text=text)

    def remove(self, by: Any) -> None:
        """Delete the note, for `restore` to bring back. Audited. Raises NoteChanged when it is not as it was read."""
        self._change(by, "notes.delete", None, deleted_at=clock.now())

    def restore(self, by: Any) -> None:
        """Take a deletion back. Audited. Raises NoteChanged when the note stands, or is not what it was."""
        if self.deleted_at is None:
            raise NoteChanged(self)
        self._change(by, "notes.restore", self.deleted_at, deleted_at=None)

    def _change(self, by: Any, action: str, gone: dt.datetime | None, **values: Any) -> None:
        """Store `values` where the row is as it was read, and deleted at `gone`."""
        values["edited_at"] = clock.now()
        with transaction.atomic():
            same = Note.objects.filter(pk=self.pk, edited_at=self.edited_at, deleted_at=gone)
            if not same.update(**values):
                raise NoteChanged(Note.objects.filter(pk=self.pk).first() or self)  # or deleted for good
            for name, value in values.items():
                setattr(self, name, value)
            self._tell(by, action)

    def _tell(self, by: Any, action: str) -> None:
        detail = {"day": self.day.isoformat(), "account": self.account_id, "text": self.text}
        happened(by, action, f"note:{self.pk}", detail)
