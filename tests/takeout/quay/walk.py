"""What perf shows in that project: run by tests.test_takeout in a process of its own, KEPT in tables or in memory."""

import os
import sys

for absent in ("redis", "django_redis", "hiredis", "celery", "kombu", "ninja", "orjson", "prometheus_client", "brotli"):
    sys.modules[absent] = None  # type: ignore[assignment]  # importing it fails, as where it is not installed

import django  # noqa: E402  # after them
from django.core.management import call_command  # noqa: E402  # the same


def main() -> None:
    """Measure some requests, flush, and read them back."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from perf import exemplars, flushing, reading

    tables = connection.introspection.table_names()
    assert ("perf_arrival" in tables) is ("MEMORY" not in os.environ), tables
    client = Client()
    for _ in range(3):
        answer = client.get("/berths/")
        assert answer.content == b"berths", answer
        assert answer["Server-Timing"].endswith('"12 queries"'), answer["Server-Timing"]
    flushing.flush()
    (found,) = reading.totals("request.queries", reading.window("24h"), route="berths").values()
    assert (found.count, found.most) == (3, 12), found
    (asked,) = exemplars.of("berths", reading.window("24h")).worst[0].queries
    assert (asked.times, asked.file, asked.function) == (12, "quay/urls.py", "berths"), asked
    assert client.get("/performance/").status_code == 403
    assert client.post("/performance/beacon/", {"route": "berths", "answered_ms": "1"}).status_code == 403
    client.force_login(User.objects.create_superuser("ann"))
    page = client.get("/performance/")
    assert page.status_code == 200, page
    assert b"berths" in page.content


if __name__ == "__main__":
    django.setup()
    call_command("check")
    if "MEMORY" in os.environ:
        call_command("migrate", "auth", verbosity=0)
        call_command("migrate", "sessions", verbosity=0)
    else:
        call_command("migrate", verbosity=0)
        call_command("makemigrations", check=True, dry_run=True)
    main()
