"""Instagram, read from the endpoint behind its public profile pages.

Source: public client code for www.instagram.com/api/v1/users/web_profile_info, UNVERIFIED; often blocked. The ids are
Instagram's own, not those that business discovery gives.
"""

from __future__ import annotations

import re

from scraping.connectors import instagram, reading
from scraping.connectors.base import (
    Answer,
    Batch,
    CallFailed,
    Missing,
    Reading,
    Request,
    Response,
    Target,
    Trouble,
    Window,
)
from scraping.connectors.markup import read_html
from scraping.connectors.numbers import whole
from scraping.connectors.pages import PageConnector, is_wall
from scraping.connectors.reading import member

APP_ID = "936619743392459"  # the web site's own, the same for every visitor
OWN_ID = re.compile(r"[0-9]{1,14}")  # business discovery's have 17 digits


class InstagramPage(PageConnector):
    """Followers, following and posts of personal and professional accounts."""

    platform = "instagram"
    base_url = "https://www.instagram.com"
    sites = ("instagram.com",)
    windows = (Window(calls=10, seconds=3600),)

    def at_once(self, target: Target) -> Missing | None:
        return instagram.Instagram().at_once(target)

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(
            f"{self.base_url}/api/v1/users/web_profile_info/",
            headers={"X-IG-App-ID": APP_ID, "Accept": "application/json"},
            params=(("username", _name(batch.targets[0])),),
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        if "wait a few minutes" in str(member(body, "message")):
            raise CallFailed(Trouble.RATE_LIMITED, "Instagram asks to wait", reading.retry_after(response.headers))
        reading.check(response, readable=(400, 401, 403, 404))
        if response.status == 404 and not is_wall(read_html(response.body)):
            return reading.everyone(batch, Missing.NOT_FOUND)
        if response.status != 200:
            return reading.everyone(batch, Missing.BLOCKED)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        return reading.per_target(batch, lambda target: _read(target, body))


def _read(target: Target, body: object) -> Answer:
    if member(body, "require_login") is True or member(body, "status") == "fail":
        return Missing.BLOCKED
    data = member(body, "data")
    user = member(data, "user")
    if isinstance(data, dict) and "user" in data and user is None:
        return Missing.NOT_FOUND
    followers = whole(member(user, "edge_followed_by", "count"))
    if followers is None or str(member(user, "username")).casefold() != _name(target).casefold():
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        following=whole(member(user, "edge_follow", "count")),
        posts=whole(member(user, "edge_owner_to_timeline_media", "count")),
        external_id=reading.own_id(member(user, "id"), target, OWN_ID),
        handle=reading.text(member(user, "username"), 255),
        display_name=reading.text(member(user, "full_name"), 255),
        bio=reading.text(member(user, "biography")),
        bio_link=reading.link(member(user, "external_url")),
        image_url=reading.link(member(user, "profile_pic_url"), 1000),
        verified="verified" if member(user, "is_verified") is True else "",
    )


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")
