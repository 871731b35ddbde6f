"""Taking over the predecessor's file: a real SQLite database with its tables, and what must not be believed of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from perf import clock
from snapshots.importing import Report, undo
from snapshots.legacy import import_legacy
from snapshots.models import ImportBatch, Snapshot
from snapshots.past import FileUnreadable
from snapshots.rollups import recompute
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]
DAY = date(2025, 6, 1)

SCHEMA = """
CREATE TABLE dim_account (
    account_key INTEGER PRIMARY KEY, platform VARCHAR NOT NULL, handle VARCHAR NOT NULL, account_id VARCHAR,
    account_display_name VARCHAR, account_url VARCHAR, org_id VARCHAR, org_name VARCHAR, owner_team VARCHAR,
    is_core_account BOOLEAN, account_type VARCHAR, is_active BOOLEAN, is_leader_account BOOLEAN,
    requires_preclearance BOOLEAN, sensitivity_level VARCHAR, verified_status VARCHAR, account_created_date DATE,
    account_category VARCHAR, bio_text TEXT, bio_link VARCHAR, profile_image_url VARCHAR);
CREATE TABLE fact_followers_snapshot (
    snapshot_id INTEGER PRIMARY KEY, account_key INTEGER NOT NULL REFERENCES dim_account, snapshot_date DATE NOT NULL,
    followers_count INTEGER, following_count INTEGER, listed_count INTEGER, subscribers_count INTEGER,
    posts_count INTEGER, stories_count INTEGER, videos_count INTEGER, live_streams_count INTEGER,
    likes_count INTEGER, comments_count INTEGER, shares_count INTEGER, video_views INTEGER,
    engagements_total INTEGER, follower_growth_absolute INTEGER, total_video_views INTEGER, engagement_rate FLOAT,
    follower_growth_rate FLOAT, posts_per_day FLOAT, average_views_per_video FLOAT);
CREATE TABLE fact_social_post (post_key INTEGER PRIMARY KEY, account_key INTEGER, post_id VARCHAR NOT NULL);
CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR);
"""


class Old:
    """The predecessor's database as a test fills it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA)

    def insert(self, table: str, **values: Any) -> None:
        places = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", list(values.values()))  # noqa: S608
        self.db.commit()

    def account(self, key: int, platform: str, handle: str, **more: Any) -> None:
        values = {"org_name": "CDC", "is_core_account": 0, "is_active": 1, **more}
        self.insert("dim_account", account_key=key, platform=platform, handle=handle, **values)

    def day(self, key: int, ago: int, **counts: int | None) -> None:
        """A row `ago` days after DAY."""
        self.insert("fact_followers_snapshot", account_key=key, snapshot_date=str(DAY + timedelta(days=ago)), **counts)


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path / "social.db")


@pytest.fixture
def take(old: Old) -> Callable[..., Report]:
    return lambda **options: import_legacy(old.path, by=None, **options)


def followers() -> list[tuple[date, int | None]]:
    return list(Snapshot.objects.order_by("account_id", "date").values_list("date", "followers"))


def test_accounts_are_made_and_their_days_stored(old: Old, take: Any) -> None:
    known = factories.account("x", "CDCgov", organization=factories.organization("Kept"))
    old.account(1, "X", "cdcgov", account_url="https://twitter.com/CDCgov", org_name="Other")
    old.account(2, "YouTube", "whoever", account_url="https://www.youtube.com/channel/UCiMg06DjcUk5FRiM3g5sqoQ")
    old.account(3, "facebook español", "HHS", org_name="HHS", is_core_account=1, is_active=0)
    old.day(1, 0, followers_count=100, following_count=5, likes_count=2, comments_count=1, shares_count=0)
    old.day(2, 0, subscribers_count=1_000, followers_count=0, videos_count=7, total_video_views=9_000)
    old.day(3, 1, followers_count=50)
    report = take()
    assert report.totals["new"] == 3
    known.refresh_from_db()
    assert known.organization.name == "Kept"  # what is known stays as it is
    youtube, facebook = Account.objects.get(platform="youtube"), Account.objects.get(platform="facebook")
    assert youtube.external_id == "UCiMg06DjcUk5FRiM3g5sqoQ"
    assert (facebook.is_core, facebook.is_active, facebook.organization.name) == (True, False, "HHS")
    row = Snapshot.objects.get(account=known)
    assert (row.followers, row.following, row.likes, row.shares, row.engagements) == (100, 5, 2, 0, 3)
    assert (row.source, row.quality, row.date) == ("imported", "published", DAY)
    other = Snapshot.objects.get(account=youtube)
    assert (other.followers, other.videos, other.total_video_views, other.posts) == (1_000, 7, 9_000, None)
    assert "Unknown accounts that were added: 2." in report.remarks
    assert not recompute(write=False)


