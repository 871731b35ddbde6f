from __future__ import annotations

import datetime as dt

import pytest

from snapshots import growth

DAY = dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("followers", "before", "gain", "rate"),
    [
        (110, 100, 10, 10.0),
        (100, 300, -200, -66.6667),
        (5, 0, 5, None),
        (None, 100, None, None),
        (100, None, None, None),
        (0, 7, -7, -100.0),
    ],
)
def test_follower_growth(followers: int | None, before: int | None, gain: int | None, rate: float | None) -> None:
    assert growth.follower_growth_absolute(followers, before) == gain
    assert growth.follower_growth_rate(followers, before) == rate


def test_first_snapshot_grew_by_nothing() -> None:
    assert growth.follower_growth_rate(100, None, first=True) == 0.0
    assert growth.follower_growth_rate(None, None, first=True) is None


@pytest.mark.parametrize(
    ("engagements", "followers", "rate"), [(1, 3, 33.3333), (0, 3, 0.0), (None, 3, None), (1, 0, None), (1, None, None)]
)
def test_engagement_rate(engagements: int | None, followers: int | None, rate: float | None) -> None:
    assert growth.engagement_rate(engagements, followers) == rate


@pytest.mark.parametrize(
    ("posts", "opened_on", "rate"),
    [
        (100, DAY - dt.timedelta(days=30), 3.33),
        (7, DAY, 7.0),
        (7, None, None),
        (None, DAY, None),
        (7, DAY + dt.timedelta(days=1), None),
    ],
)
def test_posts_per_day(posts: int | None, opened_on: dt.date | None, rate: float | None) -> None:
    assert growth.posts_per_day(posts, opened_on, DAY) == rate


@pytest.mark.parametrize(("views", "videos", "average"), [(10, 3, 3.33), (10, 0, None), (None, 3, None)])
def test_average_views_per_video(views: int | None, videos: int | None, average: float | None) -> None:
    assert growth.average_views_per_video(views, videos) == average


def test_growth_skips_days_that_did_not_say() -> None:
    assert list(growth.before_each([5, None, 7, 9], 3)) == [3, 5, 5, 7]
