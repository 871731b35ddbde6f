"""Asking platforms as gathering does: targets in, last words out. For tests only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from scraping.connectors import connector_for, credential_for
from scraping.connectors.base import Answer, Batch, CallFailed, Connector, Response, Target
from scraping.fetch import Fetcher


def ask(platform: str, *handles: str | Target) -> dict[str, Answer]:
    """The last word on every handle, through the connector, the fetcher and the fakes."""
    connector = connector_for(platform)
    assert isinstance(connector, Connector)
    targets = [h if isinstance(h, Target) else Target(n, h) for n, h in enumerate(handles)]
    return asyncio.run(_ask(connector, credential_for(platform), targets))


async def _ask(connector: Connector, credential: str, targets: Sequence[Target]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {t.handle: m for t in targets if (m := connector.unasked(t, credential)) is not None}
    targets = [target for target in targets if target.handle not in answers]
    async with Fetcher(deadline=2.0) as fetcher:
        while targets:
            further = []
            for batch in connector.batches(targets):
                request = connector.request(batch, connector.key(batch.targets[0], credential) or "")
                response = await fetcher.fetch(request, hosts=connector.hosts(batch))
                parsed = connector.parse(batch, response)
                assert set(parsed) == set(batch.handles)
                answers |= parsed
                again = [connector.again(target, parsed[target.handle]) for target in batch.targets]
                further += [target for target in again if target]
            targets = further
    return answers


def read(connector: Connector, handles: Sequence[str | Target], body: Any, status: int = 200, **headers: str) -> Any:
    """What `connector` makes of one answer (bytes, or data to encode) to a call for `handles`, all in one batch."""
    targets = [h if isinstance(h, Target) else Target(n, h) for n, h in enumerate(handles)]
    (batch,) = connector.batches(targets)
    return connector.parse(batch, response(body, status, **headers))


def batch_of(connector: Connector, *handles: str | Target) -> Batch:
    """The one batch that `handles` make."""
    (batch,) = connector.batches([h if isinstance(h, Target) else Target(n, h) for n, h in enumerate(handles)])
    return batch


def response(body: Any = b"", status: int = 200, **headers: str) -> Response:
    """A response; header names are written with underscores."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def trouble(call: Any, *args: Any, **kwargs: Any) -> CallFailed:
    """The CallFailed that `call` raises."""
    try:
        call(*args, **kwargs)
    except CallFailed as failed:
        return failed
    raise AssertionError("the call did not fail")
