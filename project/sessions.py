"""Who is signed in where: noted as a session begins; ended when its person, their roles or an administrator say so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models.signals import m2m_changed, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from perf import clock
from project.audit import current_request
from project.models import SignIn

CREW_SESSION = 30 * 24 * 3600  # seconds; a phone aboard stays signed in
LENGTH = "_session_expiry"  # where Django keeps a session's own length


def begin(*, request: HttpRequest, user: User, **_: object) -> None:
    """Receiver of user_logged_in: 30 days for people who are crew and nothing else, SESSION_COOKIE_AGE for others."""
    if _is_crew_alone(user):
        request.session.set_expiry(CREW_SESSION)
    if not request.session.session_key:  # another person's was thrown away just now
        request.session.save()
    _note(str(request.session.session_key), user.pk, request.session.get_expiry_age(), request)


@receiver(post_save, sender=Session)
def follow(*, instance: Session, created: bool, **_: object) -> None:
    """A session of somebody signed in got a new key, as it does with a new password."""
    said = instance.get_decoded() if created else {}
    if SESSION_KEY in said:
        length = said.get(LENGTH, settings.SESSION_COOKIE_AGE)
        _note(instance.session_key, int(said[SESSION_KEY]), length, current_request.get())


def end_all(user: User) -> int:
    """Sign `user` out everywhere, at once; how many sessions that ended."""
    return SignIn.objects.filter(user=user).end()


@receiver(post_save, sender=User)
def end_of_deactivated(*, instance: User, created: bool, update_fields: frozenset[str] | None, **_: object) -> None:
    """Whoever is deactivated is signed out, and stays so when they are activated again."""
    if not created and not instance.is_active and (update_fields is None or "is_active" in update_fields):
        end_all(instance)


@receiver(post_save, sender=User)
def end_long_ones_of_superusers(*, instance: User, update_fields: frozenset[str] | None, **_: object) -> None:
    """Who may do everything now keeps no session of 30 days."""
    if instance.is_superuser and (update_fields is None or "is_superuser" in update_fields):
        _end_long_ones([instance])


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
def end_long_ones(*, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: object) -> None:
    """Nor does who is in another role now, or was given a permission alone."""
    if action.startswith("post_"):
        _end_long_ones(User.objects.filter(pk__in=pk_set or ()) if reverse else [instance])


def _end_long_ones(users: Iterable[User]) -> None:
    long_ones = SignIn.objects.filter(lasts__gt=timedelta(seconds=settings.SESSION_COOKIE_AGE))
    for user in users:
        if not _is_crew_alone(user):
            long_ones.filter(user=user).end()


def _is_crew_alone(user: User) -> bool:
    is_crew = set(user.groups.values_list("name", flat=True)) == {"crew"}
    return is_crew and not user.is_superuser and not user.user_permissions.exists()


def _note(key: str, user_id: int, length: int, request: HttpRequest | None) -> None:
    meta = request.META if request else {}
    said = {
        "lasts": timedelta(seconds=length),
        "agent": meta.get("HTTP_USER_AGENT", "").replace("\0", "")[:300],
        "address": meta.get("REMOTE_ADDR") or None,
        "created_at": clock.now(),
    }
    SignIn.objects.update_or_create(session_id=key, defaults={"user_id": user_id, **said})
