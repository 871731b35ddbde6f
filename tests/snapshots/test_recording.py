from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Organization
from snapshots import recording
from snapshots.judging import judge
from snapshots.models import DailyTotal, LatestSnapshot, Snapshot, Source
from snapshots.recording import Sighting, record

pytestmark = [pytest.mark.django_db, pytest.mark.both_dbs]

DAY = dt.date(2026, 11, 20)
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture
def account() -> Account:
    return an_account("cdcgov")


def an_account(handle: str, platform: str = "x", organization: str = "CDC") -> Account:
    owner, _ = Organization.objects.get_or_create(name=organization)
    return Account.objects.create(platform=platform, handle=handle, organization=owner)


def seen(account: Account, followers: int | None, *, days: int = 0, minutes: int = 0, **more: object) -> Sighting:
    """A sighting `days` and `minutes` after noon of DAY."""
    at = NOON + dt.timedelta(days=days, minutes=minutes)
    return Sighting(account.pk, at.date(), at, str(more.pop("source", "observed")), followers, **more)


def outcomes(*sightings: Sighting) -> list[str]:
    return [recorded.outcome for recorded in record(sightings)]


def figures(account: Account) -> list[tuple[int, int | None, str]]:
    """(days after DAY, followers, quality) of every row."""
    rows = Snapshot.objects.filter(account=account).order_by("date")
    return [((row.date - DAY).days, row.followers, row.quality) for row in rows]


def totals() -> list[tuple[int, int, int]]:
    return [((t.date - DAY).days, t.followers, t.accounts) for t in DailyTotal.objects.order_by("date", "platform")]


def test_first_sighting_is_stored_as_snapshot_latest_row_and_total(account: Account) -> None:
    assert outcomes(seen(account, 5_000, posts=7, likes=2, shares=3)) == ["stored"]
    latest = LatestSnapshot.objects.get()
    assert (latest.date, latest.followers, latest.posts, latest.engagements) == (DAY, 5_000, 7, 5)
    assert (latest.change_1, latest.comments) == (None, None)
    assert totals() == [(0, 5_000, 1)]


def test_answers_come_in_the_order_of_the_sightings(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "SQLITE_CHUNK", 1)
    other = an_account("nih")
    answers = record([seen(other, 5), seen(account, 7), seen(other, 5, minutes=10), seen(account, 8, minutes=20)])
    said = [(answer.account_id, answer.outcome) for answer in answers]
    stored = [(other.pk, "stored"), (account.pk, "stored")]
    assert said == [*stored, (other.pk, "unchanged"), (account.pk, "updated")]


def test_second_scrape_of_a_day_makes_no_second_row(account: Account) -> None:
    outcomes(seen(account, 5_000))
    assert outcomes(seen(account, 5_000, minutes=10), seen(account, 5_001, minutes=20)) == ["unchanged", "updated"]
    assert figures(account) == [(0, 5_001, "published")]
    assert totals() == [(0, 5_001, 1)]


def test_unknown_followers_are_never_a_zero(account: Account) -> None:
    outcomes(seen(account, None, posts=3))
    assert LatestSnapshot.objects.get().followers is None
    assert totals() == []


def test_what_a_later_reading_leaves_out_stays(account: Account) -> None:
    outcomes(seen(account, 5_000, posts=3))
    outcomes(seen(account, None, posts=4, minutes=5))
    row = Snapshot.objects.get()
    assert (row.followers, row.posts) == (5_000, 4)


def test_better_source_overwrites_and_worse_is_kept_out(account: Account) -> None:
    outcomes(seen(account, 5_000, source="simulated", posts=9))
    assert outcomes(seen(account, 90_000, source="observed", minutes=-60)) == ["updated"]
    assert outcomes(seen(account, 90_001, source="imported", minutes=60)) == ["kept"]
    row = Snapshot.objects.get()
    assert (row.followers, row.source, row.posts) == (90_000, Source.OBSERVED, None)


