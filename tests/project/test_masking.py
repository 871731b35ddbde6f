from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from project import views


@pytest.mark.parametrize("path", ["/invitation/live-code/", "/password/reset/MQ/live-token/"])
def test_slow_and_failed_requests_are_logged_without_the_codes_of_their_addresses(
    path: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OperationalError(f"no connection for {path}")

    settings.SLOW_REQUEST_THRESHOLD = 0
    monkeypatch.setattr(views.Invitation.objects, "find", away)
    monkeypatch.setattr(views.ResetByLink, "get_user", away)
    console = next(handler for handler in logging.getLogger().handlers if handler.name == "console")
    before = console.setStream(log := io.StringIO())  # type: ignore[attr-defined]  # a StreamHandler
    try:
        assert Client(raise_request_exception=False).get(path).status_code == 503
    finally:
        console.setStream(before)  # type: ignore[attr-defined]
    assert "Slow request" in log.getvalue()
    assert "OperationalError" in log.getvalue()
    assert "live-" not in log.getvalue()
