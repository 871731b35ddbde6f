"""Every outgoing call is recorded under its platform: how long it took and what came of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from perf import recording
from perf.findings import findings
from perf.flushing import flush
from perf.reading import window
from perf.series import COUNT, HISTOGRAM
from scraping.connectors.base import CallFailed, Request
from scraping.fetch import Fetcher
from tests.scraping.fetch.conftest import HOST, HOSTS, plain


async def hang(writer: Any) -> None:
    await asyncio.sleep(5)


ANSWERS = {
    "ok": plain(b"{}"),
    "rate_limited": b"HTTP/1.1 429 Slow\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "server_error": b"HTTP/1.1 502 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "refused": b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    "connection": b"no HTTP at all\r\n\r\n",
    "timeout": hang,
}


def recorded() -> dict[tuple[str, str], Any]:
    """Platform and outcome → histogram, of what was recorded since the last look."""
    series = recording.drained().series
    assert (COUNT, recording.SHED) not in series
    calls = series.get((HISTOGRAM, "outgoing"), {})
    return {(labels.get("platform"), labels.get("outcome")): calls[labels] for labels in calls}


@pytest.mark.req("A99")
def test_each_end_of_a_call_is_recorded_once_under_its_platform(server: Any, settings: Any) -> None:
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"
    server.paths.update({f"/{HOST}/{outcome}": answer for outcome, answer in ANSWERS.items()})
    recorded()

    async def ask() -> None:
        async with Fetcher(deadline=0.3) as fetcher:
            for outcome in ANSWERS:
                with suppress(CallFailed):
                    await fetcher.fetch(Request(f"https://{HOST}/{outcome}"), hosts=HOSTS, platform="flickr")
            with pytest.raises(CallFailed):
                await fetcher.fetch(Request("https://elsewhere.example/"), hosts=HOSTS)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.1):  # whoever waits gives up first
                    await fetcher.fetch(Request(f"https://{HOST}/timeout"), hosts=HOSTS, platform="flickr")

    asyncio.run(ask())
    found = recorded()
    assert {key: calls.count for key, calls in found.items()} == {
        **{("flickr", outcome): 1 for outcome in ANSWERS},
        ("(elsewhere)", "forbidden_address"): 1,
        ("flickr", "deadline"): 1,
    }
    assert found["flickr", "timeout"].least >= 0.3


def test_a_platform_whose_calls_fail_is_a_finding_and_one_that_answers_is_not(
    db: None, server: Any, settings: Any
) -> None:
    settings.FAKE_PLATFORMS_URL = f"http://127.0.0.1:{server.port}"
    server.paths.update({f"/{HOST}/{outcome}": ANSWERS[outcome] for outcome in ("ok", "server_error")})
    recorded()

    async def ask() -> None:
        async with Fetcher() as fetcher:
            for platform, outcome in [("flickr", "server_error"), ("x", "ok")] * 3:
                await fetcher.fetch(Request(f"https://{HOST}/{outcome}"), hosts=HOSTS, platform=platform)

    asyncio.run(ask())
    flush()
    (found,) = [one for one in findings(window("1h")) if one.kind == "errors"]
    assert found.sentence.startswith("flickr failed 3 of 3 times, 100 %")
