"""`manage.py rebuild_renditions`: make pictures and thumbnails anew from the originals, all or what is missing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q, QuerySet

from perf.events import happened
from workitems import janitor, processing
from workitems.models import Photo

BATCH = 200
TURN = 20


class Command(BaseCommand):
    """Each photo shows what it has until its new renditions are there; originals stay as they are."""

    help = "Make pictures and thumbnails of photos anew from their originals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--missing", action="store_true", help="only where a picture, thumbnail or file is missing")
        parser.add_argument("--refused", action="store_true", help="only refused photos: a newer version may read them")
        parser.add_argument("--item", metavar="NUMBER", help="only photos of this work item")
        parser.add_argument("--later", action="store_true", help="leave the work to the workers")

    def handle(self, *, missing: bool, refused: bool, item: str | None, later: bool, **options: Any) -> None:
        chosen = Photo.objects.all() if item is None else Photo.objects.filter(work_item__number=item)
        if item is not None and not chosen.exists():
            raise CommandError(f"There is no photo of {item}.")
        states = [Photo.State.REFUSED] if refused else [Photo.State.READY] if missing else list(Photo.State)
        queued = self._queue(chosen.filter(state__in=states), only_missing=missing)
        happened(None, "workitems.rebuild_renditions", item or "", {"photos": queued})
        self.stdout.write(f"{queued:,} photos to make anew.")
        if not later:
            self._work()

    def _queue(self, photos: QuerySet[Photo], *, only_missing: bool) -> int:
        """Mark the photos in parts, so that nobody waits long for a lock; how many."""
        queued, last = 0, 0
        while part := list(photos.filter(pk__gt=last).order_by("pk")[:BATCH]):
            last = part[-1].pk
            wanted = [photo.pk for photo in part if not only_missing or janitor.is_broken(photo)]
            queued += processing.rebuild(Photo.objects.filter(pk__in=wanted))
        return queued

    def _work(self) -> None:
        made = 0
        while done := processing.process(TURN):
            made += done
            self.stdout.write(f"{made:,} done", ending="\r")
        waiting, refused = Photo.objects.waiting().count(), Q(state=Photo.State.REFUSED)
        self.stdout.write(f"{made:,} made. {Photo.objects.filter(refused).count():,} photos are refused in all.")
        if waiting:
            self.stdout.write(f"{waiting:,} wait and are tried again by the workers.")
