"""Truth Social: one account a call, in Mastodon's shape.

Source: public client code for truthsocial.com/api/v1, UNVERIFIED against the platform. A challenge page instead of
JSON is normal there.
"""

from __future__ import annotations

import re

from scraping.connectors import fediverse, reading
from scraping.connectors.base import (
    Answer,
    Batch,
    Connector,
    Missing,
    Quota,
    Request,
    Response,
    Target,
    Window,
)

LEGAL = re.compile(r"[A-Za-z0-9_]{1,30}")
KEPT_BACK = 50  # clients of the platform stop at this many calls left


class TruthSocial(Connector):
    """Followers, following and posts."""

    platform = "truth_social"
    kind = "page"
    base_url = "https://truthsocial.com"
    needs_credential = False
    windows = (Window(calls=300 - KEPT_BACK, seconds=300),)

    def at_once(self, target: Target) -> Missing | None:
        return None if LEGAL.fullmatch(_name(target)) else Missing.NOT_FOUND

    def request(self, batch: Batch, credential: str) -> Request:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        params = (("acct", _name(batch.targets[0])),)
        return Request(f"{self.base_url}/api/v1/accounts/lookup", headers=headers, params=params)

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        if body is Missing.BLOCKED and response.status in {200, 403, 404, 503}:
            return reading.everyone(batch, Missing.BLOCKED)
        reading.check(response, readable=(403, 404, 410))
        by_status = {403: Missing.BLOCKED, 404: Missing.NOT_FOUND, 410: Missing.SUSPENDED}
        if response.status in by_status:
            return reading.everyone(batch, by_status[response.status])
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        return reading.per_target(batch, lambda target: fediverse.read_account(body, _name(target)))

    def quota(self, response: Response) -> Quota:
        left = reading.calls(response.headers.get("x-ratelimit-remaining"))
        return Quota(
            remaining=None if left is None else max(0, left - KEPT_BACK),
            reset_seconds=reading.seconds_until(reading.instant(response.headers.get("x-ratelimit-reset"))),
            retry_after=reading.retry_after(response.headers),
        )


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")
