"""Posts to addresses that an administrator set: webhooks and senders of messages. The socket is scraping.fetch's."""

from __future__ import annotations

from collections.abc import Mapping

from asgiref.sync import async_to_sync

from perf.outbox import Undelivered
from scraping.connectors.base import CallFailed, Request
from scraping.fetch import Fetcher, own_host

SECONDS = 10.0  # for a whole call


def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Post `body` to `url`, which is https and outside our network; status and body of the answer.

    Raises Undelivered when there is none. OUTWARD_POST names this function for the apps below.
    """
    try:
        return async_to_sync(_post)(Request(url, "POST", dict(headers), body=body))
    except CallFailed as failed:
        raise Undelivered(str(failed)) from failed


async def _post(request: Request) -> tuple[int, bytes]:
    async with Fetcher(concurrency=1, deadline=SECONDS) as fetcher:
        answer = await fetcher.fetch(request, hosts=own_host(request.url))
        return answer.status, answer.body
