"""`python -m tests.chaos`, also as `make chaos-gather`: a large scrape under every fault at once, and its report.

`python -m tests.chaos reading --seconds 60`, also as `make chaos-read`, reads while a writer writes and is killed.
`… hangs` (`make chaos-hangs`) and `… kills --rounds 2` (`make chaos-kills`) take the whole product as `up` starts it.
Each leaves its report under var/chaos/; `make chaos` runs them all.
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
    parts = {"reading": _reading, "hangs": _hangs, "kills": _kills}
    part = parts.get("".join(sys.argv[1:2]))
    return part(sys.argv[2:]) if part else _gathering()


def _hangs(arguments: list[str]) -> int:
    """Ask for everything while Redis hangs, and while PostgreSQL does; 0 when nothing failed that need not."""
    argparse.ArgumentParser(prog="make chaos-hangs", description=_hangs.__doc__).parse_args(arguments)
    _set_up()
    from tests.chaos import faults, written

    return written.write("hangs", "Redis and PostgreSQL that hang", *faults.hangs())


def _kills(arguments: list[str]) -> int:
    """Kill −9 each process of the product in turn under load; 0 when nothing was lost and everything came back."""
    parser = argparse.ArgumentParser(prog="make chaos-kills", description=_kills.__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="kills of each process (default: %(default)s)")
    options = parser.parse_args(arguments)
    _set_up()
    from tests.chaos import faults, written

    return written.write("kills", "Every process killed under load", *faults.kills(options.rounds))


def _set_up() -> None:
    """Django in this process, for its addresses alone: the product runs in its own."""
    os.environ |= {"TIDEMARK_TESTING": "1", "SECRET_KEY": "asking", "DATABASE_URL": "sqlite:///:memory:"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django

    django.setup()


def _reading(arguments: list[str]) -> int:
    """Read from the real server while another process writes; 0 when every answer was true."""
    parser = argparse.ArgumentParser(prog="make chaos-read", description=_reading.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    options = parser.parse_args(arguments)
    with _servers(), tempfile.TemporaryDirectory() as folder:
        from tests.chaos.reading import read_for

        report = read_for(options.seconds, Path(folder), clients=options.clients)
    return _write("reading", "Reads while a writer is killed", report, wrong=bool(report.wrong))


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
    return _write("gathering", "A scrape under every fault", report, wrong=not report.whole)


def _write(name: str, title: str, report: object, *, wrong: bool) -> int:
    """Keep and print a report of lines of words, two spaces, figures."""
    from tests.chaos import written

    rows = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in str(report).splitlines())
    return written.write(name, title, rows, ["See the figures above."] if wrong else [])


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
