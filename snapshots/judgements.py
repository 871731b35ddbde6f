"""What editors decided on doubted figures, and how each figure was before, so that a decision can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Q

from perf import clock

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class JudgementQuerySet(models.QuerySet["Judgement"]):
    """Judgements, by what callers need of them."""

    def standing(self) -> Self:
        """Those that were not taken back."""
        return self.filter(undone_at=None)

    def of(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The decisions of `user`; nobody but them may take them back."""
        return self.filter(by=user.pk)

    def for_list(self) -> Self:
        """Newest first, each with the number of its figures as `count` and one account's handle as `example`."""
        return self.annotate(count=Count("figures"), example=models.Min("figures__snapshot__account__handle")).order_by(
            "-at", "-pk"
        )


class Judgement(models.Model):
    """One decision of one person on one or more doubted figures."""

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    accepted = models.BooleanField(help_text="Whether the doubted figures may count.")
    at = models.DateTimeField(default=clock.now)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = JudgementQuerySet.as_manager()

    # What `for_list()` annotates.
    count: int
    example: str

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(undone_at=None) | Q(undone_at__gte=models.F("at")), name="judgement_undone_later"
            )
        ]
        indexes = [models.Index(fields=["by", "at"], name="ix_judgement_by")]

    def __str__(self) -> str:
        return f"{self.word} {self.pk}"

    @property
    def word(self) -> str:
        """What was done to the figures."""
        return "accepted" if self.accepted else "rejected"


class JudgedFigure(models.Model):
    """One figure of a judgement, and how its row was before it."""

    judgement = models.ForeignKey(Judgement, on_delete=models.CASCADE, related_name="figures", db_index=False)
    snapshot = models.ForeignKey("snapshots.Snapshot", on_delete=models.CASCADE, related_name="judgements")
    before: Any = models.JSONField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["judgement", "snapshot"], name="judgedfigure_uniq")]

    def __str__(self) -> str:
        return f"figure {self.snapshot_id} in judgement {self.judgement_id}"
