"""Accounts in Mastodon's shape, which Truth Social shares. Source: the Mastodon API, entity Account."""

from __future__ import annotations

from typing import Any

from scraping.connectors import reading
from scraping.connectors.base import Answer, Missing, Reading
from scraping.connectors.numbers import whole
from scraping.connectors.reading import member

HIDDEN = -1  # what some servers give where the owner hides the count


def read_account(account: Any, username: str) -> Answer:
    """The figures in one Account entity, if it is of `username` (any case)."""
    if str(member(account, "username")).casefold() != username.casefold():
        return Missing.UNPARSABLE
    if member(account, "suspended") is True:
        return Missing.SUSPENDED
    if member(account, "followers_count") == HIDDEN:
        return Missing.HIDDEN
    followers = whole(member(account, "followers_count"))
    if followers is None:
        return Missing.UNPARSABLE
    return Reading(
        followers=followers,
        following=whole(member(account, "following_count")),
        posts=whole(member(account, "statuses_count")),
        external_id=reading.identity(member(account, "id")),
        handle=reading.text(member(account, "acct"), 255),
        display_name=reading.text(member(account, "display_name"), 255),
        image_url=reading.link(member(account, "avatar"), 1000),
        verified="verified" if member(account, "verified") is True else "",
        opened_on=reading.day(member(account, "created_at")),
    )
