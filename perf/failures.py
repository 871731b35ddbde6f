"""Which error a request or task failed with, and the line of the project that it came through last."""

from __future__ import annotations

import sys
from typing import Any

from django.core.signals import got_request_exception

from perf import recording
from perf.middleware import NOWHERE
from perf.places import raised


def connect() -> None:
    """Receive every error that Django answers a request with 500 for; once is enough."""
    got_request_exception.connect(_failed, dispatch_uid="perf.failures")


def labels_of(error: BaseException) -> dict[str, str]:
    """Its class and the line of the project, never its message, which may hold anybody's data."""
    return {"error": type(error).__name__, "place": str(raised(error))}


def _failed(*, request: Any = None, **_: Any) -> None:
    match, error = getattr(request, "resolver_match", None), sys.exc_info()[1]
    if error is not None:
        recording.count("request.errors", 1, route=match.view_name if match else NOWHERE, **labels_of(error))
