"""Threads: public profiles by name, one a call.

Source: Meta's Threads API, Profile Discovery (`threads_profile_discovery`), and the Graph API's error codes; 1,000
look-ups a day, the shape with `data` and the codes of profiles it does not show are UNVERIFIED. It shows public
profiles with at least 100 followers, gives no id, and its like and view counts are of the last week alone.
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
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.graph import DEAD_TOKEN, PASSING, SLOW_DOWN
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

LEGAL = re.compile(r"[A-Za-z0-9_.]{1,30}")
NOT_SHOWN = {24, 100, 803}  # no such object, a name it does not look up
NOT_PERMITTED = {3, 10, *range(200, 300)}


class Threads(Connector):
    """Followers of public profiles."""

    platform = "threads"
    base_url = "https://graph.threads.com"
    windows = (Window(calls=1_000, seconds=86_400),)

    def at_once(self, target: Target) -> Missing | None:
        return None if LEGAL.fullmatch(_name(target)) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and self.at_once(target):
            return "Threads names have 1 to 30 letters, digits, dots or underscores; correct the handle."
        return {
            Missing.NOT_FOUND: "Threads shows public profiles with at least 100 followers only; check the name.",
            Missing.BLOCKED: "The app behind THREADS_TOKEN needs threads_profile_discovery with advanced access.",
        }.get(answer, "")

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(
            f"{self.base_url}/v1.0/profile_lookup",
            headers={"Authorization": f"Bearer {credential}"},
            params=(("username", _name(batch.targets[0])),),
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        if refusal := _refusal(response, member(body, "error")):
            return reading.everyone(batch, refusal)
        reading.check(response, readable=(404,))
        if response.status == 404:
            return reading.everyone(batch, Missing.NOT_FOUND)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        return reading.per_target(batch, lambda target: _read(body, target))

    def quota(self, response: Response) -> Quota:
        """Threads sends no limit headers; only its refusals speak."""
        return Quota(retry_after=reading.retry_after(response.headers))


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")


def _refusal(response: Response, error: Any) -> Missing | None:
    """The reason in an error that is about one profile. Raises CallFailed for one about the call."""
    code, message = member(error, "code"), reading.text(member(error, "message"), 200)
    if not isinstance(code, int):
        return None
    if code in SLOW_DOWN:
        raise CallFailed(Trouble.RATE_LIMITED, message, reading.retry_after(response.headers))
    if code in DEAD_TOKEN:
        raise CallFailed(Trouble.DEAD_TOKEN, message)
    if code in PASSING:
        raise CallFailed(Trouble.SERVER_ERROR, message)
    if code in NOT_PERMITTED:
        return Missing.BLOCKED
    return Missing.NOT_FOUND if code in NOT_SHOWN else None


def _read(body: Any, target: Target) -> Reading | Missing:
    """A profile at top level or as the only entry of `data`."""
    profile = body if member(body, "data") is None else member(body, "data", 0)
    if member(body, "data") == []:
        return Missing.NOT_FOUND
    followers = whole(member(profile, "follower_count"))
    username = reading.text(member(profile, "username"), 255)
    if followers is None or username.casefold() not in {"", _name(target).casefold()}:
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        handle=username,
        display_name=reading.text(member(profile, "name"), 255),
        bio=reading.text(member(profile, "biography")),
        image_url=reading.link(member(profile, "profile_picture_url"), 1000),
        verified="verified" if member(profile, "is_verified") is True else "",
    )
