"""Made-up accounts for trying the product at size: the same ones for the same seed, under names nobody mistakes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

from accounts.models import Account, Organization
from accounts.platforms import find_platform, handle_key, profile_url
from accounts.rosters import read_roster
from accounts.tags import AccountTag, Tag, tag_key
from perf.clock import today

MOST_SEEDS = 10_000
MOST_ACCOUNTS = 1_000_000  # so that a handle fits X's fifteen letters
AN_ORGANIZATION = 60  # accounts on average; the largest has far more

ROSTER = Path(__file__).parent / "demo_roster.json"
PLACES = ("Harbour", "Valley", "Northern", "Lakeside", "Central", "Coastal", "River", "Summit", "Prairie", "Island")
SUBJECTS = ("Health", "Parks", "Transport", "Water", "Libraries", "Safety", "Energy", "Culture", "Schools", "Housing")
TAGS = {"English": 0.2, "Spanish": 0.05, "campaign": 0.1, "crisis team": 0.02, "events": 0.1, "pilot": 0.01}
"""Tags, and the shares of accounts that carry them."""


def handle_of(seed: int, number: int) -> str:
    """The handle of the account `number` (from 0): legal on every platform of the roster."""
    return f"seed{seed}_{number:06d}"


def present(seed: int) -> set[int]:
    """The numbers of the accounts of `seed` that are in the registry."""
    start = f"seed{seed}_"
    keys = Account.objects.filter(handle_key__startswith=start).values_list("handle_key", flat=True)
    return {int(key.removeprefix(start)) for key in keys if key.removeprefix(start).isdigit()}


def seeded_organizations(seed: int, accounts: int) -> list[Organization]:
    """The organisations of `accounts` accounts, stored where they are missing, the largest first."""
    names = [
        f"{PLACES[number % len(PLACES)]} {SUBJECTS[number // len(PLACES) % len(SUBJECTS)]} (seed {seed}, {number + 1})"
        for number in range(max(accounts // AN_ORGANIZATION, 1))
    ]
    Organization.objects.bulk_create([Organization(name=name) for name in names], batch_size=500, ignore_conflicts=True)
    found = Organization.objects.filter(name__contains=f"(seed {seed}, ").in_bulk(field_name="name")
    return [found[name] for name in names]


def put_tags(accounts: Sequence[Account], seed: int) -> None:
    """Put tags on stored `accounts` that have none; in the transaction that made them, which announced them."""
    ids = Tag.objects.locked_by_name(list(TAGS))
    pairs = []
    for account in accounts:
        chance = Random(f"tags {seed} {account.handle_key}")  # noqa: S311  # nothing secret
        carried = [name for name, share in TAGS.items() if chance.random() < share]
        pairs += [(account.pk, ids[tag_key(name)]) for name in carried]
    AccountTag.objects.write(add=pairs, remove=())


class Registry:
    """Makes accounts whose platforms are mixed as in the real roster and whose organisations follow Zipf's law.

    An organisation's accounts have numbers in a row, as a registry that is filled from one office's list after another.
    """

    def __init__(self, seed: int, accounts: int) -> None:
        self.seed = seed
        self.organizations = seeded_organizations(seed, accounts)
        shares = list(accumulate(1 / rank for rank in range(1, len(self.organizations) + 1)))
        self.ends = [share / shares[-1] * accounts for share in shares]
        platforms = (find_platform(row.platform) for row in read_roster(ROSTER.read_bytes()))
        self.platforms = [platform.name for platform in platforms if platform]

    def accounts(self, numbers: Iterable[int]) -> list[Account]:
        """The accounts of these numbers, not stored; each depends on the seed, its number and the organisations."""
        return [self._account(number) for number in numbers]

    def _account(self, number: int) -> Account:
        chance = Random(f"account {self.seed} {number}")  # noqa: S311  # nothing secret
        platform, handle = chance.choice(self.platforms), handle_of(self.seed, number)
        organization = self.organizations[bisect_right(self.ends, number)]
        leader = chance.random() < 0.05
        return Account(
            platform=platform,
            handle=handle,
            handle_key=handle_key(platform, handle),
            url=profile_url(platform, handle),
            organization=organization,
            display_name=f"{organization.name.partition(' (')[0]} {number}",
            owner_team=chance.choice(("", "Press office", "Community desk")),
            kind=Account.Kind.LEADER if leader else chance.choice(Account.Kind.values[:3]),
            is_core=chance.random() < 0.08,
            is_active=chance.random() >= 0.04,
            is_leader=leader,
            sensitivity=chance.choice(Account.Sensitivity.values),
            verified=chance.choice(Account.Verified.values),
            opened_on=today() - timedelta(days=chance.randint(400, 5_000)),
        )
