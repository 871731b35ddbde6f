"""Nobody reads what was before a commit, whoever is killed: the short form of `make chaos-read`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.reading import read_for

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("A102")
def test_every_answer_is_as_new_as_what_was_committed_before_the_question(tmp_path: Path) -> None:
    report = read_for(5, tmp_path, kill_every=3)
    assert not report.wrong, f"\n{report}"
    assert report.kills == 1
    assert report.versions >= 5, f"\n{report}"
    assert min(report.answers["HIT"], report.answers["MISS"]) > 10, f"\n{report}"
    assert report.answers.keys() <= {"HIT", "MISS", "STALE"}, f"\n{report}"
