"""Imports of past figures: one row for each, and which days of which accounts it stored, so that it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models

from accounts.models import Account
from perf import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class ImportBatchQuerySet(models.QuerySet["ImportBatch"]):
    """Imports, by who may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with snapshots.import_snapshots, else none."""
        return self if user.has_perm("snapshots.import_snapshots") else self.none()  # type: ignore[union-attr]  # custom user has it

    def for_page(self) -> Self:
        """Imports newest first, each with who made it and whether something of it can be taken away again."""
        left = ImportedDay.objects.filter(batch=models.OuterRef("pk"))
        return self.select_related("by").annotate(undoable=models.Exists(left)).order_by("-created_at", "-id")


class ImportBatch(models.Model):
    """One import of past figures: what it read, how much of it is stored by now, and whether it was undone."""

    class State(models.TextChoices):
        RUNNING = "running", "Under way or interrupted"
        DONE = "done", "Done"
        UNDONE = "undone", "Undone"

    name = models.CharField(max_length=255, help_text="The file's name.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    days = models.PositiveIntegerField(default=0, help_text="Accounts' days that the file has a usable line for.")
    seen = models.PositiveIntegerField(default=0, help_text="How many of them it has come to.")
    stored = models.PositiveIntegerField(default=0, help_text="How many of them it stored.")
    removed = models.PositiveIntegerField(default=0, help_text="How many of those undoing it took away again.")

    objects = ImportBatchQuerySet.as_manager()

    undoable: bool  # what `for_page()` annotates

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="ix_importbatch_created")]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ImportedDay(models.Model):
    """That an import stored an account's day, and a digest of what it said there."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="imported_days", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    date = models.DateField()
    said = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "account", "date"], name="importedday_uniq")]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.date}"
