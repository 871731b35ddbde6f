"""What a day's plan needs, from the database; and whether the platforms then see what was foretold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import DateTimeField, Min, Value
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from perf import clock
from perf.queries import metered
from scraping import hours, ledger
from scraping.advice import advice, summary
from scraping.capacity import PlatformForecast
from scraping.connectors import CONNECTORS, Unavailable, connector_for
from scraping.connectors.base import Connector, Window
from scraping.fakes import curves
from scraping.forecasting import NotAhead, _spent, forecast
from scraping.gather import gather
from scraping.limits import Limit
from scraping.models import Attempt, JobState, PermitBlock, PlatformState, Rank, ScrapeJob
from scraping.outcomes import OK
from scraping.planning import Night, plan
from scraping.rehearsal import LOOK_SECONDS
from scraping.tasks import DISPATCH_SECONDS
from tests import factories

pytestmark = pytest.mark.django_db
Look = Callable[[], AbstractContextManager[None]]
LOOK = timedelta(seconds=LOOK_SECONDS)
NIGHT = "02:00-02:02"
HANDLES = {"bluesky": "somebody.bsky.social", "mastodon": "somebody@mastodon.social", "tiktok": "account"}


@pytest.fixture(autouse=True)
def _gathering(fakes: Any, settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 1_000.0


def accounts(platform: str, count: int, *, known: bool = True, **fields: Any) -> list[Account]:
    """So many accounts, with the ids that the fakes give them when `known`."""
    office = factories.organization()
    named = [f"{platform.replace('_', '')}{'known' if known else 'new'}{n}" for n in range(count)]
    ids = [curves.external_id(platform, name) if known else "" for name in named]
    return [
        factories.account(platform, name, external_id=own, organization=office, **fields)
        for name, own in zip(named, ids, strict=True)
    ]


def of(platform: str, **options: Any) -> PlatformForecast:
    return next(row for row in forecast(**options).platforms if row.platform.name == platform)


def advised(platform: str) -> str:
    made = forecast()
    return " ".join(advice(made, next(row for row in made.platforms if row.platform.name == platform)))


def limited(monkeypatch: Any, platform: str, *windows: Window) -> None:
    monkeypatch.setattr(type(CONNECTORS[platform]), "windows", windows)


def tried(one: Account, *outcomes: str, seconds: float = 0.0, ago: timedelta = timedelta(days=1)) -> None:
    """Tries at an account a day ago."""
    at = clock.now() - ago
    job = ScrapeJob.objects.create(
        account=one, platform=one.platform, date=at.date(), reason="requested", rank=0, order_at=at, due_at=at,
        state=JobState.DONE,
    )  # fmt: skip
    Attempt.objects.bulk_create(
        Attempt(job=job, account=one, platform=one.platform, step="read", started_at=at, seconds=seconds, outcome=word)
        for word in outcomes
    )
    hours.roll_up()


@pytest.fixture
def night(settings: Any) -> Iterator[Any]:
    """Lives through tomorrow's night as beat and a worker do, a look every ten seconds that brings anything."""
    settings.SCRAPE_WINDOW = NIGHT
    tomorrow = Night.of(clock.today() + timedelta(days=1))
    with ExitStack() as stack:

        def live(platform: str, until: timedelta, look: Look = nullcontext) -> None:
            stack.enter_context(clock.shifted(tomorrow.start - clock.now()))
            plan(tomorrow.day)
            while clock.now() < tomorrow.start + until and ScrapeJob.objects.open().exists():
                with look():
                    if ledger.waiting_platforms([platform]):
                        gather(platform, monotonic() + 25)
                paused = PlatformState.objects.paused().values_list("paused_until", flat=True).first()
                due = ScrapeJob.objects.open().aggregate(first=Min("due_at"))["first"]
                wait = max((at - clock.now() for at in (paused, due) if at), default=LOOK)
                stack.enter_context(clock.shifted(max(wait // LOOK, 1) * LOOK))

        yield live


@contextmanager
def standing(monkeypatch: Any) -> Iterator[None]:
    """No time goes on: nothing comes due while a slow machine takes its look."""
    at = clock.now()
    with monkeypatch.context() as clocks:
        clocks.setattr(clock, "now", lambda: at)
        clocks.setattr(clock, "db_now", lambda plus=timedelta(0): Value(at + plus, output_field=DateTimeField()))
        yield


def seen(fakes: Any, platform: str) -> tuple[int, datetime]:
    """The calls that the fake platform counted, and when the last came."""
    (row,) = fakes.served(platform)
    return row["calls"], datetime.fromtimestamp(
        max(row["times"])[0] if isinstance(max(row["times"]), list) else max(row["times"]), UTC
    )


# --- What was foretold is what the platforms see


@pytest.mark.timeout(120)
def test_the_fakes_see_the_calls_that_were_foretold_at_their_time(fakes: Any, monkeypatch: Any, night: Any) -> None:
    limited(monkeypatch, "linkedin", Window(calls=12, seconds=120))
    accounts("linkedin", 40)
    accounts("linkedin", 20, known=False)
    row = of("linkedin")
    night("linkedin", timedelta(hours=1))
    calls, last = seen(fakes, "linkedin")
    assert (row.calls, row.learning) == (80, 20)
    assert calls == row.calls
    assert row.ends is not None
    assert abs((last - row.ends).total_seconds()) <= 60  # of the 14 minutes that it takes
    assert ScrapeJob.objects.filter(outcome=OK).count() == 60


@pytest.mark.timeout(120)
def test_batches_are_as_full_as_foretold(fakes: Any, monkeypatch: Any, night: Any) -> None:
    accounts("x", 60)
    row = of("x")
    night("x", timedelta(hours=1), partial(standing, monkeypatch))
    calls, _ = seen(fakes, "x")
    assert 10 < row.calls < 15  # due one after the other in two minutes, they do not fill calls of a hundred
    assert abs(calls - row.calls) <= 1  # the looks of the night begin when they do
    assert row.money is not None
    assert float(row.money.plan) == pytest.approx(0.6)


@pytest.mark.timeout(120)
def test_failures_of_last_week_are_foretold(fakes: Any, monkeypatch: Any, night: Any) -> None:
    limited(monkeypatch, "flickr", Window(calls=1_000, seconds=60))
    rows = accounts("flickr", 60)
    tried(rows[0], *["server_error"] * 25, *[OK] * 75, "not_found")
    row = of("flickr")
    fakes.fault("status", "flickr", value=503, chance=0.25, seed=3)
    night("flickr", timedelta(hours=3))
    calls, _ = seen(fakes, "flickr")
    assert abs(calls - row.calls) <= 0.12 * calls
    assert row.repeated > 15


@pytest.mark.timeout(120)
def test_who_was_foretold_to_wait_waits(fakes: Any, monkeypatch: Any, night: Any) -> None:
    limited(monkeypatch, "linkedin", Window(calls=12, seconds=86_400, zone="America/Los_Angeles"))
    accounts("linkedin", 20, is_core=True)
    office = factories.organization()
    for number in range(15):
        factories.account("linkedin", f"{3_000 + number}", organization=office)
    row = of("linkedin")
    night("linkedin", timedelta(hours=23, minutes=59))
    left = Counter(ScrapeJob.objects.open().values_list("rank", flat=True))
    assert (row.waiting, left.total()) == (11, 11)
    assert abs(left[Rank.REST] - row.left[Rank.REST]) <= 1
    assert row.limits[0].outcome.fitting == seen(fakes, "linkedin")[0] == 24


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=list(CONNECTORS))
def test_every_connectors_calls_for_a_new_account_are_foretold(connector: Connector, fakes: Any) -> None:
    """A connector whose step brings an id alone has to say so in `looks_up`."""
    one = factories.account(connector.platform, HANDLES.get(connector.platform, "somebody"))
    row = of(connector.platform)
    ledger.request_scrape(Account.objects.filter(pk=one.pk), None)
    gather(connector.platform, monotonic() + 20)
    assert ScrapeJob.objects.get(account=one).outcome == OK
    assert sum(served["calls"] for served in fakes.served(connector.platform)) == row.calls > 0


# --- What it goes by


def test_the_look_is_the_dispatchers() -> None:
    assert LOOK_SECONDS == DISPATCH_SECONDS


def test_tomorrow_reads_every_active_account_and_today_what_is_left_of_it() -> None:
    done, _ = accounts("x", 2)
    factories.account("x", "asleep", is_active=False)
    plan()
    ScrapeJob.objects.filter(account=done).update(state=JobState.DONE, finished_at=clock.now(), outcome=OK)
    assert of("x").accounts == 2
    assert of("x", day=clock.today()).accounts == 1


def test_what_is_spent_of_the_platforms_day_is_not_there_any_more(settings: Any, monkeypatch: Any) -> None:
    settings.SCRAPE_WINDOW = "00:30-01:00"
    limited(monkeypatch, "youtube", Window(calls=100, seconds=86_400, zone="America/Los_Angeles"))
    accounts("youtube", 1)
    own = Limit.of("youtube", "youtube-key", "", ())
    start = forecast().start
    for ago, calls, returned in ((timedelta(hours=1), 40, 10), (timedelta(hours=30), 25, 0)):
        PermitBlock.objects.create(
            platform="youtube", credential=own.credential, calls=calls, returned=returned,
            granted_at=start - ago, expires_at=start - ago, settled_at=start - ago,
        )  # fmt: skip
    assert of("youtube").limits[0].spent == 30


def test_two_hours_of_one_name_are_told_apart(settings: Any) -> None:
    """When clocks are put back."""
    settings.TIME_ZONE = "Europe/Berlin"
    first = datetime(2028, 10, 29, 0, 30, tzinfo=UTC)
    for at in (first, first + timedelta(hours=1)):
        PermitBlock.objects.create(
            platform="youtube", credential="key", calls=5, granted_at=at, expires_at=at, settled_at=at
        )
    (spent,) = _spent(first).values()
    assert spent == [(first.timestamp(), 5), (first.timestamp() + 3_600, 5)]


def test_only_failures_that_are_repeated_count() -> None:
    one, *_ = accounts("linkedin", 10)
    tried(one, *["not_found"] * 50, *["unparsable"] * 50)
    assert of("linkedin").repeated == 0
    tried(one, *["timeout"] * 100)
    assert of("linkedin").repeated == 9  # every second call of 19


def test_what_went_lately_is_not_counted_from_single_tries() -> None:
    accounts("linkedin", 1)
    with CaptureQueriesContext(connection) as asked:
        forecast()
    assert not [one["sql"] for one in asked if "scraping_attempt" in one["sql"]]


def test_failures_older_than_a_week_count_no_more() -> None:
    one, *_ = accounts("linkedin", 10)
    tried(one, *["timeout"] * 400, ago=timedelta(days=8))
    assert of("linkedin").repeated == 0


def test_a_platform_that_is_off_says_why(settings: Any) -> None:
    settings.PLATFORM_TOKENS = {}
    settings.SCRAPE_PAGE_PLATFORMS = []
    accounts("x", 2)
    accounts("flickr", 1)
    off = connector_for("x")
    assert isinstance(off, Unavailable)
    assert of("x").off == off.reason
    assert advised("x") == f"2 accounts are not read. {off.reason}"
    assert advised("flickr").startswith("1 account is not read. ")
    assert not forecast().fits


def test_the_number_of_queries_does_not_grow_with_accounts() -> None:
    accounts("x", 2)
    with metered() as few:
        forecast()
    accounts("youtube", 60)
    accounts("linkedin", 60)
    with metered() as many:
        forecast()
    assert many.count == few.count <= 5


# --- What it says


def test_a_limit_that_is_too_small_says_who_waits_until_when(monkeypatch: Any) -> None:
    limited(monkeypatch, "linkedin", Window(calls=20, seconds=86_400, zone="UTC"), Window(calls=50, seconds=60))
    accounts("linkedin", 45)
    after = forecast().day + timedelta(days=2)  # twenty in the night, twenty at midnight, five at the next
    assert advised("linkedin") == (
        "LinkedIn allows 20 calls a day; 45 are needed. "
        f"5 accounts of the lowest rank will wait until {after:%A}. Deactivate some, or ask for a higher limit."
    )


def test_an_hourly_limit_too_small_for_the_rest_of_the_day_is_blamed(monkeypatch: Any, settings: Any) -> None:
    settings.SCRAPE_WINDOW = "02:00-05:00"
    limited(monkeypatch, "linkedin", Window(calls=2, seconds=3600))
    evening = datetime.combine(clock.today(), time(22), ZoneInfo(settings.TIME_ZONE))
    accounts("linkedin", 30)
    with clock.shifted(evening - clock.now()):
        made = forecast(clock.today())
    (said,) = advice(made, made.platforms[0])
    assert said.startswith("LinkedIn's limit lets 30 calls through in 14 h 0 min, and 4 h 0 min are left of the day. ")
    assert said.endswith("Deactivate some, or ask for a higher limit.")


def test_what_fits_this_once_alone_says_so(monkeypatch: Any) -> None:
    limited(monkeypatch, "linkedin", Window(calls=40, seconds=86_400, zone="UTC"))
    accounts("linkedin", 45)
    assert "45 are needed. This once all of it fits, every day it does not." in advised("linkedin")
    assert "5 accounts are read after SCRAPE_WINDOW ends at 05:00, the last at 00:00 on" in advised("linkedin")


def test_money_says_what_is_left_and_who_waits(settings: Any) -> None:
    settings.X_MONTHLY_BUDGET_USD = 0.10
    accounts("x", 30)
    row = of("x")
    assert row.money is not None
    assert (row.money.plan, row.waiting > 15) == (Decimal("0.30"), True)
    assert "Raise X_MONTHLY_BUDGET_USD, or deactivate some." in advised("x")
    settings.X_MONTHLY_BUDGET_USD = None
    assert advised("x").startswith(
        "X is not asked without a budget. Set X_MONTHLY_BUDGET_USD: this plan takes USD 0.30"
    )


def test_a_month_that_the_budget_does_not_last_says_until_when(settings: Any) -> None:
    accounts("x", 10)
    day = (clock.today().replace(day=1) + timedelta(days=32)).replace(day=1)  # a whole month, nothing of it spent
    settings.X_MONTHLY_BUDGET_USD = 0.55
    made = forecast(day)
    (row,) = made.platforms
    assert row.money is not None
    assert (row.money.spent, row.money.days_covered, row.money.suffices) == (0, 5, False)
    assert f"the budget lasts until {day + timedelta(days=4):%A}" in " ".join(advice(made, row))
    settings.X_MONTHLY_BUDGET_USD = 4.0
    made = forecast(day)
    assert advice(made, made.platforms[0]) == []


def test_a_day_that_is_over_is_refused() -> None:
    with pytest.raises(NotAhead):
        forecast(clock.today() - timedelta(days=1))
    with pytest.raises(NotAhead):
        forecast(clock.today().replace(year=9999, day=1))


# --- Where it says it


def test_the_command_writes_a_table_or_json() -> None:
    accounts("x", 3)
    out = StringIO()
    call_command("plan_capacity", stdout=out)
    assert "Platform" in out.getvalue()
    assert "3 accounts and " in out.getvalue()
    out = StringIO()
    call_command("plan_capacity", "--json", "--day", str(clock.today() + timedelta(days=2)), stdout=out)
    data = json.loads(out.getvalue())
    assert [row["accounts"] for row in data["platforms"]] == [3]
    with pytest.raises(CommandError, match="over"):
        call_command("plan_capacity", "--day", "2020-01-01")


def test_an_empty_registry_has_nothing_to_plan() -> None:
    out = StringIO()
    call_command("plan_capacity", stdout=out)
    assert out.getvalue().strip() == "There is no active account to read." == summary(forecast())


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(factories.user("viewer"))
    return client


def test_the_page_shows_the_plan_and_the_advice(viewer: Client, monkeypatch: Any) -> None:
    assert "There is no active account" in viewer.get("/scraping/capacity/").content.decode()
    limited(monkeypatch, "linkedin", Window(calls=2, seconds=86_400, zone="UTC"))
    accounts("linkedin", 5)
    page = viewer.get("/scraping/capacity/?day=junk").content.decode()
    assert "LinkedIn allows 2 calls a day; 5 are needed." in page
    assert "1 will wait" in page
    assert "/scraping/capacity/" in viewer.get("/scraping/").content.decode()


def test_the_api_answers_the_same(viewer: Client) -> None:
    accounts("x", 3)
    data = viewer.get("/api/capacity").json()
    assert data["platforms"][0]["platform"] == "x"
    assert data["platforms"][0]["limits"][0]["calls_a_day"] == 28_800
    assert data["summary"].startswith("3 accounts")
    assert viewer.get("/api/capacity?day=2020-01-01").status_code == 400
