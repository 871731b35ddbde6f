"""Timing of requests: headers, the log, and switching it off."""

from __future__ import annotations

import logging
import re

import pytest

pytestmark = [pytest.mark.urls("tests.perf.urls"), pytest.mark.django_db]


@pytest.fixture
def forgiving(client):
    client.raise_request_exception = False
    return client


@pytest.mark.req("B7", "B53", "B55")
@pytest.mark.parametrize(
    ("address", "status"), [("/small", 200), ("/failing", 500), ("/nowhere", 404), ("/stream", 200)]
)
def test_every_answer_tells_its_time(forgiving, address, status):
    response = forgiving.get(address)
    assert response.status_code == status
    assert re.fullmatch(r"\d+\.\d{3}s", response["X-Response-Time"])


@pytest.mark.req("A98")
def test_server_timing_tells_the_databases_part(client):
    told = client.get("/asking")["Server-Timing"]
    total, database = (float(number) for number in re.findall(r"dur=([\d.]+)", told))
    assert '"6 queries"' in told
    assert 0 < database < total


@pytest.mark.req("B53")
def test_the_time_is_that_of_the_request(client):
    assert float(client.get("/slow/x")["X-Response-Time"].rstrip("s")) >= 0.05


@pytest.mark.req("B54", "B58")
def test_a_slow_request_is_logged_with_method_path_and_time(client, settings, caplog):
    settings.SLOW_REQUEST_THRESHOLD = 0.04
    client.get("/slow/a b?token=hidden")
    (record,) = [record for record in caplog.records if record.name == "perf.middleware"]
    assert record.levelno == logging.WARNING
    assert re.search(r"GET /slow/a%20b took 0\.\d{3} s", record.getMessage())
    assert "hidden" not in record.getMessage()


@pytest.mark.req("B58")
def test_a_higher_threshold_logs_nothing(client, settings, caplog):
    assert settings.SLOW_REQUEST_THRESHOLD == 1.0
    client.get("/slow/x")
    assert not [record for record in caplog.records if record.name == "perf.middleware"]


def test_a_path_cannot_forge_a_line_of_the_log(client, settings, caplog):
    settings.SLOW_REQUEST_THRESHOLD = 0
    client.get("/slow/a%0AERROR forged")
    assert "\n" not in caplog.records[-1].getMessage()


@pytest.mark.req("B57")
def test_without_monitoring_there_is_neither_header_nor_log(client, settings, caplog):
    assert settings.ENABLE_MONITORING is True
    settings.ENABLE_MONITORING = False
    settings.SLOW_REQUEST_THRESHOLD = 0
    response = client.get("/slow/x")
    assert not response.has_header("X-Response-Time")
    assert not response.has_header("Server-Timing")
    assert not [record for record in caplog.records if record.name.startswith("perf.")]
