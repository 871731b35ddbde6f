"""Sessions in the database, which is asked only for what can be a session's key."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's own; but a cookie may hold anything, and PostgreSQL cannot even be asked for a NUL."""

    def _validate_session_key(self, key: str) -> bool:
        usable: bool = super()._validate_session_key(key)  # type: ignore[misc]  # the stubs do not know it
        return usable and key.isascii() and key.isalnum()
