"""Organisations and the social profiles they are tracked by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.dispatch import receiver

from accounts.batches import RosterChange, RosterImport
from accounts.bulk_edits import BulkEdit, BulkEditPart
from accounts.cache import ACCOUNT, ACCOUNTS
from accounts.facts import FACTS, storable
from accounts.holds import Hold
from accounts.platforms import (
    PLATFORM_CHOICES,
    NotAProfile,
    handle_key,
    normalise_handle,
    parse_profile_url,
    profile_kind,
    profile_url,
)
from accounts.searching import platforms_called
from accounts.signals import announce, announce_leaving
from accounts.tags import AccountTag, Tag, TaggingQuerySet
from accounts.writing import OrganizationQuerySet, chunked
from perf.cache import forget
from perf.clock import now
from perf.events import happened

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    Person = AbstractBaseUser | AnonymousUser | None  # who does something; None: nobody signed in, as in a command

__all__ = [
    "FACTS", "Account", "AccountQuerySet", "AccountTag", "BulkEdit", "BulkEditPart", "FormerHandle", "HandleTaken",
    "Hold", "Organization", "RosterChange", "RosterImport", "Tag",
]  # fmt: skip  # reads best as a list of names


class HandleTaken(Exception):
    """Another account, `existing`, is already tracked under that platform and handle, or the platform's own id."""

    def __init__(self, existing: Account) -> None:
        super().__init__(f"{existing} is already in the registry.")
        self.existing = existing


