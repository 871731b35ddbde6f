"""One reader in a process of its own: says when it is ready, asks once told to, and passes on what was measured."""

import sys

import django

django.setup()

from django.db import connection  # noqa: E402  # after it
from django.test import Client  # noqa: E402

from perf.flushing import flush  # noqa: E402

if __name__ == "__main__":
    reader = Client()
    assert reader.get("/nowhere/").status_code == 404  # by then everything is imported
    connection.ensure_connection()
    print("ready", flush=True)  # the walk waits for it
    sys.stdin.read()
    assert reader.get(sys.argv[1]).status_code == 200
    flush()