def test_reading_that_arrives_late_does_not_undo_a_newer_one(account: Account) -> None:
    outcomes(seen(account, 5_010, minutes=30))
    assert outcomes(seen(account, 5_000)) == ["kept"]


def test_sighting_from_the_future_counts_as_seen_now(account: Account) -> None:
    record([seen(account, 5_000, minutes=600)], at=NOON)
    assert outcomes(seen(account, 5_001, minutes=1)) == ["updated"]


@pytest.mark.parametrize(
    ("before", "after", "days", "outcome"),
    [
        (100, 1_100, 1, "stored"),
        (100, 1_101, 1, "suspect"),
        (10_000, 15_000, 1, "stored"),
        (10_000, 15_001, 1, "suspect"),
        (10_000, 4_999, 1, "suspect"),
        (10_000, 0, 1, "suspect"),
        (10_000, 19_000, 2, "stored"),
    ],
)
def test_leap_is_more_than_a_thousand_and_half_a_day(
    account: Account, before: int, after: int, days: int, outcome: str
) -> None:
    outcomes(seen(account, before))
    assert outcomes(seen(account, after, days=days)) == [outcome]


def test_suspect_row_is_invisible(account: Account) -> None:
    outcomes(seen(account, 10_000))
    outcomes(seen(account, 0, days=1))
    assert figures(account) == [(0, 10_000, "published"), (1, 0, "suspect")]
    assert [row.followers for row in Snapshot.objects.published()] == [10_000]
    assert LatestSnapshot.objects.get().date == DAY
    assert totals() == [(0, 10_000, 1)]


@pytest.mark.parametrize(
    ("followers", "minutes", "outcome"),
    [(20_500, 30, "published"), (20_500, 29, "suspect"), (21_001, 30, "suspect"), (10_100, 30, "updated")],
)
def test_second_reading_confirms_when_close_and_late_enough(
    account: Account, followers: int, minutes: int, outcome: str
) -> None:
    outcomes(seen(account, 10_000))
    assert outcomes(seen(account, 20_000, days=1)) == ["suspect"]
    assert outcomes(seen(account, followers, days=1, minutes=minutes)) == [outcome]
    shown = followers if outcome != "suspect" else 10_000
    assert LatestSnapshot.objects.get().followers == shown


def test_impatient_second_reading_does_not_restart_the_wait(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 20_000, days=1))
    assert outcomes(seen(account, 20_010, days=1, minutes=20)) == ["suspect"]
    assert outcomes(seen(account, 20_020, days=1, minutes=31)) == ["published"]


def test_next_days_reading_confirms_both_days(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 20_000, days=1))
    assert outcomes(seen(account, 20_100, days=2)) == ["published"]
    assert totals() == [(0, 10_000, 1), (1, 20_000, 1), (2, 20_100, 1)]


def test_suspect_reading_never_overwrites_a_published_row(account: Account) -> None:
    outcomes(seen(account, 10_000))
    assert outcomes(seen(account, 100, minutes=60)) == ["kept"]
    assert figures(account) == [(0, 10_000, "published")]
    assert [row.aside["figures"]["followers"] for row in Snapshot.objects.to_judge()] == [100]


def test_second_reading_publishes_what_was_set_aside(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 100, minutes=60))
    assert outcomes(seen(account, 101, minutes=91)) == ["published"]
    assert figures(account) == [(0, 101, "published")]
    assert totals() == [(0, 101, 1)]


def test_a_figure_says_which_connector_read_it_also_when_it_was_set_aside_first(account: Account) -> None:
    outcomes(seen(account, 10_000, read_from="api"), seen(account, 100, minutes=60, read_from="page"))
    assert Snapshot.objects.get().read_from == "api"
    judge(Snapshot.objects.get(), accept=True, by=None)
    assert Snapshot.objects.get().read_from == "page"
    assert outcomes(seen(account, 101, minutes=90, read_from="api")) == ["updated"]
    assert Snapshot.objects.get().read_from == "api"


