"""What is erased of a person beside what others write meanwhile."""

from __future__ import annotations

import threading
from time import monotonic, sleep

import pytest
from django.db import connection, transaction

from tests.workitems.test_uploads import said
from workitems import erasing, reviewing, uploads

WAITS_FOR_US = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="on SQLite one writes at a time")
@pytest.mark.django_db(transaction=True)
def test_what_others_write_while_somebody_is_erased_is_counted(item, mark, dana):
    uploads.promise(item, said(), by=mark)

    def erase():
        with transaction.atomic():
            erasing.forget_uploads(mark)
        connection.close()

    eraser = threading.Thread(target=erase)
    with transaction.atomic():
        reviewing.comment(item, "Which seal?", by=dana)
        eraser.start()
        wait_for_its_turn()
    eraser.join()
    item.refresh_from_db()
    assert (item.comment_count, item.photos_due) == (1, 0)


def wait_for_its_turn():
    end = monotonic() + 10
    with connection.cursor() as cursor:
        while monotonic() < end:
            cursor.execute(WAITS_FOR_US)
            if cursor.fetchone()[0]:
                return
            sleep(0.02)
    raise AssertionError("nobody waits")
