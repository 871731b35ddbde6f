"""Bluesky: profiles by handle or DID, 25 a call.

Source: the AT Protocol lexicon app.bsky.actor.getProfiles and its handle and DID grammars. The public AppView states
no limit: 10 calls a second are kept.
"""

from __future__ import annotations

import re
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

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HANDLE = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?![0-9]){_LABEL}")
DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{0,200}[A-Za-z0-9._-]")
UNPROVEN = "handle.invalid"  # what stands for a handle whose domain no longer names the account


class Bluesky(Connector):
    """Followers, follows and posts of up to 25 profiles a call, by DID once it is known."""

    platform = "bluesky"
    base_url = "https://public.api.bsky.app"
    batch_size = 25
    windows = (Window(calls=10, seconds=1),)
    needs_credential = False

    def at_once(self, target: Target) -> Missing | None:
        """One name outside the grammar would fail the whole call, and leads to nobody."""
        return None if HANDLE.fullmatch(_name(target)) or DID.fullmatch(_name(target)) else Missing.NOT_FOUND

    def advice(self, target: Target, answer: Missing) -> str:
        if answer == Missing.FROM_BATCH:
            return "Bluesky leaves out accounts that do not exist, were deactivated or taken down; open the address."
        if answer == Missing.NOT_FOUND:
            return "Bluesky handles are whole names with their dots, such as nasa.bsky.social; correct the handle."
        return ""

    def request(self, batch: Batch, credential: str) -> Request:
        actors = tuple(("actors", _actor(batch, target)) for target in batch.targets)
        return Request(f"{self.base_url}/xrpc/app.bsky.actor.getProfiles", params=actors)

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        reading.check(response)
        body = reading.decode(response)
        profiles = member(body, "profiles")
        if not isinstance(profiles, list):
            return reading.everyone(batch, body if isinstance(body, Missing) else Missing.UNPARSABLE)
        by_did = {str(member(profile, "did")): profile for profile in profiles}
        by_handle = {str(member(profile, "handle")).casefold(): profile for profile in profiles}

        def answer(target: Target) -> Answer:
            actor = _actor(batch, target)
            profile = by_did.get(actor) or by_handle.get(actor.casefold())
            return _absent(target, actor) if profile is None else _read(profile)

        return reading.per_target(batch, answer)

    def quota(self, response: Response) -> Quota:
        headers = response.headers
        return Quota(
            remaining=reading.calls(headers.get("ratelimit-remaining")),
            reset_seconds=reading.seconds_to_epoch(headers.get("ratelimit-reset")),
            retry_after=reading.retry_after(headers),
        )


def _name(target: Target) -> str:
    return target.handle.removeprefix("@")


def _actor(batch: Batch, target: Target) -> str:
    """Whom to ask for: the DID once it is known, which a rename leaves as it is."""
    return target.external_id if target.external_id and batch.step == "read" else _name(target)


def _absent(target: Target, actor: str) -> Answer:
    """Who is gone by DID is asked for by handle once, which may have gone over to somebody else."""
    return Missing.FROM_BATCH if actor == _name(target) else Elsewhere("handle")


def _read(profile: Any) -> Reading | Missing:
    followers = whole(member(profile, "followersCount"))
    if followers is None:
        return Missing.UNPARSABLE
    handle = reading.text(member(profile, "handle"), 255)
    return Reading(
        followers=followers,
        following=whole(member(profile, "followsCount")),
        posts=whole(member(profile, "postsCount")),
        external_id=reading.identity(member(profile, "did")),
        handle="" if handle == UNPROVEN else handle,
        display_name=reading.text(member(profile, "displayName"), 255),
        bio=reading.text(member(profile, "description")),
        image_url=reading.link(member(profile, "avatar"), 1000),
        verified="verified" if member(profile, "verification", "verifiedStatus") == "valid" else "",
        opened_on=reading.day(member(profile, "createdAt")),
    )
