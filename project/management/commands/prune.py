"""`manage.py prune`: delete what is older than it is kept, of all apps, or only say how much there is."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from perf import expiring
from project import retention
from snapshots.exports.files import expire
from snapshots.models import ExportJob


class Command(BaseCommand):
    """Beat does the same every day; nothing has to be called by hand."""

    help = "Delete records of past work, sessions, notices and other rows past their time; --dry-run only counts them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        kinds = {kind.name: kind for kind in expiring.expired()}
        gone = {} if dry_run else retention.prune(float("inf"))
        for name, kind in kinds.items():
            count = kind.rows.count() if dry_run else gone[name]
            self.stdout.write(f"{name}: {count:,} {kind}{'' if dry_run else ', deleted'}")
        outdated = ExportJob.objects.outdated().count() if dry_run else expire()
        hours = f"{settings.EXPORT_KEEP_HOURS} hours{'' if dry_run else ', removed'}"
        self.stdout.write(f"files of exports: {outdated:,} older than {hours}")
        if dry_run:
            self.stdout.write("Nothing was deleted.")
