"""Raw calls to the fake platforms, as any HTTP client makes them."""
# ruff: noqa: S310 - every address opened here is the fakes' own

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any

import pytest

from tests.scraping.conftest import Fakes

Call = Callable[..., tuple[int, Message, Any]]


@pytest.fixture
def call(fakes: Fakes) -> Call:
    """Make one raw call: (status, headers, data)."""

    def make(path: str, *, data: bytes | None = None, **headers: str) -> tuple[int, Message, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"{fakes.url}/{path}", data=data, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read() or b"null")

    return make
