"""Reddit: communities by name or fullname, 100 a call; people (`u:name`) one a call.

Source: Reddit's API documentation, GET /api/info and GET /user/{name}/about, and its rate limit headers; the cap of 100
names is UNVERIFIED. The credential is the bearer token of an OAuth app.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    Connector,
    Elsewhere,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Target,
    Window,
)
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

COMMUNITY, PERSON = re.compile(r"[A-Za-z0-9_]{2,21}"), re.compile(r"u:[A-Za-z0-9_-]{3,20}")
COMMUNITY_ID = re.compile(r"t5_[a-z0-9]{1,20}")
BEARER, APP_SECRET = re.compile(r"[\x21-\x7e]+"), re.compile(r"[\w-]{14,30}:[\w-]{20,40}")


class Reddit(Connector):
    """Subscribers of communities and followers of people."""

    platform = "reddit"
    base_url = "https://oauth.reddit.com"
    batch_size = 100  # communities
    windows = (Window(calls=1_000, seconds=600),)  # 100 a minute, averaged over ten

    def credential_problem(self, credential: str) -> str:
        """A bearer token, which an app's id and secret are exchanged for; they are none themselves."""
        if BEARER.fullmatch(credential) and not APP_SECRET.fullmatch(credential):
            return ""
        return "Write REDDIT_TOKEN as the bearer token that www.reddit.com/api/v1/access_token gives for your app."

    def at_once(self, target: Target) -> Missing | None:
        legal = PERSON if _is_person(target) else COMMUNITY
        return None if legal.fullmatch(target.handle) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.NOT_FOUND and self.at_once(target):
            return "Write communities as their name and people as u:name; correct the handle."
        return {
            Missing.FROM_BATCH: "Reddit leaves out communities that do not exist; open the address to see.",
            Missing.HIDDEN: "Reddit shows no count of private and banned communities.",
            Missing.UNSUPPORTED_PROFILE: "This person has no profile page on Reddit that could be followed.",
        }.get(answer, "")

    def size(self, step: str) -> int:
        return 1 if step == "person" else self.batch_size

    def step(self, target: Target) -> str:
        """People by name, since Reddit has no other way; communities by fullname once it is known."""
        if _is_person(target):
            return "person"
        return target.step or ("ids" if COMMUNITY_ID.fullmatch(target.external_id) else "names")

    def request(self, batch: Batch, credential: str) -> Request:
        headers, plain = {"Authorization": f"Bearer {credential}"}, ("raw_json", "1")  # texts without HTML entities
        if batch.step == "person":
            url = f"{self.base_url}/user/{_name(batch.targets[0])}/about"
            return Request(url, headers=headers, params=(plain,))
        by_id = batch.step == "ids"
        asked = ",".join(target.external_id if by_id else target.handle for target in batch.targets)
        return Request(
            f"{self.base_url}/api/info", headers=headers, params=(("id" if by_id else "sr_name", asked), plain)
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        reading.check(response, readable=(403, 404) if batch.step == "person" else (403,))
        if response.status != 200:
            return reading.everyone(batch, Missing.BLOCKED if response.status == 403 else Missing.NOT_FOUND)
        body = reading.decode(response)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        if batch.step == "person":
            return reading.per_target(batch, lambda target: _person(member(body, "data"), target))
        children = member(body, "data", "children")
        if not isinstance(children, list):
            return reading.everyone(batch, Missing.UNPARSABLE)
        key = "name" if batch.step == "ids" else "display_name"
        found = {str(member(child, "data", key)).casefold(): member(child, "data") for child in children}

        def answer(target: Target) -> Answer:
            asked = target.external_id if batch.step == "ids" else target.handle
            community = found.get(asked.casefold())
            return _community(community) if community is not None else _absent(batch.step)

        return reading.per_target(batch, answer)

    def quota(self, response: Response) -> Quota:
        """Remaining is a decimal, Reset the seconds that are left."""
        headers = response.headers
        return Quota(
            remaining=reading.calls(headers.get("x-ratelimit-remaining")),
            reset_seconds=reading.number(headers.get("x-ratelimit-reset")),
            retry_after=reading.retry_after(headers),
        )


def _is_person(target: Target) -> bool:
    return target.handle.startswith("u:")


def _name(target: Target) -> str:
    return target.handle.removeprefix("u:")


def _absent(step: str) -> Answer:
    """Who is gone by fullname is asked for by name once, which may have gone over to another community."""
    return Elsewhere("names") if step == "ids" else Missing.FROM_BATCH


def _community(data: Any) -> Reading | Missing:
    if isinstance(data, dict) and data.get("subscribers", 0) is None:
        return Missing.HIDDEN
    subscribers = whole(member(data, "subscribers"))
    if subscribers is None:
        return Missing.UNPARSABLE
    return Reading(
        followers=subscribers,
        external_id=reading.identity(member(data, "name")),
        handle=reading.text(member(data, "display_name"), 255),
        display_name=reading.text(member(data, "title"), 255),
        bio=reading.text(member(data, "public_description")),
        image_url=_image(data),
        opened_on=_day(member(data, "created_utc")),
    )


def _person(data: Any, target: Target) -> Reading | Missing:
    """A person's followers are the subscribers of the community that their profile page is."""
    name, own_id = reading.text(member(data, "name"), 255), reading.identity(member(data, "id"))
    if name.casefold() != _name(target).casefold():
        return Missing.UNPARSABLE
    if member(data, "is_suspended") is True:
        return Missing.SUSPENDED
    profile = member(data, "subreddit")
    if profile is None:
        return Missing.UNSUPPORTED_PROFILE
    followers = whole(member(profile, "subscribers"))
    if followers is None:
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        external_id=f"t2_{own_id}" if own_id else "",
        handle=f"u:{name}",
        display_name=reading.text(member(profile, "title"), 255),
        bio=reading.text(member(profile, "public_description")),
        image_url=reading.link(member(data, "icon_img"), 1000),
        opened_on=_day(member(data, "created_utc")),
    )


def _image(data: Any) -> str:
    addresses = (reading.link(member(data, name), 1000) for name in ("community_icon", "icon_img"))
    return next(filter(None, addresses), "")


def _day(raw: object) -> date | None:
    """The UTC day of a Unix time, or None."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw) and 0 < raw < 32_503_680_000:
        return datetime.fromtimestamp(raw, UTC).date()
    return None
