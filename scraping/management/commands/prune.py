"""`manage.py prune`: delete records of past work that are older than they are kept, or only say how many there are."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from scraping import retention
from snapshots.exports.files import expire
from snapshots.models import ExportJob


class Command(BaseCommand):
    """Beat does the same every day; nothing has to be called by hand."""

    help = "Delete attempts, jobs, runs, samples, exports, hours, permits and closed alerts past their time."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        kept = {kind.name: kind.days for kind in retention.expired()}
        counts = {kind.name: kind.rows.count() for kind in retention.expired()} if dry_run else None
        for name, count in (counts or retention.prune(until=float("inf"))).items():
            self.stdout.write(f"{name}: {count:,} older than {kept[name]} days{'' if dry_run else ', deleted'}")
        outdated = ExportJob.objects.outdated().count() if dry_run else expire()
        hours = f"{settings.EXPORT_KEEP_HOURS} hours{'' if dry_run else ', removed'}"
        self.stdout.write(f"files of exports: {outdated:,} older than {hours}")
        if dry_run:
            self.stdout.write("Nothing was deleted.")
