"""Telling what happened."""

from __future__ import annotations

import pytest
from django.dispatch import Signal

from perf import events


@pytest.fixture
def fresh_signal(monkeypatch) -> Signal:
    monkeypatch.setattr(events, "event", Signal())
    return events.event


def test_a_receiver_hears_who_did_what_to_what(fresh_signal):
    heard = []
    fresh_signal.connect(lambda sender, signal, **told: heard.append(told), weak=False)
    events.happened(None, "accounts.import", "roster.csv", {"rows": 3})
    events.happened("ann", "cache.clear")
    assert heard == [
        {"actor": None, "action": "accounts.import", "target": "roster.csv", "detail": {"rows": 3}},
        {"actor": "ann", "action": "cache.clear", "target": "", "detail": {}},
    ]


def test_an_error_in_a_receiver_rises(fresh_signal):
    def refuse(**told: object) -> None:
        raise LookupError

    fresh_signal.connect(refuse, weak=False)
    with pytest.raises(LookupError):
        events.happened(None, "accounts.import")
