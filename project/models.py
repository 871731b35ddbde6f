"""Access tokens, the audit log, invitations and sign-ins."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NoReturn, Self

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q

from perf import clock
from perf.cache import forget
from project.identities import AUTH, digest
from project.roles import READ_ONLY_SCOPES, ROLES, SCOPES, Scope, within

TOKEN_PREFIX = "tm_"  # lets secret scanners recognise a leaked token
SHOWN = 10  # characters of a token that are kept readable, to tell one from another
COARSE = timedelta(hours=1)  # `last_used_at` is written at most this often
INVITATION_LIFETIME = timedelta(hours=72)
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"))


class AccessTokenQuerySet(models.QuerySet["AccessToken"]):
    """Tokens, by what callers need of them."""

    def usable(self) -> Self:
        """Tokens that are neither revoked nor expired and whose user is active."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=clock.now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)

    def for_list(self, user: User) -> Self:
        """The tokens `user` made, newest first."""
        return self.filter(user=user).order_by("-created_at", "-pk")

    def make(self, user: User, name: str, scope: str, expires_at: datetime | None = None) -> tuple[AccessToken, str]:
        """A new row and the token itself, which is stored nowhere and can be shown only now."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = self.create(
            user=user, name=name, scope=scope, expires_at=expires_at, hash=digest(secret), prefix=secret[:SHOWN]
        )
        return row, secret

    def find(self, secret: str) -> AccessToken | None:
        """The usable token that `secret` is, with its user, or None."""
        return self.usable().select_related("user").filter(hash=digest(secret)).first()


class AccessToken(models.Model):
    """Lets a script call the API: it may do its scope's part of what its user may do."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="access_tokens", db_index=False)
    name = models.CharField(max_length=100, help_text="What uses it, such as “Power BI”.")
    scope = models.CharField(max_length=10, choices=Scope)
    hash = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=SHOWN, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the hour.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Never, when empty.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = AccessTokenQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "delete")
        constraints = [models.CheckConstraint(condition=Q(scope__in=Scope.values), name="access_token_scope_known")]
        indexes = [models.Index(fields=["user", "-created_at"], name="ix_access_token_user")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def state(self) -> str:
        """Whether it works, as one word or two."""
        if self.revoked_at:
            return "revoked"
        return "run out" if self.expires_at and self.expires_at <= clock.now() else "works"

    def touch(self) -> None:
        """Note that it was used now, unless that was noted within the last hour."""
        now = clock.now()
        if self.last_used_at is None or now - self.last_used_at > COARSE:
            AccessToken.objects.filter(pk=self.pk).update(last_used_at=now)

    def revoke(self) -> bool:
        """Stop it for good; False if it was stopped before."""
        with transaction.atomic():
            forget(AUTH.of(self.hash))
            return bool(AccessToken.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=clock.now()))


class TokenUser(User):
    """The user behind a token for one request, with the token's part of the user's rights and no more.

    Never a superuser, never staff, never saved: code that asks any of Django's questions gets the narrow answer.
    """

    token: AccessToken

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def holding(cls, token: AccessToken) -> Self:
        """The user of `token`, narrowed to its scope."""
        user = token.user
        names = [field.attname for field in User._meta.concrete_fields]
        bearer: Self = cls.from_db(user._state.db, names, [getattr(user, name) for name in names])
        bearer.token = token
        bearer.is_superuser = bearer.is_staff = False
        return bearer

    def get_all_permissions(self, obj: object = None) -> set[str]:
        """The user's permissions that the scope lets through, as "app.codename"."""
        return set(self.token.user.get_all_permissions(obj)) & SCOPES[self.token.scope]  # type: ignore[arg-type]  # passed on

    get_user_permissions = get_group_permissions = get_all_permissions

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return perm in SCOPES[self.token.scope] and self.token.user.has_perm(perm, obj)  # type: ignore[arg-type]  # passed on

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(name.startswith(f"{app_label}.") for name in self.get_all_permissions())

    def may_use(self, method: str) -> bool:
        """Whether the scope allows this HTTP method at all."""
        return method in {"GET", "HEAD", "OPTIONS"} or self.token.scope not in READ_ONLY_SCOPES

    def save(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("a token's user is a narrowed copy and is never saved")

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("a token's user is a narrowed copy and is never deleted")


class AuditLogIsAppendOnly(Exception):
    """Someone tried to change or remove what was recorded."""


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Audit entries; there is no way to change or remove one.

    It is the base manager's too, by which Django deletes people: that may take the pointer to them away, and no more.
    """

    def update(self, **kwargs: object) -> int:
        if kwargs != {"actor": None}:
            raise AuditLogIsAppendOnly
        return super().update(**kwargs)

    def delete(self) -> NoReturn:
        raise AuditLogIsAppendOnly

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Insert `objs`; one with the id of an entry that exists takes nobody's place."""
        if args or kwargs.keys() - {"batch_size"}:
            raise AuditLogIsAppendOnly
        return super().bulk_create(objs, **kwargs)

    def bulk_update(self, *args: object, **kwargs: object) -> NoReturn:
        raise AuditLogIsAppendOnly


class AuditEntry(models.Model):
    """One thing that someone did, kept for good; the name stays when the user is deleted."""

    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    actor_name = models.CharField(max_length=150, blank=True, help_text="Empty: the product itself.")
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=255, blank=True)
    detail = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit log"
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = [
            ("administer", "Can use the administration pages"),
            ("clear_cache", "Can clear the cache"),
        ]
        indexes = [
            models.Index(fields=["created_at", "id"], name="ix_audit_created"),
            models.Index(fields=["action", "created_at"], name="ix_audit_action"),
            models.Index(fields=["actor", "created_at"], name="ix_audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name or 'Tidemark'}: {self.action} {self.target}".rstrip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry; an entry that exists is never changed."""
        if not self._state.adding or args or kwargs.keys() - {"force_insert", "using"}:
            raise AuditLogIsAppendOnly
        super().save(**kwargs | {"force_insert": True})  # with an id that exists Django would else overwrite that entry

    def delete(self, *args: object, **kwargs: object) -> NoReturn:
        raise AuditLogIsAppendOnly


class AuditSubject(models.Model):
    """That an entry is about an account, for the account's own list. The account may be gone; the entry never goes."""

    entry = models.ForeignKey(AuditEntry, on_delete=models.PROTECT, related_name="subjects", db_index=False)
    account_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["account_id", "entry"], name="audit_subject_uniq")]

    def __str__(self) -> str:
        return f"entry {self.entry_id} about account {self.account_id}"


