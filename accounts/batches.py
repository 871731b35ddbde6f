"""Rosters that were checked or imported: one row for each, and one for each account that an import changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models

from perf import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

KEPT = timedelta(hours=24)
"""How long a checked roster waits to be imported, an import can be undone, and its lines can be read."""


class RosterImportQuerySet(models.QuerySet["RosterImport"]):
    """Rosters, by who may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with accounts.import_accounts, else none."""
        return self if user.has_perm("accounts.import_accounts") else self.none()  # type: ignore[union-attr]  # custom user has it

    def for_list(self) -> Self:
        """Imports newest first, each with who made it; without what takes long to read."""
        rows = self.exclude(state=RosterImport.State.CHECKED).select_related("by").defer("content", "lines", "made")
        return rows.order_by("-created_at", "-id")

    def tidy(self) -> None:
        """Drop what was checked and not imported in time, and the lines of imports that stand for good."""
        old = self.filter(created_at__lt=clock.now() - KEPT)
        old.filter(state=RosterImport.State.CHECKED).delete()
        old.exclude(content="", lines=[]).update(content="", lines=[])


class RosterImport(models.Model):
    """One roster: checked, then imported, perhaps undone."""

    class State(models.TextChoices):
        CHECKED = "checked", "Checked, not imported"
        DONE = "done", "Imported"
        UNDONE = "undone", "Undone"

    name = models.CharField(max_length=255, help_text="The file's name.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=10, choices=State)
    created_at = models.DateTimeField(default=clock.now, help_text="When it was imported; before that, checked.")
    undone_at = models.DateTimeField(null=True, blank=True)
    all_or_nothing = models.BooleanField(default=False)
    content = models.TextField(blank=True, help_text="The roster itself, while it may be needed again.")
    counts = models.JSONField(default=dict, help_text="How many lines got each verdict.")
    lines = models.JSONField(default=list, help_text="Per line: its number, what was given, the verdict and why.")
    made = models.JSONField(default=dict, help_text="Ids of the organisations and tags that it made.")
    undoing = models.JSONField(default=dict, help_text="What undoing it did, and what it left and why.")

    objects = RosterImportQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="ix_rosterimport_created")]

    def __str__(self) -> str:
        return f"roster {self.pk}"

    @property
    def undo_until(self) -> datetime:
        """Until when it can be undone."""
        return self.created_at + KEPT

    @property
    def is_undoable(self) -> bool:
        """Whether it can be undone now; one that changed nothing need not be."""
        changed = bool(self.counts.get("new") or self.counts.get("updates"))
        return self.state == self.State.DONE and changed and clock.now() < self.undo_until


class RosterChange(models.Model):
    """What an import changed of one account. `before` is null where it made the account."""

    batch = models.ForeignKey(RosterImport, on_delete=models.CASCADE, related_name="changes", db_index=False)
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    before: Any = models.JSONField(null=True, editable=False)
    after: Any = models.JSONField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "account"], name="rosterchange_uniq")]

    def __str__(self) -> str:
        return f"account {self.account_id} in roster {self.batch_id}"
