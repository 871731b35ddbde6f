"""Who changed what of an account, beside reading the whole log; run by manage.py benchmark project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from itertools import islice
from typing import Any

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction

from accounts.models import Account
from perf.benchmark import Case
from perf.costing import Address
from project.audit import accounts_in
from project.models import AuditEntry, AuditSubject

ACCOUNTS, ENTRIES = 500, 5_000
BASE = 1_000_000_000_000
"""Ids that no account has."""
SHOWN = 10


@contextmanager
def _log() -> Iterator[None]:
    """Ten edits of each of ACCOUNTS accounts that nobody else sees; an entry, once committed, would stay for good."""
    with transaction.atomic():
        made = AuditEntry.objects.bulk_create(
            (
                AuditEntry(action="accounts.edit", detail={"ids": [BASE + number % ACCOUNTS]}, target="benchmark")
                for number in range(ENTRIES)
            ),
            batch_size=500,
        )
        links = (AuditSubject(entry=entry, account_id=BASE + number % ACCOUNTS) for number, entry in enumerate(made))
        AuditSubject.objects.bulk_create(links, batch_size=500)
        yield
        transaction.set_rollback(True)


def benchmarks() -> Iterator[Case]:
    """The newest changes of one account."""
    yield Case("who changed an account", {"naive": read_the_log, "ours": linked}, world=_log)


def read_the_log() -> list[int]:
    """Entries are looked at from the newest on."""
    newest = AuditEntry.objects.order_by("-pk").iterator()
    return list(islice((each.pk for each in newest if BASE in accounts_in(each.action, each.detail)), SHOWN))


def linked() -> list[int]:
    """As the account's page asks."""
    rows = AuditSubject.objects.filter(account_id=BASE).select_related("entry").order_by("-entry_id")
    return [subject.entry.pk for subject in rows[:SHOWN]]


def fill(person: Any) -> None:
    """The rights of a reviewer who is an administrator too."""
    call_command("sync_roles", verbosity=0, stdout=StringIO())
    person.groups.add(*Group.objects.filter(name__in=["reviewer", "admin"]))


def addresses() -> dict[str, Address]:
    """Where the routes with arguments are."""
    return {"changes": Address({"pk": Account.objects.order_by("pk")[0].pk})}
