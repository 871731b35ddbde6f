"""Who stands behind a session or token, as far as it is cached: forgotten in the transaction that changes it."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from perf import clock
from perf.cache import Family, forget

AUTH = Family("auth", timeout=900)
"""Who is asking and what they may do. A token's is AUTH.of(digest(secret)), a session's AUTH.of(session_digest(key));
forgetting AUTH forgets all."""

RIGHTS = frozenset({"is_active", "is_superuser", "password"})
"""Fields of a person that decide whether a session or token of theirs holds, and what it may do."""


def digest(secret: str) -> str:
    """SHA-256 as hex of a session key or token: 256 random bits or nearly, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def session_digest(key: str) -> str:
    """What a session is known by: nobody gets further with its key sent as a token, or with a token sent as cookie."""
    return f"session-{digest(key)}"


@receiver(post_save, sender="sessions.Session")
def forget_session(*, instance: Any, **_: object) -> None:
    """A session was written: on signing in, an hour later, or to end it."""
    forget(AUTH.of(session_digest(instance.session_key)))


@receiver(post_delete, sender="sessions.Session")
def forget_ended_session(*, instance: Any, **_: object) -> None:
    """A session was ended: signed out, given a new key, deleted.

    One that ran out is honoured by nobody, and clearing those away may be a million at once.
    """
    if instance.expire_date > clock.now():
        forget_session(instance=instance)


@receiver([post_save, post_delete], sender="project.AccessToken")
def forget_token(*, instance: Any, **_: object) -> None:
    """A token was edited or deleted. Revoking one is an UPDATE, which sends no signal: `revoke` forgets by itself."""
    forget(AUTH.of(instance.hash))


@receiver(post_save, sender="auth.User")
def forget_changed_person(*, created: bool, update_fields: frozenset[str] | None, **_: object) -> None:
    """Forget everyone when someone's rights may have changed; a mere sign-in writes `last_login` alone."""
    if not created and (update_fields is None or update_fields & RIGHTS):
        forget(AUTH)


@receiver(m2m_changed, sender="auth.User_groups")
@receiver(m2m_changed, sender="auth.User_user_permissions")
@receiver(m2m_changed, sender="auth.Group_permissions")
def forget_changed_rights(*, pk_set: set[int] | None, **_: object) -> None:
    """Roles or permissions were given or taken, from whichever side."""
    if pk_set is None or pk_set:  # None: all were taken
        forget(AUTH)


@receiver(post_delete, sender="auth.User")
@receiver([post_save, post_delete], sender="auth.Group")
@receiver([post_save, post_delete], sender="auth.Permission")
def forget_everyone(*, created: bool = False, **_: object) -> None:
    """A person, role or permission is gone, or means something else; a new one is nobody's yet."""
    if not created:
        forget(AUTH)


@receiver([post_save, post_delete], sender="otp_totp.TOTPDevice")
def forget_everyone_asked_for_codes(*, update_fields: frozenset[str] | None = None, **_: object) -> None:
    """Somebody signs in in one step more or less; that a code was used (`update_fields`) changes nothing."""
    if update_fields is None:
        forget(AUTH)