def invitation_end() -> datetime:
    """When an invitation made now runs out."""
    return clock.now() + INVITATION_LIFETIME


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations, by what callers need of them."""

    def open(self) -> Self:
        """Invitations that can still be accepted: those of people who left or were shut out end with them."""
        return self.filter(used_at=None, expires_at__gt=clock.now(), created_by__is_active=True)

    def find(self, code: str) -> Invitation | None:
        """The open invitation that `code` belongs to, or None; whoever made it must still be allowed to make it."""
        found = self.open().select_related("created_by").filter(hash=digest(code)).first()
        by = found.created_by if found else None
        if found is None or by is None:
            return None
        return found if by.has_perm("project.add_invitation") and found.role in within(by) else None


class Invitation(models.Model):
    """A link that lets one new person make an account in one role; good once, for 72 hours."""

    role = models.CharField(max_length=20, choices=[(role, role.capitalize()) for role in ROLES])
    email = models.EmailField(blank=True, help_text="Filled in: the link is mailed. Empty: it is shown once.")
    phone = models.CharField(
        max_length=16, blank=True, default="", db_default="", editable=False, help_text="The link was texted there."
    )
    hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(default=invitation_end, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)
    used_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+", editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-created_at", "-id"], name="ix_invitation_created")]

    def __str__(self) -> str:
        return f"{self.get_role_display()}, invited {self.created_at:%Y-%m-%d}"

    def new_code(self) -> str:
        """Give it a fresh code and return it; only its digest is stored, so it can be shown only now."""
        code = secrets.token_urlsafe(32)
        self.hash = digest(code)
        return code

    def use(self, user: User) -> bool:
        """Mark it used by `user`; False if someone was faster or it has run out."""
        unused = Invitation.objects.filter(
            pk=self.pk, used_at=None, expires_at__gt=clock.now()
        )  # no join: compare and set
        return bool(unused.update(used_at=clock.now(), used_by=user))


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Sign-ins, by whose they are."""

    def for_list(self, user: User) -> Self:
        """The sessions that `user` is signed in with, the last used first; nothing is decoded."""
        mine = self.filter(user=user, session__expire_date__gt=clock.now())
        return mine.select_related("session").order_by("-session__expire_date", "-pk")

    def end(self) -> int:
        """Sign these out at once; how many."""
        ended = [sign_in.session for sign_in in self.select_related("session")]
        with transaction.atomic():
            for session in ended:
                session.delete()  # one by one: each is forgotten where it was remembered
        return len(ended)


class SignIn(models.Model):
    """One browser that a person signed in with: it begins and ends with its session, whose key nobody is shown."""

    session = models.OneToOneField("sessions.Session", on_delete=models.CASCADE, related_name="+", editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins", db_index=False)
    lasts = models.DurationField(help_text="How long the session goes on unused.")
    agent = models.CharField(max_length=300, blank=True, help_text="What the browser calls itself.")
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = SignInQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["user"], name="ix_sign_in_user")]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d}"

    @property
    def used_at(self) -> datetime:
        """When it was used last, to the hour: a session's end is pushed out as it is used."""
        return self.session.expire_date - self.lasts

    @property
    def device(self) -> str:
        """Browser and system in words, as far as they say what they are."""
        browser = next((name for sign, name in BROWSERS if sign in self.agent), "")
        system = next((name for sign, name in SYSTEMS if sign in self.agent), "")
        return " on ".join(filter(None, (browser, system))) or "Unknown device"
