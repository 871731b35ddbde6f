"""What alerts say of themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from perf import clock
from scraping import wording
from scraping.models import Alert, PlatformState


@pytest.mark.both_dbs
def test_every_alert_has_words_for_its_opening_and_its_end(db: None) -> None:
    PlatformState.objects.create(platform="x", paused_until=clock.now() + timedelta(hours=2), why="quota")
    detail = {
        "waiting": 2,
        "until": clock.now().isoformat(),
        "why": "quota",
        "host": "",
        "planned": 20,
        "answered": 18,
        "run": 7,
        "day": "2026-11-22",
        "jobs": 5,
        "oldest": clock.now().isoformat(),
        "fits": 3,
        "spent": "80.00",
        "budget": "100.00",
        "step": 80,
        "month": "November 2026",
        "tried": 20,
        "unread": 19,
        "seen": clock.now().isoformat(),
    }
    for kind in Alert.Kind.values:
        platform = "" if kind in {"coverage", "silent"} else "x"
        key = "worker" if kind == "silent" else "x"
        alert = Alert(kind=kind, key=key, platform=platform, detail=detail, opened_at=clock.now())
        for said in (wording.words(alert), wording.recovery(alert)):
            assert all((said.title, said.happened, said.kept, said.todo, said.path))
            assert said.link.startswith("http")