class Organization(models.Model):
    """A body that owns accounts, such as a department or an office."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=now, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        verbose_name = "organisation"
        constraints = [models.UniqueConstraint(fields=["name"], name="organization_name_uniq")]

    def __str__(self) -> str:
        return self.name

    def save(self, **options: Any) -> None:
        """Store the row; a new name makes stale whatever shows its accounts."""
        with transaction.atomic():
            renamed = Organization.objects.filter(pk=self.pk).exclude(name=self.name).exists()
            super().save(**options)
            if renamed:
                announce(list(self.accounts.order_by("pk").values_list("pk", flat=True)), {"organization_name"})

    def merge_into(self, other: Organization, by: Person) -> int:
        """Move every account to `other` and delete this organisation; the number of accounts moved."""
        with transaction.atomic():
            moved = self.accounts.move_to(other)
            self.delete()
            happened(by, "organizations.merge", other.name, {"from": self.name, "accounts": moved})
        return moved


class AccountQuerySet(TaggingQuerySet["Account"]):
    """Accounts, by what callers need of them. Bulk writes forget and announce what `save` would have."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """The rows `user` may read: all of them with accounts.view_account, else none."""
        return self if user.has_perm("accounts.view_account") else self.none()  # type: ignore[union-attr]  # custom user has it

    def active(self) -> Self:
        """Accounts that are scraped and counted."""
        return self.filter(is_active=True)

    def at(self, platform: str, handle: str) -> Self:
        """The account known as `handle` on `platform`, whatever the case; at most one row."""
        return self.filter(platform=platform, handle_key=handle_key(platform, handle))

    def find_at(self, platform: str, handle: str) -> Account | None:
        """The account now known as `handle`, else the one that had it before (its handle then differs), else None."""
        if "\x00" in platform + handle:  # no handle has one, and PostgreSQL refuses to be asked
            return None
        formerly = Q(former_handles__platform=platform, former_handles__handle_key=handle_key(platform, handle))
        rows = self.select_related("organization")
        return rows.at(platform, handle).first() or rows.filter(formerly).first()

    def in_order(self) -> Self:
        """By platform and handle: an order that the unique constraint's index serves."""
        return self.order_by("platform", "handle_key")

    def for_list(self) -> Self:
        """Rows with their organisation's name, in the registry's order."""
        return self.select_related("organization").in_order()

    def matching(
        self,
        *,
        platform: str = "",
        organization: str = "",
        core: bool | None = None,
        active: bool | None = None,
        tags: Iterable[str] = (),
        search: str = "",
    ) -> Self:
        """The rows of a filter; empty values filter nothing. All `tags` must be there.

        `search` looks in handle, name, platform and organisation.
        """
        rows = self.tagged(tags)
        if platform:
            rows = rows.filter(platform=platform)
        if organization:
            rows = rows.filter(organization__name=organization)
        if core is not None:
            rows = rows.filter(is_core=core)
        if active is not None:
            rows = rows.filter(is_active=active)
        for word in search.split():
            rows = rows.filter(
                Q(handle_key__contains=handle_key("", word.removeprefix("@")))
                | Q(display_name__icontains=word)
                | Q(platform__in=platforms_called(word))
                | Q(organization__in=Organization.objects.filter(name__icontains=word))  # asked once, not for each row
            )
        return rows

    def activate(self, by: Person) -> int:
        """Scrape and count these accounts again; how many were inactive."""
        return self._set_active(True, by)

    def deactivate(self, by: Person) -> int:
        """Stop scraping and counting these accounts, their figures kept; how many were active."""
        return self._set_active(False, by)

    def _set_active(self, active: bool, by: Person) -> int:
        with transaction.atomic():
            ids = list(self.filter(is_active=not active).give(is_active=active))
            if ids:
                action = "accounts.activate" if active else "accounts.deactivate"
                happened(by, action, f"{len(ids)} accounts", {"count": len(ids), "ids": ids})
        return len(ids)

    def move_to(self, organization: Organization) -> int:
        """Give these accounts to `organization`; how many moved."""
        return len(self.exclude(organization=organization).give(organization=organization.pk))

    def learn(self, facts: Mapping[int, Mapping[str, Any]]) -> list[int]:
        """Store what platforms said, account id → values of accounts.facts.FACTS; an empty value changes nothing.

        A display name is only filled in, never overwritten: an editor's stays. Returns the accounts whose
        `external_id` another account of the platform has already; theirs stays as it was.
        """
        touched, changed, clashing = [], set[str](), []
        with transaction.atomic():
            owners = self._owners({said for row in facts.values() if (said := row.get("external_id"))})
            rows = [row for part in chunked(sorted(facts)) for row in self.model.objects.filter(pk__in=part).locked()]
            for row in rows:
                news = row.news_in(facts[row.pk])
                own_id = news.get("external_id")
                if own_id and owners.setdefault((row.platform, own_id), row.pk) != row.pk:
                    clashing.append(row.pk)
                    del news["external_id"]
                for name, value in news.items():
                    setattr(row, name, value)
                if news:
                    touched.append(row)
                    changed |= news.keys()
            if touched:
                self.rewrite(touched, changed)
                announce([row.pk for row in touched], changed)
        return clashing

    def _owners(self, external_ids: Collection[str]) -> dict[tuple[str, str], int]:
        """Who has which of the platforms' own ids: (platform, id) → account id."""
        rows = self.model.objects.values_list("platform", "external_id", "pk")
        found = (row for part in chunked(sorted(external_ids)) for row in rows.filter(external_id__in=part))
        return {(platform, external_id): pk for platform, external_id, pk in found}


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
    handle_key = models.CharField("handle", max_length=255, editable=False)
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
    held = models.CharField(
        "on hold", max_length=20, choices=Hold, blank=True, db_default="", default="", editable=False
    )
    held_at = models.DateTimeField("on hold since", null=True, blank=True, editable=False)
    is_leader = models.BooleanField("leader's account", default=False)
    requires_preclearance = models.BooleanField(default=False)
    sensitivity = models.CharField(max_length=10, choices=Sensitivity, blank=True)
    verified = models.CharField(max_length=10, choices=Verified, blank=True)
    opened_on = models.DateField(null=True, blank=True, help_text="The day the platform says the profile was made.")
    bio = models.TextField(blank=True)
    bio_link = models.URLField(max_length=500, blank=True)
    image_url = models.URLField(max_length=1000, blank=True)
    tags = models.ManyToManyField(Tag, through=AccountTag, related_name="accounts", blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

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
            models.Index(fields=["held_at", "id"], condition=~Q(held=""), name="ix_account_held"),
        ]

    def __str__(self) -> str:
        return f"{self.get_platform_display()} {self.handle}"

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Store the row with its `handle_key`, keep the handle it had, and announce what changed."""
        self.handle_key = handle_key(self.platform, self.handle)
        self.updated_at = now()
        if update_fields is not None:
            update_fields = {*update_fields, "updated_at"} | ({"handle_key"} if "handle" in update_fields else set())
        with transaction.atomic():
            before = Account.objects.filter(pk=self.pk).locked().first() if self.pk else None
            super().save(update_fields=update_fields, **options)
            if before is None:
                announce([self.pk], {"created"})
            else:
                self._announce_difference(before, update_fields)

    def clean(self) -> None:
        """Refuse a handle that its platform cannot have, and give the row its address."""
        try:
            self.handle = normalise_handle(self.platform, self.handle)
            stated = parse_profile_url(profile_url(self.platform, self.handle, self.profile_kind), self.platform)
        except (NotAProfile, KeyError) as refusal:
            raise ValidationError({"handle": str(refusal)}) from refusal
        self.url, self.external_id = stated.url, self.external_id or stated.external_id

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """Check that the handle is free also where a form shows neither its key nor the platform."""
        self.handle_key = handle_key(self.platform, self.handle)
        super().validate_constraints(set(exclude or ()) - {"platform", "handle_key"})

    @property
    def profile_kind(self) -> str:
        """Which of the platform's address forms this profile has, such as showcase or channel."""
        return profile_kind(self.platform, self.handle, self.url)

    def news_in(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The part of `facts` that may be stored here and differs from what is."""
        said = storable(facts, self.Verified.values)
        if self.display_name:
            said.pop("display_name", None)
        return {name: value for name, value in said.items() if getattr(self, name) != value}

    def _announce_difference(self, before: Account, written: Iterable[str] | None) -> None:
        names = {f.name for f in self._meta.concrete_fields} - {"updated_at"} if written is None else set(written)
        changed = {
            f.name
            for f in self._meta.concrete_fields
            if f.name in names - {"updated_at"} and getattr(before, f.attname) != getattr(self, f.attname)
        }
        old_handles = {}
        if "handle_key" in changed:
            old_handles = {self.pk: (before.platform, before.handle_key)}
            FormerHandle.objects.keep(before)
        if changed:
            old_organizations = {self.pk: before.organization_id} if "organization" in changed else {}
            announce([self.pk], changed, old_handles=old_handles, old_organizations=old_organizations)

    def rename(self, handle: str) -> None:
        """Follow the profile to its new handle; the old one keeps leading here. Raises HandleTaken, NotAProfile."""
        kind = self.profile_kind
        self.handle = normalise_handle(self.platform, handle)
        self.url = profile_url(self.platform, self.handle, kind)
        self.save_or_refuse()

    def release(self, by: Person, *, accept_new_id: bool) -> bool:
        """Take the account off its hold, see HoldQuerySet.release; whether it was on one."""
        released = bool(Account.objects.filter(pk=self.pk).release(by, accept_new_id=accept_new_id))
        self.refresh_from_db(fields=["held", "held_at", "external_id"])
        return released

    def save_or_refuse(self) -> None:
        """Save; raises HandleTaken instead of an IntegrityError when another account is that profile already."""
        try:
            with transaction.atomic():
                self.save()
        except IntegrityError:
            same = Account.objects.filter(platform=self.platform, external_id=self.external_id or None)
            others = Account.objects.at(self.platform, self.handle) | same
            existing = others.exclude(pk=self.pk).first()
            if existing is None:
                raise
            raise HandleTaken(existing) from None


class FormerHandleQuerySet(models.QuerySet["FormerHandle"]):
    """Handles that accounts had."""

    def keep(self, before: Account) -> None:
        """Remember the handle of `before`, an account as it was; a handle leads to whoever had it last."""
        had_it = self.filter(platform=before.platform, handle_key=before.handle_key)
        owners = {before.pk, *had_it.values_list("account_id", flat=True)}
        forget(ACCOUNTS, *(ACCOUNT.of(str(account)) for account in owners))
        self.update_or_create(
            platform=before.platform,
            handle_key=before.handle_key,
            defaults={"account_id": before.pk, "handle": before.handle, "retired_at": now()},
        )


class FormerHandle(models.Model):
    """A handle an account once had: old addresses redirect, and history stays with the account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="former_handles")
    platform = models.CharField(max_length=20, choices=PLATFORM_CHOICES)
    handle = models.CharField(max_length=255)
    handle_key = models.CharField(max_length=255)
    retired_at = models.DateTimeField(default=now, editable=False)

    objects = FormerHandleQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["platform", "handle_key"], name="former_handle_uniq")]

    def __str__(self) -> str:
        return f"{self.handle} (former)"


@receiver(models.signals.pre_delete, sender=Account)
def announce_deletion(instance: Account, **_: Any) -> None:
    """Tell of every deletion, whoever asked for it: a method, the admin or a cascade."""
    announce_leaving(instance.pk, instance.organization_id)
