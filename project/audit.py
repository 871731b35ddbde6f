"""The audit log's ears: everything that `perf.events` tells, and what Django and axes tell of sign-ins and roles."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_delete, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from perf.events import event, happened
from project.models import AuditEntry, AuditSubject
from project.throttles import SIGN_INS_RECORDED, SIGN_INS_UNTOLD, wait

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)
"""The request being answered, for its address and its user; None in workers and commands."""

NAMED = 500  # ids that an entry's own detail lists
LINKED = 10_000  # accounts that show an entry in their own list
LINKED_AT_ONCE = 400  # rows a statement
RIGHTS = ("is_active", "is_staff", "is_superuser")
SIGN_IN_FAILED, LOCKED_OUT, MORE_FAILED = "auth.sign_in_failed", "auth.locked_out", "auth.more_sign_ins_failed"
UNKNOWN_NAME = "an unknown name"  # as it was typed it may be a password
WORDS = ("username", "email", "first_name", "last_name")
"""Of these it is recorded that they changed, not what they say; whoever has the address sets the password."""


def actor_now() -> User | None:
    """Who is asking at this moment; None outside a request and for signed-out people."""
    user = getattr(current_request.get(), "user", None)
    return user if user is not None and user.is_authenticated else None


@receiver(event)
def store(*, actor: Any, action: str, target: str, detail: dict[str, Any], **_: object) -> None:
    """Write one entry, in the transaction of whatever happened."""
    request = current_request.get()
    entry = AuditEntry.objects.create(
        actor_id=getattr(actor, "pk", None),
        actor_name=actor.get_username()[:150] if actor is not None else "",
        action=action,
        target=str(target).replace("\0", "")[:255],
        detail={name: value[:NAMED] if isinstance(value, list) else value for name, value in detail.items()},
        address=request.META.get("REMOTE_ADDR") or None if request else None,
    )
    about = accounts_in(action, detail)[:LINKED]
    subjects = [AuditSubject(entry=entry, account_id=pk) for pk in about]
    AuditSubject.objects.bulk_create(subjects, batch_size=LINKED_AT_ONCE)


def accounts_in(action: str, detail: dict[str, Any]) -> list[int]:
    """The accounts that an event is about, by id: `accounts` of its detail, or `id` or `ids` of an accounts.* event."""
    about = detail.get("accounts")
    if action.startswith("accounts."):
        about = detail.get("ids", [detail["id"]] if "id" in detail else [])
    return sorted(set(about)) if isinstance(about, list) else []


@receiver(user_logged_in)
def signed_in(*, user: User, **_: object) -> None:
    """Record a sign-in."""
    happened(user, "auth.sign_in", user.get_username())


@receiver(user_logged_out)
def signed_out(*, user: User | None, **_: object) -> None:
    """Record a sign-out."""
    if user is not None:
        happened(user, "auth.sign_out", user.get_username())


@receiver(user_login_failed)
def sign_in_failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: object) -> None:
    """Record a refused sign-in; tries made while locked out add nothing."""
    if not getattr(request, "axes_locked_out", False):
        _record_refusal(request, SIGN_IN_FAILED, credentials.get("username"))


@receiver(user_locked_out)
def locked_out(*, request: HttpRequest, username: str | None, **_: object) -> None:
    """Record the moment a name and address are locked, not each try that follows."""
    if getattr(request, "axes_failures_since_start", None):
        _record_refusal(request, LOCKED_OUT, username)


def _record_refusal(request: HttpRequest | None, action: str, name: str | None) -> None:
    """Record a refusal unless its address has filled SIGN_INS_RECORDED, and then, once, that there were more."""
    where = getattr(request, "axes_ip_address", None)  # of IPv6 the /64
    if not wait(SIGN_INS_RECORDED, SIGN_IN_FAILED, LOCKED_OUT, detail__where=where):
        is_known = User.objects.filter(username=name or "").exists()
        happened(None, action, str(name) if is_known else UNKNOWN_NAME, {"where": where})
    elif not wait(SIGN_INS_UNTOLD, MORE_FAILED, detail__where=where):
        happened(None, MORE_FAILED, "", {"where": where, "recorded": SIGN_INS_RECORDED.limit})


@receiver(m2m_changed, sender=User.groups.through)
def role_changed(*, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: object) -> None:
    """Record groups given and taken, from whichever side."""
    verb = {"post_add": "given", "post_remove": "taken", "pre_clear": "taken"}.get(action)
    if verb is None or (action != "pre_clear" and not pk_set):
        return
    if reverse:
        users = User.objects.filter(pk__in=pk_set) if pk_set else instance.user_set.all()
        for user in users:
            happened(actor_now(), "auth.role_changed", user.get_username(), {verb: [instance.name]})
        return
    groups = Group.objects.filter(pk__in=pk_set) if pk_set else instance.groups.all()
    if names := sorted(groups.values_list("name", flat=True)):
        happened(actor_now(), "auth.role_changed", instance.get_username(), {verb: names})


@receiver(m2m_changed, sender=Group.permissions.through)
def role_means_else(*, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: object) -> None:
    """Record what an administrator gives to a role or takes from it; sync_roles keeps a record of its own."""
    verb = {"post_add": "given", "post_remove": "taken"}.get(action)
    if verb and pk_set and not reverse and actor_now():
        names = Permission.objects.filter(pk__in=pk_set).values_list("codename", flat=True)
        happened(actor_now(), "roles.changed", instance.name, {verb: sorted(names)})


@receiver(m2m_changed, sender=User.user_permissions.through)
def permission_changed(*, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: object) -> None:
    """Record single permissions given and taken beside the roles."""
    if action in {"post_add", "post_remove", "post_clear"} and not reverse:
        happened(actor_now(), "auth.permission_changed", instance.get_username(), {action: sorted(pk_set or ())})


@receiver(pre_save, sender=User)
def rights_changed(*, instance: User, update_fields: frozenset[str] | None, **_: object) -> None:
    """Record activation, deactivation and the superuser flag, and that a name or address is another."""
    if instance.pk is None or (update_fields is not None and not update_fields & {*RIGHTS, *WORDS}):
        return
    before = User.objects.filter(pk=instance.pk).values(*RIGHTS, *WORDS).first() or {}
    changed = {name: getattr(instance, name) for name, was in before.items() if getattr(instance, name) != was}
    if rights := {name: value for name, value in changed.items() if name in RIGHTS}:
        happened(actor_now(), "auth.role_changed", instance.get_username(), rights)
    if words := [name for name in WORDS if name in changed]:
        happened(actor_now(), "auth.user_changed", instance.get_username(), {"fields": words})


@receiver(post_delete, sender=User)
def user_deleted(*, instance: User, **_: object) -> None:
    """Record that a person's account is gone; their entries keep the name."""
    actor = actor_now()
    themselves = actor is not None and actor.pk == instance.pk  # then the row to point at is gone
    happened(None if themselves else actor, "auth.user_deleted", instance.get_username(), {"themselves": themselves})


class PasswordChangeRecord:
    """Listed among the password validators, which Django tells of every new password, whoever set it."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Accept every password: this validator only listens."""

    def get_help_text(self) -> str:
        return ""

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Record that `user` has a new password."""
        if user is not None:
            happened(actor_now() or user, "auth.password_changed", user.get_username())
