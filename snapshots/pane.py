"""The accounts that an address chooses beside the sidebar: one to look at closely, or up to eight to compare."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import NamedTuple, Self
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse

from accounts.models import Account, AccountQuerySet, FormerHandle
from accounts.platforms import find_platform, handle_key
from snapshots.models import CHANGES, LatestSnapshot
from snapshots.periods import Period

MOST = 8  # accounts compared at once: as many as a chart has colours
QUOTED = 60  # characters of an address that are said again

Address = tuple[str, str]


class Change(NamedTuple):
    """How followers changed over `days`: the difference and what it is one from; None where either end is unknown."""

    days: int
    value: int | None
    base: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One chosen account with its latest figures, None where there are none yet."""

    account: Account
    latest: LatestSnapshot | None
    without: str  # the address's query once this account is taken out of the comparison

    @property
    def changes(self) -> list[Change]:
        """Over each span that a latest row maintains, the shortest first."""
        followers = self.latest.followers if self.latest else None
        made = []
        for name, days in CHANGES.items():
            value = getattr(self.latest, name, None)
            base = None if followers is None or value is None else followers - value
            made.append(Change(days, value, base))
        return made


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an address chooses: the accounts that there are, in its order, and what it names and nobody finds."""

    shown: list[Shown]
    unknown: list[str]
    too_many: list[str]
    period: Period

    @classmethod
    def of(cls, query: QueryDict, user: AbstractBaseUser | AnonymousUser, period: Period) -> Self | None:
        """The accounts named as ?account=platform/handle, as far as `user` may see them; None where none is named."""
        named = list(dict.fromkeys(raw for raw in query.getlist("account") if raw))
        if not named:
            return None
        asked, too_many = named[:MOST], named[MOST:]
        found = _accounts({raw: _address(raw) for raw in asked}, Account.objects.visible_to(user))
        accounts = list({account.pk: account for account in found.values()}.values())
        unknown = [raw[:QUOTED] for raw in asked if raw not in found]
        latest = LatestSnapshot.objects.known().in_bulk([account.pk for account in accounts])
        shown = [Shown(one, latest.get(one.pk), _query([o for o in accounts if o != one], period)) for one in accounts]
        return cls(shown, unknown, [raw[:QUOTED] for raw in too_many], period)

    @property
    def one(self) -> Shown | None:
        """The only account, where there is one only."""
        return self.shown[0] if len(self.shown) == 1 else None

    @property
    def title(self) -> str:
        """What the pane is about, for its heading and the window's title."""
        if not self.shown:
            return "No such account"
        return self.one.account.handle if self.one else f"{len(self.shown)} accounts compared"

    @property
    def src(self) -> str:
        """The address of the chart's figures, without its query."""
        if not self.one:
            return reverse("api:histories")
        return reverse("api:history", args=[self.one.account.platform, self.one.account.handle])

    @property
    def query(self) -> str:
        """The query of the chart's figures: the period, and whose they are where it takes several."""
        named = "" if self.one else _query([one.account for one in self.shown])
        return "&".join(part for part in (named, self.period.figures) if part)

    @property
    def about(self) -> str:
        """Whose days the chart's notes are about, as a query."""
        return _query([one.account for one in self.shown])


def address_of(account: Account) -> str:
    """How an address names `account`: x/CDCgov."""
    return f"{account.platform}/{account.handle}"


def _query(accounts: Iterable[Account], period: Period | None = None) -> str:
    chosen = urlencode([("account", address_of(account)) for account in accounts], safe="/:")
    return "&".join(part for part in (chosen, period.query if period else "") if part)


def _address(raw: str) -> Address | None:
    """Platform and handle in the spelling that they are stored under; None for what names neither."""
    name, _, handle = raw.partition("/")
    platform = find_platform(name)
    if platform is None or not handle or "\x00" in raw:
        return None
    return platform.name, handle_key(platform.name, handle)


def _accounts(asked: dict[str, Address | None], visible: AccountQuerySet) -> dict[str, Account]:
    """The account of each address asked for, a former handle's too, as two statements find them."""
    wanted = {address for address in asked.values() if address}
    found = _at(wanted, visible)
    if former := wanted - found.keys():
        rows = FormerHandle.objects.filter(_named(former), account__in=visible)
        owners = {row.account_id: (row.platform, row.handle_key) for row in rows}
        present = visible.select_related("organization").filter(pk__in=owners)
        found |= {owners[account.pk]: account for account in present}
    return {raw: found[address] for raw, address in asked.items() if address in found}


def _at(addresses: set[Address], visible: AccountQuerySet) -> dict[Address, Account]:
    if not addresses:
        return {}
    rows = visible.select_related("organization").filter(_named(addresses))
    return {(account.platform, account.handle_key): account for account in rows}


def _named(addresses: Iterable[Address]) -> Q:
    return reduce(or_, (Q(platform=platform, handle_key=handle) for platform, handle in sorted(addresses)))


def addresses_of(chosen: Chosen | None) -> Sequence[str]:
    """The addresses of the accounts that are shown."""
    return [address_of(one.account) for one in chosen.shown] if chosen else []
