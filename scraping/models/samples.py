"""Samples of answers that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from accounts.models import Account
from accounts.platforms import PLATFORM_CHOICES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class SampleQuerySet(models.QuerySet["Sample"]):
    """Samples, by who may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with scraping.view_sample, else none."""
        return self if user.has_perm("scraping.view_sample") else self.none()  # type: ignore[union-attr]  # custom user has it

    def for_list(self) -> Self:
        """Newest first, without the bodies."""
        return self.select_related("account").defer("body").order_by("-taken_at", "-id")


class Sample(models.Model):
    """One answer that could not be read, for whoever mends the connector. Bounded; see scraping.samples."""

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    kind = models.CharField(max_length=4, help_text="The connector's: api or page.")
    step = models.CharField(max_length=20, help_text="Which of the platform's endpoints.")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="scrape_samples", db_index=False)
    accounts = models.PositiveIntegerField(help_text="For how many accounts of this call it could not be read.")
    outcome = models.CharField(max_length=30)
    status = models.SmallIntegerField(null=True, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.TextField(help_text="Its beginning, credentials removed.")
    size = models.PositiveIntegerField(help_text="Bytes of the whole answer.")
    taken_at = models.DateTimeField(help_text="When its call started, as in its attempts.")

    objects = SampleQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["platform", "outcome", "taken_at"], name="ix_sample_platform"),
            models.Index(fields=["account"], name="ix_sample_account"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} sample {self.pk}"
