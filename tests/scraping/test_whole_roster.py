"""Every account of the shipped roster, through connector, fetcher and fake platforms, over real HTTP."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from django.conf import settings

from accounts.platforms import find_platform, parse_profile_url
from perf import clock
from scraping.connectors.base import Missing, Reading, Target
from scraping.fakes import curves
from tests.scraping.asking import ask

ROSTER = json.loads((Path(settings.BASE_DIR) / "accounts" / "demo_roster.json").read_text())
PEOPLE = {"https://www.linkedin.com/in/hhscybersecurity/"}


def roster(platform):
    rows = [row for row in ROSTER if find_platform(row["platform"]).name == platform]
    profiles = {row["url"]: parse_profile_url(row["url"]) for row in rows}
    return [
        Target(number, profile.handle, profile.external_id, url)
        for number, (url, profile) in enumerate(profiles.items())
    ]


def test_roster_is_whole():
    platforms = ("x", "youtube", "facebook", "instagram", "linkedin", "flickr", "truth_social")
    assert sum(len(roster(platform)) for platform in platforms) == 99


@pytest.mark.parametrize("platform", ["x", "youtube", "facebook", "instagram", "linkedin", "flickr", "truth_social"])
def test_every_account_gets_the_fakes_own_figure(fakes, platform):
    targets = roster(platform)
    answers = ask(platform, *targets)
    for target in targets:
        answer = answers[target.handle]
        if target.url in PEOPLE:
            assert answer == Missing.UNSUPPORTED_PROFILE
        else:
            assert isinstance(answer, Reading), (target, answer)
            expected = curves.figures(platform, target.handle, clock.today())
            assert {name: value for name, value in asdict(answer).items() if name in expected} == expected
            assert answer.external_id == curves.external_id(platform, target.handle)


def test_no_limit_is_touched_by_the_whole_roster(fakes):
    for platform in ("x", "youtube", "facebook", "instagram", "linkedin", "flickr", "truth_social"):
        ask(platform, *roster(platform))
    served = {row["platform"]: row for row in fakes.served()}
    assert {name: row["requests"] for name, row in served.items()} == {
        "x": 1, "youtube": 8, "facebook": 27, "instagram": 7, "linkedin": 21, "flickr": 1, "truth_social": 1,
    }  # fmt: skip
    assert all(row["refused"] == 0 for row in served.values())
