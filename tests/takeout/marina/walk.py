"""Walks into every planted fault and reads what the performance page says: run by tests.test_takeout in a process."""

import html
import os
import subprocess
import sys
import threading
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client

READERS = 4
SOURCE = Path(__file__).parent / "views.py"


def line(words: str) -> str:
    """Where the code says `words`: "marina/views.py:27"."""
    lines = SOURCE.read_text().splitlines()
    return f"marina/views.py:{next(number for number, text in enumerate(lines, 1) if text.endswith(f'# {words}'))}"


def at_once(address: str) -> None:
    """READERS who ask for `address` in the same moment."""
    gate = threading.Barrier(READERS)

    def read() -> None:
        gate.wait()
        assert Client().get(address).status_code == 200
        connection.close()

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()


def in_processes(address: str) -> None:
    """READERS in processes of their own, as the workers of a web server are."""
    command = [sys.executable, "-m", "marina.reader", address]
    readers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(READERS)
    ]
    for one in readers:
        assert one.stdout.readline() == "ready\n"
    for one in readers:
        one.stdin.close()
    assert [one.wait(timeout=60) for one in readers] == [0] * READERS


crowd = in_processes if "REDIS" in os.environ else at_once


def use_it() -> None:
    """The project's people at work."""
    from marina.models import Berth, Boat
    from marina.views import CAPTAIN, TIDES

    from perf.cache import forget

    for number in range(25):
        Boat.objects.create(name=f"Boat {number}", captain=CAPTAIN, berth=Berth.objects.create(name=f"Pier {number}"))
    for address in ("/boats/", "/ledger/"):
        for _ in range(3):
            assert Client().get(address).status_code == 200
    with transaction.atomic():
        forget(TIDES)  # the writer that keeps everybody from keeping
        crowd("/tides/")
    crowd("/charts/")
    broken = Client(raise_request_exception=False)
    for _ in range(5):
        assert broken.get("/wreck/").status_code == 500


def read_it() -> None:
    """The administrator at the performance pages."""
    from django.contrib.auth.models import User

    from perf.flushing import flush

    flush()
    admin = Client()
    admin.force_login(User.objects.create_superuser("ana"))
    page = html.unescape(admin.get("/performance/findings/?period=1h").content.decode())
    told = admin.get("/api/performance/findings?period=1h").json()["data"]
    sentences = [one["sentence"] for one in told]
    assert [one for one in sentences if one not in page] == []
    mends = {(one["kind"], one["subject"]): one["sentence"] for one in told}
    repeated, slow = mends["repeated", "boats"], mends["slow", "ledger"]
    assert repeated == (
        f"boats runs the same query 25 times ({line('here is the N+1')}): "
        f'add select_related("berth") to the query of boats ({line("here the boats are read")}).'
    )
    assert slow.startswith("ledger runs a slow query: 3 times took ")
    mend = 'add Index(fields=["captain"]) to Boat (marina/models.py:'  # SQLite does not tell how small the table is
    if connection.vendor == "postgresql":
        mend = "its plan says why"
    assert f"({line('here is the slow query')}): {mend}" in slow
    crowds = {one["place"]: one["sentence"] for one in told if one["kind"] == "stampede"}
    ours, others = crowds[line("here is the stampede")], crowds[line("here is the other stampede")]
    assert ours.startswith(f"tides is computed by {READERS} readers at once (marina/views.py:"), ours
    assert "shorten that transaction" in ours
    assert "keep its answer with perf.cache.cached()" in others
    assert f"charts runs the same slow query in {READERS} requests at once" in others, others
    assert mends["errors", "wreck"] == (
        f"wreck failed 5 of 5 times, 100 % ({line('here it breaks')}): "
        "KeyError was raised there 5 times; the log holds it whole."
    )
    explain_it(admin)


def explain_it(admin: Client) -> None:
    """From the list to the query's page, and its plan asked for twice: no value on any of them."""
    listed = admin.get("/performance/queries/?period=1h").content.decode()
    (slow, *_) = [
        one for one in admin.get("/api/performance/queries?period=1h").json()["slow"] if one["route"] == "ledger"
    ]
    address = f"/performance/queries/{slow['query']}/"
    assert address in listed
    for _ in range(2):
        shown = admin.post(f"{address}explain/", follow=True).content.decode()
    assert "USING" in shown or "SCAN" in shown or "Seq Scan on marina_boat" in shown, shown
    assert "The same steps as on" in shown
    for page in (listed, shown, str(slow)):
        assert ("Nemo" in page, "271828" in page) == (False, False)


if __name__ == "__main__":
    django.setup()
    if settings.PERF_STORE == "database":
        call_command("migrate", verbosity=0, run_syncdb=True)
    else:
        call_command("migrate", "--run-syncdb", verbosity=0)
    use_it()
    read_it()
