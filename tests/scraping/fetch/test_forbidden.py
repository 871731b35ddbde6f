"""Hundreds of ways to make the product call this machine, none of which opens a socket to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from yarl import URL

from perf import clock
from perf.outbox import Undelivered
from scraping import fetch, notices, outward
from scraping.connectors import APIS, PAGES
from scraping.connectors.base import Batch, CallFailed, Connector, Request, Response, Target, Trouble
from scraping.fetch import PublicResolver
from scraping.models import Alert
from scraping.models import Notice as AlertNotice
from tests import factories
from tests.scraping.connectors.test_junk import TARGETS
from tests.scraping.fetch.conftest import RawServer, redirect
from tests.scraping.fetch.internet import PUBLIC, SECRET, Counting, Internet, join
from tests.scraping.fetch.vectors import ALLOWED, GOOD, HOSTS, NEAR, URLS
from workitems import notifications
from workitems.models import Notice as ItemNotice
from workitems.models import WorkItem

LINKS = [*(f"https://{host}/" for host in HOSTS), *URLS]
NAME = "rebind.example.org"
CREDENTIALS = {"tiktok": "hhsgov=word", "instagram": "17841400000000001:word"}  # of the others simply the word


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[RawServer, Counting]]:
    """The one that may be asked, and this one, for all attacks."""
    asked, forbidden = RawServer(), Counting()
    yield asked, forbidden
    asked.stop()
    forbidden.stop()


@pytest.fixture
def internet(machines: tuple[RawServer, Counting], settings: Any, monkeypatch: pytest.MonkeyPatch) -> Internet:
    """The world of one attack: nobody was asked yet."""
    settings.FAKE_PLATFORMS_URL = ""
    world = Internet(*machines)
    join(world, monkeypatch)
    return world


@pytest.mark.parametrize("url", LINKS)
def test_link_leads_a_webhook_or_a_redirect_never_to_this_machine(internet: Internet, url: str) -> None:
    link = url.format(port=internet.forbidden.port)
    with suppress(Undelivered):
        assert SECRET not in outward.post(link, {}, b"{}")[1]
    internet.asked.paths["/x"] = redirect(link)
    answer = internet.fetch(f"{ALLOWED}/x", hosts={GOOD})
    assert isinstance(answer, CallFailed) or SECRET not in answer.body
    assert internet.asked.hits
    assert internet.is_untouched()


def test_without_the_guard_they_arrive(internet: Internet, monkeypatch: pytest.MonkeyPatch) -> None:
    """The world of these tests is real: a third of the links leads here once nobody looks."""
    monkeypatch.setattr(fetch, "checked_url", lambda raw, hosts: URL(raw, encoded=True))
    monkeypatch.setattr(fetch, "is_public", lambda address: True)
    for url in LINKS:
        with suppress(Exception):
            outward.post(url.format(port=internet.forbidden.port), {}, b"{}")
    assert internet.forbidden.hits > len(LINKS) / 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("hop", [1, 2, 3, 4, 5])
def test_redirect_is_checked_at_every_hop(internet: Internet, status: int, hop: int) -> None:
    for number in range(1, hop):
        internet.asked.paths[f"/{number}"] = redirect(f"/{number + 1}")
    for count, there in enumerate(("https://[::ffff:127.0.0.2]/", f"http://{GOOD}/", f"https://{PUBLIC}/"), 1):
        internet.asked.paths[f"/{hop}"] = redirect(there).replace(b"302", str(status).encode())
        answer = internet.fetch(f"{ALLOWED}/1", hosts={GOOD, "::ffff:127.0.0.2"})
        assert trouble(answer) == Trouble.FORBIDDEN_ADDRESS, there
        assert (internet.asked.hits, internet.is_untouched()) == (count * hop, True)


def trouble(answer: Response | CallFailed) -> Trouble:
    assert isinstance(answer, CallFailed)
    return answer.trouble


# --- Names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", NEAR)
def test_name_of_a_near_address_is_refused_by_each_of_two_guards(
    internet: Internet, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer in ([address], [PUBLIC, address], [address, PUBLIC]):
        internet.names.known[NAME] = [answer]
        assert trouble(internet.fetch(f"https://{NAME}/", hosts={NAME})) == Trouble.FORBIDDEN_ADDRESS
    assert internet.is_untouched()
    internet.names.known[NAME] = [[address]]
    monkeypatch.setattr(PublicResolver, "resolve", lambda self, *asked, **how: self._inner.resolve(*asked, **how))
    assert trouble(internet.fetch(f"https://{NAME}/", hosts={NAME})) == Trouble.FORBIDDEN_ADDRESS
    assert internet.is_untouched()


@pytest.mark.parametrize("address", ["127.0.0.2", "::1", "::ffff:127.0.0.2"])
def test_name_that_is_bound_anew_between_two_hops_is_refused(internet: Internet, address: str) -> None:
    internet.names.known[NAME] = [[PUBLIC], [address]]
    internet.asked.paths["/x"] = redirect(f"https://{NAME}/y")
    internet.fetch(f"https://{NAME}/x", hosts={NAME})
    assert internet.asked.hits >= 1
    assert internet.is_untouched()


def test_name_is_resolved_once_between_check_and_connect(internet: Internet) -> None:
    internet.names.known[NAME] = [[PUBLIC], ["127.0.0.2"]]
    answer = internet.fetch(f"https://{NAME}/x", hosts={NAME})
    assert isinstance(answer, Response)
    assert (internet.names.asked, internet.is_untouched()) == ([NAME], True)


def test_refusal_does_not_tell_what_a_name_resolves_to(internet: Internet) -> None:
    internet.names.known[NAME] = [["10.20.30.40"]]
    answer = internet.fetch(f"https://{NAME}/", hosts={NAME})
    assert "10.20.30.40" not in str(answer)


# --- Everything that calls ------------------------------------------------------------------------


EVERY = [*APIS.values(), *PAGES.values()]


def calls_of(connector: Connector) -> Iterator[tuple[Batch, Request]]:
    """Calls for accounts of every kind, each with its key of the platform's credential."""
    credential = CREDENTIALS.get(connector.platform, "word")
    for target in TARGETS:
        if (key := connector.key(target, credential)) is not None:
            yield from ((batch, connector.request(batch, key)) for batch in connector.batches([target]))


