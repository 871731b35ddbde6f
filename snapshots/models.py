"""Daily figures: what was seen, the latest of it per account, and the totals per day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.models import Account, Organization
from accounts.platforms import PLATFORM_CHOICES

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Source(models.TextChoices):
    """Where a figure comes from. Higher rank overwrites lower: observed > imported > simulated."""

    OBSERVED = "observed", "Observed"
    IMPORTED = "imported", "Imported"
    SIMULATED = "simulated", "Simulated"


class Quality(models.TextChoices):
    """Whether a figure counts. Only published ones are shown, summed or compared."""

    PUBLISHED = "published", "Published"
    SUSPECT = "suspect", "Suspect"
    REJECTED = "rejected", "Rejected"


class Figures(models.Model):
    """The counts a platform may give; NULL means it did not say, never zero."""

    followers = models.BigIntegerField(null=True, blank=True, help_text="Followers, subscribers or members.")
    followers_rounded = models.BooleanField(default=False, help_text="The platform gave a rounded number.")
    following = models.BigIntegerField(null=True, blank=True)
    listed = models.BigIntegerField(null=True, blank=True)
    posts = models.BigIntegerField(null=True, blank=True)
    videos = models.BigIntegerField(null=True, blank=True)
    stories = models.BigIntegerField(null=True, blank=True)
    live_streams = models.BigIntegerField(null=True, blank=True)
    likes = models.BigIntegerField(null=True, blank=True)
    comments = models.BigIntegerField(null=True, blank=True)
    shares = models.BigIntegerField(null=True, blank=True)
    video_views = models.BigIntegerField(null=True, blank=True)
    total_video_views = models.BigIntegerField(null=True, blank=True)
    engagements = models.BigIntegerField(
        null=True, blank=True, help_text="Likes + comments + shares, where any is known."
    )

    class Meta:
        abstract = True


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    """Snapshots, by the page that reads them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with snapshots.view_snapshot, else none."""
        return self if user.has_perm("snapshots.view_snapshot") else self.none()  # type: ignore[union-attr]  # custom user has it

    def published(self) -> Self:
        """Figures that count: neither suspect nor rejected."""
        return self.filter(quality=Quality.PUBLISHED)


class Snapshot(Figures):
    """One account's figures on one day."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="snapshots", db_index=False)
    date = models.DateField()
    observed_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    quality = models.CharField(max_length=10, choices=Quality, default=Quality.PUBLISHED)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "date"], name="ix_fact_snapshot_account_date"),
            models.CheckConstraint(
                condition=Q(followers__gte=0) | Q(followers=None), name="snapshot_followers_not_negative"
            ),
        ]
        indexes = [models.Index(fields=["date", "account"], name="ix_fact_snapshot_date")]

    def __str__(self) -> str:
        return f"{self.account_id} on {self.date}"


class LatestSnapshot(Figures):
    """The newest published figures of one account and how they changed; kept by recording, never by hand."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="latest", primary_key=True)
    date = models.DateField()
    observed_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=Source)
    change_1 = models.BigIntegerField(null=True, help_text="Followers against one day before; NULL without that day.")
    change_7 = models.BigIntegerField(null=True)
    change_30 = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["followers", "account"], name="ix_latest_followers"),
            models.Index(fields=["date", "account"], name="ix_latest_date"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} latest {self.date}"


class DailyTotal(models.Model):
    """Sum and count of published followers per day, platform and the accounts' present organisation."""

    date = models.DateField()
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="daily_totals", db_index=False
    )
    followers = models.BigIntegerField(default=0, help_text="Sum over the accounts counted.")
    accounts = models.IntegerField(default=0, help_text="How many accounts the sum holds.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["date", "platform", "organization"], name="daily_total_uniq"),
        ]
        indexes = [models.Index(fields=["organization", "date"], name="ix_daily_total_organization")]

    def __str__(self) -> str:
        return f"{self.date} {self.platform}"