def test_sane_reading_dismisses_what_was_set_aside(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 100, minutes=60), seen(account, 10_001, minutes=90))
    assert not Snapshot.objects.to_judge().exists()


def test_platform_that_falls_as_a_whole_is_suspect() -> None:
    accounts = [an_account(f"a{n}") for n in range(4)]
    other = an_account("nih", platform="youtube")
    record([seen(account, 1_000) for account in [*accounts, other]])
    fallen = [seen(account, 790, days=1) for account in accounts]
    assert outcomes(*fallen, seen(other, 790, days=1)) == ["suspect"] * 4 + ["stored"]


def test_one_leaping_account_does_not_cast_doubt_on_the_others() -> None:
    first, second, third = (an_account(f"a{n}") for n in range(3))
    record([seen(first, 900_000), seen(second, 1_000), seen(third, 1_000)])
    assert outcomes(seen(first, 9, days=1), seen(second, 1_001, days=1), seen(third, 999, days=1)) == [
        "suspect",
        "stored",
        "stored",
    ]


def test_observed_figure_is_not_compared_with_a_simulated_one(account: Account) -> None:
    outcomes(seen(account, 10, source="simulated"))
    assert outcomes(seen(account, 90_000, days=1)) == ["stored"]


def test_changes_are_against_the_exact_day(account: Account) -> None:
    outcomes(*[seen(account, 1_000 + back, days=-back) for back in (30, 29, 7, 2)])
    outcomes(seen(account, 1_500))
    latest = LatestSnapshot.objects.get()
    assert (latest.change_1, latest.change_7, latest.change_30) == (None, 493, 470)


def test_late_day_fills_in_a_change(account: Account) -> None:
    outcomes(seen(account, 1_000))
    outcomes(seen(account, 900, days=-1))
    assert LatestSnapshot.objects.get().change_1 == 100


def test_editor_accepts_a_suspect_figure(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 90_000, days=1))
    assert judge(Snapshot.objects.to_judge().get(), accept=True, by=None)
    assert LatestSnapshot.objects.get().followers == 90_000
    assert totals() == [(0, 10_000, 1), (1, 90_000, 1)]


def test_figure_an_editor_rejected_stays_out(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 90_000, days=1))
    judge(Snapshot.objects.to_judge().get(), accept=False, by=None)
    assert outcomes(seen(account, 90_001, days=1, minutes=60)) == ["kept"]
    assert outcomes(seen(account, 10_005, days=1, minutes=90)) == ["updated"]


def test_editor_takes_a_published_figure_back(account: Account) -> None:
    outcomes(seen(account, 10_000), seen(account, 10_500, days=1))
    judge(Snapshot.objects.latest("date"), accept=False, by=None)
    assert LatestSnapshot.objects.get().followers == 10_000
    assert totals() == [(0, 10_000, 1)]


def test_judging_twice_changes_and_tells_nothing(account: Account) -> None:
    outcomes(seen(account, 10_000))
    assert not judge(Snapshot.objects.get(), accept=True, by=None)


def test_deleted_account_is_left_out(account: Account) -> None:
    gone = an_account("gone")
    sightings = [seen(gone, 1), seen(account, 2)]
    gone.delete()
    assert [recorded.account_id for recorded in record(sightings)] == [account.pk]


def test_count_below_zero_is_refused(account: Account) -> None:
    with pytest.raises(ValueError, match="posts"):
        seen(account, 1, posts=-1)


def test_recording_more_accounts_takes_no_more_statements() -> None:
    def statements(count: int) -> int:
        accounts = [an_account(f"h{count}-{n}", organization=f"O{n}") for n in range(count)]
        record([seen(account, 1_000) for account in accounts])
        with CaptureQueriesContext(connection) as captured:
            record([seen(account, 1_001, days=1) for account in accounts])
        return len(captured)

    assert statements(30) == statements(3)