def test_zeros_that_stand_for_a_blocked_page_are_left_out_and_counted(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    old.day(1, 0, followers_count=0, following_count=0, posts_count=0)
    old.day(1, 1, followers_count=100, following_count=0, posts_count=7)
    old.day(1, 2, followers_count=0, following_count=0, posts_count=8)
    old.day(1, 3, followers_count=0, following_count=0, posts_count=0)
    old.day(1, 4, followers_count=120, following_count=0, posts_count=None)
    report = take()
    rows = Snapshot.objects.order_by("date").values_list("date", "followers", "following", "posts")
    assert list(rows) == [
        (DAY + timedelta(days=1), 100, 0, 7),
        (DAY + timedelta(days=2), None, 0, 8),
        (DAY + timedelta(days=4), 120, 0, None),
    ]
    assert report.remarks[1:] == [
        "7 zeros were left out: the predecessor stored 0 for pages it could not read.",
        "2 rows had nothing else to say and were left out.",
    ]


def test_of_several_rows_of_a_day_the_last_that_says_something_stands(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    for count in (100, 105, 0):
        old.day(1, 0, followers_count=count)
    report = take()
    assert followers() == [(DAY, 105)]
    assert "1 row more of a day it had: the last one stands." in report.remarks


def test_what_cannot_be_a_figure_or_a_day_is_refused(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    old.day(1, 0, followers_count=-4)
    old.insert("fact_followers_snapshot", account_key=1, snapshot_date="2025-06-02", followers_count="many")
    old.insert("fact_followers_snapshot", account_key=1, snapshot_date="soon", followers_count=5)
    late = str(clock.today() + timedelta(days=2))
    old.insert("fact_followers_snapshot", account_key=1, snapshot_date=late, followers_count=5)
    report = take()
    assert report.totals["refused"] == 4
    assert [note.number for note in report.notes] == [1, 2, 4, 3]  # by day, as text
    assert followers() == []


def test_accounts_that_cannot_be_are_left_out_with_their_rows(old: Old, take: Any) -> None:
    old.account(1, "orkut", "somebody")
    old.account(2, "x", "cdcgov")
    old.day(1, 0, followers_count=5)
    old.day(2, 0, followers_count=6)
    old.day(9, 0, followers_count=7)
    report = take()
    assert followers() == [(DAY, 6)]
    assert any("orkut somebody was left out" in remark for remark in report.remarks)
    assert any(remark.startswith("2 rows belong to accounts that were left out") for remark in report.remarks)


def test_two_of_its_accounts_that_are_one_share_a_history(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    old.account(2, "twitter", "CDCgov")
    old.day(1, 0, followers_count=5)
    old.day(2, 1, followers_count=6)
    take()
    assert Account.objects.count() == 1
    assert followers() == [(DAY, 5), (DAY + timedelta(days=1), 6)]


def test_a_dry_run_and_the_reading_itself_write_nothing(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    old.day(1, 0, followers_count=5)
    before = old.path.read_bytes()
    report = take(dry_run=True)
    assert (report.totals["new"], report.batch) == (1, None)
    assert "Unknown accounts that would be added: 1." in report.remarks
    assert not Account.objects.exists()
    assert not ImportBatch.objects.exists()
    take()
    assert old.path.read_bytes() == before


def test_a_second_time_changes_nothing_and_an_undo_takes_the_days_away(old: Old, take: Any) -> None:
    old.account(1, "x", "cdcgov")
    for ago in range(5):
        old.day(1, ago, followers_count=100 + ago)
    first = take()
    assert take().totals["exists"] == 5
    assert first.batch is not None
    assert undo(first.batch, None) == (5, 0)
    assert followers() == []
    assert Account.objects.count() == 1


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE t (a)")
    with pytest.raises(FileUnreadable, match="no table dim_account, fact_followers_snapshot"):
        import_legacy(other, by=None)
    text = tmp_path / "text.db"
    text.write_text("no database at all, but long enough to be looked at " * 20)
    with pytest.raises(FileUnreadable, match="cannot be read"):
        import_legacy(text, by=None)
    with pytest.raises(FileUnreadable, match=r"cannot be (opened|read)"):
        import_legacy(tmp_path / "none.db", by=None)


def test_the_command_says_what_was_left_out(old: Old) -> None:
    old.account(1, "x", "cdcgov")
    old.day(1, 0, followers_count=90)
    old.day(1, 1, followers_count=100)
    old.day(1, 2, followers_count=0)
    out = StringIO()
    call_command("import_legacy", old.path, "--since", str(DAY + timedelta(days=1)), stdout=out, stderr=StringIO())
    assert "1 zero was left out: the predecessor stored 0 for pages it could not read." in out.getvalue()
    assert "1 day before the day asked for was left out." in out.getvalue()
    assert followers() == [(DAY + timedelta(days=1), 100)]
    with pytest.raises(CommandError, match="cannot be"):
        call_command("import_legacy", old.path.with_name("none.db"))