@pytest.mark.parametrize("connector", EVERY, ids=lambda one: f"{one.platform} {one.kind}")
def test_platform_whose_name_leads_to_this_machine_is_not_called(internet: Internet, connector: Connector) -> None:
    for batch, asked in calls_of(connector):
        hosts = connector.hosts(batch)
        internet.names.known |= {host: [["127.0.0.2"]] for host in hosts}
        assert trouble(internet.fetch(asked.url, hosts=hosts, params=asked.params)) == Trouble.FORBIDDEN_ADDRESS
    assert internet.names.asked
    assert internet.is_untouched()


@pytest.mark.parametrize("connector", EVERY, ids=lambda one: f"{one.platform} {one.kind}")
def test_credential_travels_in_a_header_that_no_other_host_gets(connector: Connector) -> None:
    for _, asked in calls_of(connector):
        carriers = {name.lower() for name, value in asked.headers.items() if "word" in value}
        assert carriers <= fetch.CREDENTIALS
        assert "word" not in f"{asked.url} {asked.params}"


def test_mastodon_handle_names_no_address(internet: Internet) -> None:
    """A handle says which server to ask: the one thing outside the settings that decides where a call goes."""
    connector = APIS["mastodon"]
    for number, host in enumerate([*HOSTS, *(url.partition("//")[2].strip("/") for url in URLS)]):
        for batch in connector.batches([Target(number, f"user@{host}")]):
            asked = connector.request(batch, "")
            answer = internet.fetch(asked.url, hosts=connector.hosts(batch), params=asked.params)
            assert isinstance(answer, CallFailed) or SECRET not in answer.body
    assert internet.is_untouched()


@pytest.fixture
def senders(settings: Any) -> None:
    settings.ENABLE_NOTIFICATIONS, settings.MAIL = True, False
    settings.ALERT_WEBHOOK_URL, settings.ALERT_WEBHOOK_SECRET = f"https://{NAME}/alerts", "a long secret"
    settings.WORKITEM_WEBHOOK_URL, settings.WORKITEM_WEBHOOK_SECRET = f"https://{NAME}/items", "a long secret"
    settings.SMS, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = True, "AC1", "secret"
    settings.TWILIO_FROM = "+14155552671"


def test_alert_item_and_text_message_reach_nothing_here(internet: Internet, senders: None, db: None) -> None:
    internet.names.known |= {NAME: [["127.0.0.2"]], "api.twilio.com": [["::1"]]}
    alert = Alert.objects.create(kind=Alert.Kind.DEAD_TOKEN, platform="x", opened_at=clock.now(), detail={"waiting": 1})
    AlertNotice.objects.create(alert=alert, channel="webhook", event="opened", due_at=clock.db_now())
    item = WorkItem.objects.create(number="0001", location="Bay", description="Leak")
    said = {"work_item": item, "event": "completed_review", "due_at": clock.db_now()}
    ItemNotice.objects.create(channel="webhook", **said)
    ItemNotice.objects.create(channel="sms", address="+4915112345678", recipient=factories.user("reviewer"), **said)
    assert notices.send() + notifications.send() == 0
    errors = [one.error for model in (AlertNotice, ItemNotice) for one in model.objects.all()]
    assert [error.partition(":")[0] for error in errors] == ["forbidden_address"] * 3
    assert internet.is_untouched()
