"""The Celery application as it is started in production."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from project.settings import BASE_DIR


@pytest.mark.req("A106")
def test_a_worker_with_more_than_the_maximum_does_not_start() -> None:
    command = [sys.executable, "-m", "celery", "--app", "project", "worker", "--queues", "nobodys", "--pool", "solo"]
    ended = subprocess.run(
        command,
        cwd=BASE_DIR,
        env=os.environ | {"SCRAPE_WORKERS": "1001"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "SCRAPE_WORKERS is 1001; it may be 1 to 1000." in ended.stderr
