"""What a platform may say of an account, where it comes from, and whether it counts."""

from __future__ import annotations

from django.db import models


class Source(models.TextChoices):
    """Where a figure comes from. Higher rank overwrites lower: observed > imported > simulated."""

    OBSERVED = "observed", "Observed"
    IMPORTED = "imported", "Imported"
    SIMULATED = "simulated", "Simulated"

    @property
    def rank(self) -> int:
        """2 for observed, 1 for imported, 0 for simulated."""
        return {"observed": 2, "imported": 1}.get(self.value, 0)


class ReadFrom(models.TextChoices):
    """Which kind of connector read a figure."""

    API = "api", "the API"
    PAGE = "page", "the public page"


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


FIGURES = tuple(field.name for field in Figures._meta.local_fields)
"""The names of all figures, `followers_rounded` among them."""
COUNTS = tuple(name for name in FIGURES if name != "followers_rounded")
"""The names of the figures that are numbers."""
