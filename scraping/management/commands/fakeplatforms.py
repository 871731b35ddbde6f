"""`manage.py fakeplatforms`: serve every fake platform on loopback until stopped."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scraping.fakes import server


class Command(BaseCommand):
    """Serves the fake platforms and prints the address for FAKE_PLATFORMS_URL."""

    help = "Serve the fake platforms on 127.0.0.1; set FAKE_PLATFORMS_URL to the address it prints."
    requires_system_checks: list[str] = []  # it touches neither database nor cache

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8900, help="0 takes a free one (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            url, stop = server.start(options["port"])
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {options['port']} cannot be used: {error}") from error
        self.stdout.write(f"Fake platforms at {url}")
        self.stdout.flush()
        stopped.wait()
        stop()
