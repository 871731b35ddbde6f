"""Organisations and the social profiles they are tracked by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from accounts.platforms import PLATFORM_CHOICES, handle_key

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class Organization(models.Model):
    """A body that owns accounts, such as a department or an office."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class AccountQuerySet(models.QuerySet["Account"]):
    """Accounts, by what callers need of them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with accounts.view_account, else none."""
        return self if user.has_perm("accounts.view_account") else self.none()  # type: ignore[union-attr]  # custom user has it

    def active(self) -> Self:
        """Accounts that are scraped and counted."""
        return self.filter(is_active=True)

    def at(self, platform: str, handle: str) -> Self:
        """The account known as `handle` on `platform`, whatever the case; at most one row."""
        return self.filter(platform=platform, handle_key=handle_key(platform, handle))


class Account(models.Model):
    """One tracked profile on one platform. `handle_key` decides who is who; `handle` is what people see."""

    class Kind(models.TextChoices):
        OFFICIAL = "official", "Official department"
        SUB_BRAND = "sub_brand", "Sub-brand"
        CAMPAIGN = "campaign", "Campaign"
        LEADER = "leader", "Leader"

    class Sensitivity(models.TextChoices):
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class Verified(models.TextChoices):
        NONE = "none", "Not verified"
        BLUE = "blue", "Blue"
        ORGANIZATION = "org", "Organisation"
        GOVERNMENT = "gov", "Government"
        VERIFIED = "verified", "Verified"

    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    handle = models.CharField(max_length=255)
    handle_key = models.CharField(max_length=255, editable=False)
    external_id = models.CharField(
        "platform's own id", max_length=100, blank=True, help_text="Learned once; survives a rename."
    )
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="accounts", db_index=False)
    display_name = models.CharField(max_length=255, blank=True)
    url = models.URLField(max_length=500, blank=True)
    owner_team = models.CharField(max_length=200, blank=True)
    kind = models.CharField("type", max_length=20, choices=Kind, blank=True)
    category = models.CharField(max_length=100, blank=True)
    is_core = models.BooleanField("core account", default=False, help_text="Scraped before others.")
    is_active = models.BooleanField("active", default=True, help_text="Inactive accounts are not scraped or counted.")
    is_leader = models.BooleanField("leader's account", default=False)
    requires_preclearance = models.BooleanField(default=False)
    sensitivity = models.CharField(max_length=10, choices=Sensitivity, blank=True)
    verified = models.CharField(max_length=10, choices=Verified, blank=True)
    opened_on = models.DateField(null=True, blank=True, help_text="The day the platform says the profile was made.")
    bio = models.TextField(blank=True)
    bio_link = models.URLField(max_length=500, blank=True)
    image_url = models.URLField(max_length=1000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        permissions = [("import_accounts", "Can import a roster of accounts")]
        constraints = [
            models.UniqueConstraint(fields=["platform", "handle_key"], name="account_platform_handle_uniq"),
            models.UniqueConstraint(
                fields=["platform", "external_id"], condition=~Q(external_id=""), name="account_platform_external_uniq"
            ),
            models.CheckConstraint(condition=~Q(handle="") & ~Q(handle_key=""), name="account_handle_not_blank"),
        ]
        indexes = [
            # The unique constraint above serves look-ups by platform.
            models.Index(fields=["handle_key"], name="ix_account_handle"),
            models.Index(fields=["organization", "platform"], name="ix_account_organization"),
            models.Index(fields=["is_active", "platform", "handle_key"], name="ix_account_active"),
        ]

    def __str__(self) -> str:
        return f"{self.get_platform_display()} {self.handle}"

    def save(self, *args: object, **kwargs: object) -> None:
        """Store the row with its `handle_key` made from the handle."""
        self.handle_key = handle_key(self.platform, self.handle)
        fields = kwargs.get("update_fields")
        if fields is not None and "handle" in fields:  # type: ignore[operator]  # an iterable of names
            kwargs["update_fields"] = {*fields, "handle_key"}  # type: ignore[misc]  # the same
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through unchanged


class FormerHandle(models.Model):
    """A handle an account once had: old addresses redirect, and history stays with the account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="former_handles")
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    handle = models.CharField(max_length=255)
    handle_key = models.CharField(max_length=255)
    retired_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "handle_key"], name="former_handle_uniq")]

    def __str__(self) -> str:
        return f"{self.handle} (former)"
