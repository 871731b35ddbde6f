"""Accounts by the names people write: platform/handle, with any alias of the platform and any case of the handle."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.platforms import find_platform, handle_key

NAMED_AT_ONCE = 1_000
UNKNOWN_SHOWN = 10


class UnknownAccounts(Exception):
    """The names are none, too many, or lead to no account; the message says which, for people."""


def accounts_named(accounts: QuerySet[Account], names: Collection[str]) -> QuerySet[Account]:
    """Those of `accounts` that `names` (1 to NAMED_AT_ONCE) name; raises UnknownAccounts, also when one names none."""
    if not names:
        raise UnknownAccounts("No account is named: write one a line, as platform/handle.")
    if len(names) > NAMED_AT_ONCE:
        raise UnknownAccounts(f"{len(names):,} accounts are named, and {NAMED_AT_ONCE:,} are the most at once.")
    keys = {name: _key(name) for name in names}
    asked = Q(pk=None)
    for platform, key in filter(None, keys.values()):
        asked |= Q(platform=platform, handle_key=key)
    found = accounts.filter(asked)
    known = set(found.values_list("platform", "handle_key"))
    if unknown := [name for name, key in keys.items() if key not in known]:
        raise UnknownAccounts(f"There is no account {', '.join(unknown[:UNKNOWN_SHOWN])}.")
    return found


def _key(name: str) -> tuple[str, str] | None:
    """What "platform/handle" is stored under; None when it names no platform, or what no handle can be."""
    platform, _, handle = name.partition("/")
    known = find_platform(platform)
    return (known.name, handle_key(known.name, handle)) if known and "\x00" not in handle else None
