"""TikTok: each account with a token of its own, which its owner gave through TikTok's sign-in; one a call.

Source: TikTok for Developers, Get User Info, its scopes, error codes and rate limits. A token lasts a day and needs the
scopes user.info.basic, user.info.profile and user.info.stats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
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
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

LEGAL = re.compile(r"[A-Za-z0-9_.]{1,24}")
OPEN_ID = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9_-]{1,64}")  # the site's own ids, which pages show, are numbers
PAIR = re.compile(r"@?([A-Za-z0-9_.-]{1,64})=([\x21-\x2b\x2d-\x7e]+)")  # a token holds neither blank nor comma
FIELDS = (
    "open_id,display_name,avatar_url,username,bio_description,is_verified,"
    "follower_count,following_count,likes_count,video_count"
)
REFUSED_TOKENS = {"access_token_invalid", "scope_not_authorized", "scope_permission_missed"}


class TikTok(Connector):
    """Followers, following, likes and videos of accounts whose owners agreed."""

    platform = "tiktok"
    base_url = "https://open.tiktokapis.com"
    windows = (Window(calls=600, seconds=60),)
    per_account = True

    def credential_problem(self, credential: str) -> str:
        if all(PAIR.fullmatch(pair) for pair in _pairs(credential)):
            return ""
        return "Write TIKTOK_TOKEN as handle=token for each account, with commas between."

    def key(self, target: Target, credential: str) -> str | None:
        """The account's own token, found by handle, or by the open_id that stays when it is renamed."""
        tokens = _tokens(credential)
        return tokens.get(_name(target).casefold()) or tokens.get(target.external_id.casefold())

    def at_once(self, target: Target) -> Missing | None:
        return None if LEGAL.fullmatch(_name(target)) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        return {
            Missing.NOT_FOUND: "TikTok names have 1 to 24 letters, digits, dots or underscores; correct the handle.",
            Missing.WANTS_TOKEN: f"Put a fresh {_name(target)}=token into TIKTOK_TOKEN; a token lasts a day.",
            Missing.REASSIGNED: "Ids belong to one TikTok app: if it was changed, clear the account's own id.",
        }.get(answer, "")

    def request(self, batch: Batch, credential: str) -> Request:
        return Request(
            f"{self.base_url}/v2/user/info/",
            headers={"Authorization": f"Bearer {credential}"},
            params=(("fields", FIELDS),),
        )

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        body = reading.decode(response)
        code = str(member(body, "error", "code"))
        if response.status == 401 or code in REFUSED_TOKENS:
            return reading.everyone(batch, Missing.WANTS_TOKEN)
        if code == "rate_limit_exceeded":
            raise CallFailed(Trouble.RATE_LIMITED, code, reading.retry_after(response.headers))
        reading.check(response)
        if isinstance(body, Missing):
            return reading.everyone(batch, body)
        return reading.per_target(batch, lambda target: _read(member(body, "data", "user"), target))

    def quota(self, response: Response) -> Quota:
        """TikTok sends no limit headers; only its refusals speak."""
        return Quota(retry_after=reading.retry_after(response.headers))


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")


def _pairs(credential: str) -> list[str]:
    return re.split(r"[\s,]+", credential.strip().strip(","))


@lru_cache(maxsize=2)
def _tokens(credential: str) -> Mapping[str, str]:
    """Tokens by handle or open_id."""
    found = (PAIR.fullmatch(pair) for pair in _pairs(credential))
    return {pair[1].casefold(): pair[2] for pair in found if pair}


def _read(user: Any, target: Target) -> Reading | Missing:
    """The figures of the account that the token is of, if that is the one asked for."""
    followers, username = whole(member(user, "follower_count")), reading.text(member(user, "username"), 255)
    open_id = reading.own_id(member(user, "open_id"), target, OPEN_ID)
    is_known = bool(open_id) and open_id == target.external_id
    if not is_known and username and username.casefold() != _name(target).casefold():
        return Missing.WANTS_TOKEN  # this one opens somebody else's account
    if followers is None or not username:
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        following=whole(member(user, "following_count")),
        likes=whole(member(user, "likes_count")),
        videos=whole(member(user, "video_count")),
        external_id=open_id,
        handle=username,
        display_name=reading.text(member(user, "display_name"), 255),
        bio=reading.text(member(user, "bio_description")),
        image_url=reading.link(member(user, "avatar_url"), 1000),
        verified="verified" if member(user, "is_verified") is True else "",
    )
