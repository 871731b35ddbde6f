"""`manage.py assets`: the static files that production serves, collected anew, and what that saved."""

from __future__ import annotations

from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from project.statics import collect, sizes


class Command(BaseCommand):
    """Minifies, hashes and compresses into STATIC_ROOT; the sources stay as they are."""

    help = "Minify, hash and compress the static files for production"

    def handle(self, **options: Any) -> None:
        """Collect, then tell the bytes of our own style sheets and scripts: written, minified, on the wire."""
        collect()
        told = sizes()
        if not told.files:
            raise CommandError("Nothing was minified: development serves the plain files. Set DEBUG=0.")
        self.stdout.write(
            f"{told.files} style sheets and scripts: {told.written:,} bytes written, {told.minified:,} minified, "
            f"{told.compressed:,} compressed with Brotli."
        )
