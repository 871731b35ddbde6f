"""What Facebook and Instagram share: Graph batch calls of 50, their errors, and limits in percent.

Source: Meta's Graph API reference, batch requests, error codes and rate limiting. Each entry of a batch counts as one
call; entries that ran out of time are null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Missing,
    Quota,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.reading import member

VERSION = "v25.0"
SLOW_DOWN = {4, 17, 32, 613, *range(80001, 80015)}
PASSING = {1, 2}  # the platform is unwell; the same call may work later
DEAD_TOKEN = {102, 190}


class Postponed(Exception):
    """One entry of a batch was refused for now; the others may hold figures."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble)
        self.trouble = trouble


class GraphConnector(Connector):
    """Asks for up to 50 objects in one POST; a subclass says what to ask and how to read an entry."""

    base_url = "https://graph.facebook.com"
    batch_size = 50
    windows = (Window(calls=200, seconds=3600),)

    def batch_request(self, asked: Sequence[str], token: str) -> Request:
        """One POST for all `asked` (paths with their query, without the version)."""
        entries = [{"method": "GET", "relative_url": f"{VERSION}/{path}"} for path in asked]
        form = {"access_token": token, "include_headers": "false", "batch": orjson.dumps(entries).decode()}
        return Request(
            f"{self.base_url}/{VERSION}/",
            method="POST",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            cost=len(asked),
        )

    def entry(self, target: Target, content: Any) -> Answer:
        """The answer in one entry's decoded body, which is no error."""
        raise NotImplementedError

    def refusal(self, code: int, subcode: object, message: str) -> Missing:
        """Why the platform refuses one entry with an error code of its own."""
        raise NotImplementedError

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        _check(response, body, self.quota(response).retry_after)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        if not isinstance(body, list):
            return reading.everyone(batch, Missing.UNPARSABLE)
        answers: dict[str, Answer] = {}
        postponed: list[Trouble] = []
        for position, target in enumerate(batch.targets):
            try:
                answers[target.handle] = reading.same_account(target, self._read_entry(target, member(body, position)))
            except Postponed as refused:
                postponed.append(refused.trouble)
                answers[target.handle] = Missing.POSTPONED
        if len(postponed) == len(batch.targets):
            raise CallFailed(postponed[0], "every entry was refused for now", self.quota(response).retry_after)
        return answers

    def _read_entry(self, target: Target, entry: Any) -> Answer:
        if entry is None:
            return Missing.FROM_BATCH
        raw = member(entry, "body")
        content = reading.decode(Response(200, {}, raw.encode() if isinstance(raw, str) else b""))
        if not isinstance(content, dict):
            return Missing.UNPARSABLE
        error = content.get("error")
        if error is None:
            return self.entry(target, content)
        code = member(error, "code")
        if not isinstance(code, int):
            return Missing.UNPARSABLE
        if code in DEAD_TOKEN:
            raise CallFailed(Trouble.DEAD_TOKEN, reading.text(member(error, "message"), 200))
        if code in SLOW_DOWN:
            raise Postponed(Trouble.RATE_LIMITED)
        if code in PASSING:
            raise Postponed(Trouble.SERVER_ERROR)
        return self.refusal(code, member(error, "error_subcode"), reading.text(member(error, "message"), 200))

    def quota(self, response: Response) -> Quota:
        """Percentages of the rolling hour as calls left; minutes to regain access as seconds to wait."""
        usage = _header(response, "x-app-usage")
        cases = _header(response, "x-business-use-case-usage")
        groups = [usage, *(case for group in _values(cases) if isinstance(group, list) for case in group)]
        used = [_number(group, name) for group in groups for name in ("call_count", "total_time", "total_cputime")]
        known = [percent for percent in used if percent is not None]
        minutes = [_number(group, "estimated_time_to_regain_access") or 0 for group in groups]
        wait = min(max(minutes) * 60.0, reading.LONGEST_PAUSE)
        left = int(self.windows[0].calls * max(0.0, 100 - max(known)) / 100) if known else None
        return Quota(
            remaining=left,
            reset_seconds=float(self.windows[0].seconds) if known else None,
            retry_after=wait or reading.retry_after(response.headers),
        )


def _check(response: Response, body: Any, wait: float | None) -> None:
    """Raise CallFailed when the whole batch was refused; `wait` is what the headers ask for, in seconds."""
    code = member(body, "error", "code")
    message = reading.text(member(body, "error", "message"), 200)
    if isinstance(code, int) and code in SLOW_DOWN:
        raise CallFailed(Trouble.RATE_LIMITED, message, wait)
    if isinstance(code, int) and code in DEAD_TOKEN:
        raise CallFailed(Trouble.DEAD_TOKEN, message)
    if isinstance(code, int) and code in PASSING:
        raise CallFailed(Trouble.SERVER_ERROR, message, wait)
    reading.check(response)


def _header(response: Response, name: str) -> Any:
    try:
        return orjson.loads(response.headers.get(name, "{}"))
    except orjson.JSONDecodeError:
        return {}


def _values(data: Any) -> list[Any]:
    return list(data.values()) if isinstance(data, dict) else []


def _number(group: Any, name: str) -> float | None:
    """A finite non-negative number of one usage group, or None."""
    raw = member(group, name)
    usable = isinstance(raw, int | float) and not isinstance(raw, bool) and 0 <= raw < 1_000_000
    return float(raw) if usable else None
