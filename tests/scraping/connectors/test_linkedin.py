"""LinkedIn: organization look-up and networkSizes, written by hand from the Community Management API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from perf import clock
from scraping.connectors.base import Learned, Missing, Reading, Target, Trouble
from scraping.connectors.linkedin import LinkedIn
from tests.scraping.asking import ask, batch_of, read, trouble

CONNECTOR = LinkedIn()
NUMBERED = Target(1, "10897894", url="https://www.linkedin.com/showcase/10897894/")
NAMED = Target(2, "nurse-corps", url="https://www.linkedin.com/showcase/nurse-corps/")


def test_name_is_looked_up_and_then_asked_by_number():
    answer = read(CONNECTOR, [NAMED], {"elements": [{"id": 2414183, "vanityName": "nurse-corps"}]})["nurse-corps"]
    assert answer == Learned("2414183")
    again = batch_of(CONNECTOR, CONNECTOR.again(NAMED, answer))
    assert CONNECTOR.request(again, "t").url.endswith("/rest/networkSizes/urn%3Ali%3Aorganization%3A2414183")


def test_number_in_the_address_needs_no_look_up():
    request = CONNECTOR.request(batch_of(CONNECTOR, NUMBERED), "secret")
    assert request.url.endswith("/rest/networkSizes/urn%3Ali%3Aorganization%3A10897894")
    assert request.params == (("edgeType", "COMPANY_FOLLOWED_BY_MEMBER"),)
    assert request.headers["X-Restli-Protocol-Version"] == "2.0.0"
    assert len(request.headers["LinkedIn-Version"]) == 6
    assert "secret" not in request.url


def test_size_is_the_count():
    assert read(CONNECTOR, [NUMBERED], {"firstDegreeSize": 219_145})["10897894"] == Reading(
        followers=219_145, external_id="10897894"
    )


@pytest.mark.parametrize("body", [{}, {"firstDegreeSize": None}, {"firstDegreeSize": -1}, {"firstDegreeSize": True}])
def test_size_that_is_no_count_is_unparsable(body):
    assert read(CONNECTOR, [NUMBERED], body) == {"10897894": Missing.UNPARSABLE}


@pytest.mark.parametrize("body", [{}, {"elements": None}, {"elements": [{}]}, {"elements": [{"id": "urn:x"}]}])
def test_look_up_without_a_number_is_unparsable(body):
    assert read(CONNECTOR, [NAMED], body) == {"nurse-corps": Missing.UNPARSABLE}


def test_unknown_name_is_not_found():
    assert read(CONNECTOR, [NAMED], {"elements": []}) == {"nurse-corps": Missing.NOT_FOUND}


@pytest.mark.parametrize(("status", "answer"), [(404, Missing.NOT_FOUND), (403, Missing.BLOCKED)])
def test_refused_organization_is_named(status, answer):
    assert read(CONNECTOR, [NUMBERED], {"status": status}, status) == {"10897894": answer}


def test_dead_token_is_named():
    assert trouble(read, CONNECTOR, [NUMBERED], {}, 401).trouble == Trouble.DEAD_TOKEN


def test_spent_day_waits_until_midnight_utc():
    with clock.shifted(datetime(2026, 5, 5, 21, 0, tzinfo=UTC) - clock.now()):
        failed = trouble(read, CONNECTOR, [NUMBERED], {}, 429)
        asked = trouble(read, CONNECTOR, [NUMBERED], {}, 429, retry_after="60")
    assert failed.trouble == Trouble.RATE_LIMITED
    assert failed.retry_after == pytest.approx(3 * 3600, abs=5)
    assert asked.retry_after == 60


@pytest.mark.parametrize(
    "target",
    [Target(1, "hhscybersecurity", url="https://www.linkedin.com/in/hhscybersecurity/"), Target(1, "in:somebody")],
)
def test_person_is_unsupported_without_a_call(fakes, target):
    assert ask("linkedin", target) == {target.handle: Missing.UNSUPPORTED_PROFILE}
    assert fakes.served("linkedin") == []
    assert "person" in CONNECTOR.advice(target, Missing.UNSUPPORTED_PROFILE)


def test_name_costs_two_calls_once(fakes):
    answer = ask("linkedin", NAMED)["nurse-corps"]
    ask("linkedin", Target(2, "nurse-corps", answer.external_id))
    assert fakes.served("linkedin")[0]["calls"] == 3


def test_page_one_does_not_administer_is_blocked(fakes):
    fakes.fault("forbidden", "linkedin", "10897894")
    assert ask("linkedin", NUMBERED) == {"10897894": Missing.BLOCKED}
