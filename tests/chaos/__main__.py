"""`python -m tests.chaos`, also as `make chaos-gather`: a large scrape under every fault at once, and its report.

`python -m tests.chaos reading --seconds 60`, also as `make chaos-read`, reads while a writer writes and is killed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from project.embedded import Postgres, Valkey
    from tests.chaos.gathering import Faults

SECONDS_A_KILL = 5.0  # what the slowest machine may take for a kill, and for a thousand jobs


def main() -> int:
    """Run what is asked for; 0 when all was well."""
    return _reading(sys.argv[2:]) if sys.argv[1:2] == ["reading"] else _gathering()


def _reading(arguments: list[str]) -> int:
    """Read from the real server while another process writes; 0 when every answer was true."""
    parser = argparse.ArgumentParser(prog="make chaos-read", description=_reading.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args(arguments)
    with _servers(), tempfile.TemporaryDirectory() as folder:
        from tests.chaos.reading import read_for

        report = read_for(options.seconds, Path(folder), clients=options.clients)
    print(f"\n{report}\n\n{'THIS MUST NOT BE.' if report.wrong else 'Every answer was true.'}")
    return 1 if report.wrong else 0


def _gathering() -> int:
    """Run one such scrape on servers of its own; 0 when nothing was lost, doubled or overspent."""
    options = _options()
    with _servers() as (postgres, valkey, fakes_url):
        from tests.chaos.gathering import Faults, Gathering

        faults = Faults(
            worker_kills=options.kills,
            redis_kills=options.redis_kills,
            redis_wipes=options.wipes,
            redis_hangs=options.hangs,
            postgres_kills=options.postgres_kills,
            storms=options.storms,
        )
        gathering = Gathering(
            fakes_url, valkey, postgres=postgres, workers=2, beats=3, lease=30, seed=options.seed, say=_say
        )
        report = gathering.run(options.jobs, faults, seconds=_patience(options.jobs, faults))
    print(f"\n{report}\n\n{'Nothing was lost.' if report.whole else 'THIS MUST NOT BE.'}")
    return 0 if report.whole else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos-gather", description=_gathering.__doc__)
    for name, default, said in (
        ("jobs", 100_000, "accounts to scrape"),
        ("kills", 300, "kill -9 of workers"),
        ("redis-kills", 20, "kill -9 of Redis"),
        ("wipes", 5, "FLUSHALLs"),
        ("hangs", 5, "times Redis hangs for some seconds"),
        ("postgres-kills", 2, "kill -9 of PostgreSQL"),
        ("storms", 5, "storms of 429 on three platforms at once"),
        ("seed", 1, "chooses when what strikes"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{said} (default: %(default)s)")
    return parser.parse_args()


def _patience(jobs: int, faults: Faults) -> float:
    """Seconds after which a scrape that is not over is called stuck."""
    return 300 + SECONDS_A_KILL * (faults.worker_kills + jobs / 1_000) + 30 * (faults.redis_kills + faults.redis_hangs)


def _say(line: str) -> None:
    print(line, flush=True)


@contextmanager
def _servers() -> Iterator[tuple[Postgres, Valkey, str]]:
    """A PostgreSQL that keeps what it committed, a Valkey that does, and the fake platforms, migrated and ready."""
    from project.embedded import Postgres, Valkey
    from tests import services

    services.FOLDER.chmod(0o711)
    postgres, valkey = (
        Postgres(services.FOLDER / "postgres", durable=True),
        Valkey(services.FOLDER / "valkey", durable=True),
    )
    fakes = None
    try:
        postgres.start()
        valkey.start()
        os.environ |= {"TEST_DATABASE_URL": postgres.url(), "TEST_REDIS_URL": valkey.url(0), "LOG_LEVEL": "ERROR"}
        services.start()
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        import django

        django.setup()
        from django.core.management import call_command

        from tests import processes

        call_command("migrate", verbosity=0)
        fakes = processes.start("fakes", ["manage.py", "fakeplatforms", "--port", "0"])
        fakes.wait_until(lambda: "http://" in fakes.output())
        found = re.search(r"http://\S+", fakes.output())
        assert found is not None
        yield postgres, valkey, found[0]
    finally:
        if fakes is not None:
            fakes.kill()
        valkey.stop()
        postgres.stop()
        services.stop()


if __name__ == "__main__":
    sys.exit(main())
