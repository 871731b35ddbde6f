"""GitHub: users and organisations, one a call, by their durable id once it is known.

Source: GitHub's REST API reference, Get a user and Get a user using their ID, and its pages on rate limits. A 304 to
an ETag costs nothing with a token but holds no figure, and every day needs one of its own: none is asked for.
"""

from __future__ import annotations

import re
from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Connector,
    Elsewhere,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

LEGAL = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
WITHOUT_TOKEN = (Window(calls=60, seconds=3600),)
AT_LEAST = 60.0  # seconds to wait after a refusal that says nothing else


class GitHub(Connector):
    """Followers and following of people and organisations."""

    platform = "github"
    base_url = "https://api.github.com"
    windows = (Window(calls=5_000, seconds=3600), Window(calls=900, seconds=60))
    needs_credential = False

    def windows_for(self, credential: str) -> tuple[Window, ...]:
        return self.windows if credential else WITHOUT_TOKEN

    def at_once(self, target: Target) -> Missing | None:
        return None if LEGAL.fullmatch(_login(target)) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and self.at_once(target):
            return "GitHub names have 1 to 39 letters, digits or single hyphens; correct the handle."
        return ""

    def step(self, target: Target) -> str:
        return target.step or ("id" if target.external_id.isdecimal() else "login")

    def request(self, batch: Batch, credential: str) -> Request:
        target = batch.targets[0]
        path = f"/user/{target.external_id}" if batch.step == "id" else f"/users/{_login(target)}"
        authorization = {"Authorization": f"Bearer {credential}"} if credential else {}
        return Request(f"{self.base_url}{path}", headers=HEADERS | authorization)

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        self._check(response, body)
        if response.status == 404:
            return reading.everyone(batch, Elsewhere("login") if batch.step == "id" else Missing.NOT_FOUND)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        return reading.per_target(batch, lambda target: _read(body, target, batch.step))

    def _check(self, response: Response, body: Any) -> None:
        """Raise CallFailed; both kinds of limit come as 403 or 429, and only the first says when it ends."""
        if response.status in {403, 429}:
            said, quota = reading.text(member(body, "message"), 200), self.quota(response)
            if response.status == 429 or quota.remaining == 0 or quota.retry_after or "rate limit" in said.casefold():
                to_reset = quota.reset_seconds if quota.remaining == 0 else None
                wait = quota.retry_after or to_reset or AT_LEAST
                raise CallFailed(Trouble.RATE_LIMITED, said, min(wait, reading.LONGEST_PAUSE))
        reading.check(response, readable=(404,))

    def quota(self, response: Response) -> Quota:
        headers = response.headers
        return Quota(
            remaining=reading.calls(headers.get("x-ratelimit-remaining")),
            reset_seconds=reading.seconds_to_epoch(headers.get("x-ratelimit-reset")),
            retry_after=reading.retry_after(headers),
        )


def _login(target: Target) -> str:
    return target.handle.removeprefix("@")


def _read(body: Any, target: Target, step: str) -> Reading | Missing:
    followers = whole(member(body, "followers"))
    login = reading.text(member(body, "login"), 255)
    if followers is None or (step == "login" and login.casefold() != _login(target).casefold()):
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        following=whole(member(body, "following")),
        external_id=reading.identity(member(body, "id")),
        handle=login,
        display_name=reading.text(member(body, "name"), 255),
        bio=reading.text(member(body, "bio")),
        bio_link=reading.link(member(body, "blog")),
        image_url=reading.link(member(body, "avatar_url"), 1000),
        opened_on=reading.day(member(body, "created_at")),
    )
