"""A writer for tests.chaos.reading: makes version after version of one account until it is killed."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import django

django.setup()

from django.db import transaction  # noqa: E402  # Django must be set up first

from accounts.models import Account  # noqa: E402  # the same
from perf import clock  # noqa: E402  # the same
from perf.cache import shared  # noqa: E402  # the same
from snapshots.models import Snapshot  # noqa: E402  # the same
from snapshots.recording import Sighting, record  # noqa: E402  # the same
from tests.chaos.versions import BASE, Versions  # noqa: E402  # the same

ROLL_BACK = 7  # every so many versions one is written that never comes to be
UNREAL = 1_000_000  # added to those
PAUSE = 0.1  # seconds at most between two versions, in which readers find answers in the cache
MARK_SECONDS = 2  # what a killed writer leaves behind ends within the test; for a minute nothing would be cached


def write(account: Account, version: int) -> None:
    """One version: the day's figure, by one of three ways, and the account's name."""
    followers = BASE + version
    with transaction.atomic():
        account.display_name = f"v{followers}"
        account.save()
        if version % 3 == 0:
            Snapshot.objects.filter(account=account).update(followers=followers)
        elif version % 3 == 1:
            row = Snapshot.objects.get(account=account)
            row.followers = followers
            row.save()
        else:
            record([Sighting(account.pk, clock.today(), clock.now(), "observed", followers)])
        if followers > BASE + UNREAL:
            transaction.set_rollback(True)


def main() -> None:
    """Go on from what is stored; the file given says which version is begun and which one is done."""
    versions, account = Versions(Path(sys.argv[1])), Account.objects.get()
    shared.WRITER_SECONDS = MARK_SECONDS
    version = Snapshot.objects.get().followers - BASE  # type: ignore[operator]  # a published row says a number
    versions.done = version
    while True:
        if version % ROLL_BACK == 0:
            write(account, version + UNREAL)
        version += 1
        versions.begun = version
        write(account, version)
        versions.done = version
        time.sleep(random.uniform(0, PAUSE))


main()
