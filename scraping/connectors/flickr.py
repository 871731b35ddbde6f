"""Flickr: the model that a profile page carries in its script.

Source: public pages of flickr.com, `modelExport`, UNVERIFIED; both shapes seen there, with and without `data`, are
read.
"""

from __future__ import annotations

import json
import re
from typing import Any, Never
from urllib.parse import quote

from scraping.connectors import reading
from scraping.connectors.base import (
    Answer,
    Batch,
    Connector,
    Missing,
    Quota,
    Reading,
    Request,
    Response,
    Window,
)
from scraping.connectors.numbers import count
from scraping.connectors.reading import member

EXPORT = re.compile(r"\bmodelExport\s*[:=]\s*(?=\{)")
NSID = re.compile(r"\d{5,12}@N\d{2}")


class Flickr(Connector):
    """Followers and photos from a profile page."""

    platform = "flickr"
    kind = "page"
    base_url = "https://www.flickr.com"
    needs_credential = False
    windows = (Window(calls=60, seconds=60),)

    def request(self, batch: Batch, credential: str) -> Request:
        target = batch.targets[0]
        return Request(f"{self.base_url}/photos/{quote(target.external_id or target.handle, safe='@')}/")

    def parse(self, batch: Batch, response: Response) -> dict[str, Answer]:
        by_status = {  # 401 is a wall too: there is no credential that could be dead
            401: Missing.BLOCKED,
            403: Missing.BLOCKED,
            404: Missing.NOT_FOUND,
            410: Missing.NOT_FOUND,
        }
        reading.check(response, readable=by_status)
        if response.status in by_status:
            return reading.everyone(batch, by_status[response.status])
        export = _export(response.body.decode("utf-8", "replace"))
        if isinstance(export, Missing):
            return reading.everyone(batch, export)
        return reading.per_target(batch, lambda _: _read(member(export, "main")))

    def quota(self, response: Response) -> Quota:
        return Quota(retry_after=reading.retry_after(response.headers))


def _export(page: str) -> Any:
    """The exported model as data; a page without one is a sign-in or challenge page."""
    found = EXPORT.search(page)
    if not found:
        return Missing.BLOCKED
    try:
        return json.JSONDecoder(parse_constant=_refuse).raw_decode(page, found.end())[0]
    except (ValueError, RecursionError):
        return Missing.UNPARSABLE


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is no number")


def _model(main: Any, name: str) -> Any:
    model = member(main, name, 0)
    return member(model, "data") or model


def _read(main: Any) -> Answer:
    contacts = _model(main, "person-contacts-count-models")
    followers = count(member(contacts, "followerCount"))
    if followers is None:
        is_withheld = isinstance(contacts, dict) and "followerCount" in contacts and contacts["followerCount"] is None
        return Missing.HIDDEN if is_withheld else Missing.UNPARSABLE
    profile = _model(main, "person-profile-models")
    photos = count(member(profile, "photoCount"))
    owner = reading.identity(member(profile, "id"))
    return Reading(
        followers=followers.value,
        followers_rounded=followers.rounded,
        posts=photos.value if photos else None,
        external_id=owner if NSID.fullmatch(owner) else "",
    )
